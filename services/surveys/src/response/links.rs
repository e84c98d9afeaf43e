//! Links to questionnaires, made for those who write to customers.

use std::collections::HashMap;

use seva_proto::common::v1::{
    ErrorReason, Link as LinkMessage, LinkPurpose, MintLinksRequest, MintLinksResponse,
    link_service_server::LinkService,
};
use seva_runtime::{
    BusinessClock, Error, Violations,
    auth::{LinkSigner, links::Link},
    incoming,
};
use seva_store::{Database, event::proto_timestamp, service::Foundation};
use seva_values::{Invalid, parse_name};
use tonic::{Code, Request, Response, Status};
use uuid::Uuid;

use crate::invitation::{self, Invitation};

/// What these links are for.
pub const PURPOSE: &str = "survey";
/// Links of one request at most.
const MAX_LINKS: usize = 200;

/// A link of ours that leads nowhere, or no longer; without saying which.
pub fn invalid_link() -> Error {
    Error::new(Code::Unauthenticated, ErrorReason::CredentialInvalid, "the link is not valid")
}

/// Makes links to the questions of invitations.
#[derive(Debug, Clone)]
pub struct LinkRpc {
    db: Database,
    clock: BusinessClock,
    links: LinkSigner,
}

impl LinkRpc {
    /// Makes links to the invitations of this database.
    #[must_use]
    pub fn new(foundation: &Foundation, links: LinkSigner) -> Self {
        let Foundation { db, clock, .. } = foundation.clone();
        Self { db, clock, links }
    }

    /// The link of an invitation that can be answered; what has ended leads nowhere.
    fn link(&self, invitations: &HashMap<Uuid, Invitation>, id: Uuid) -> LinkMessage {
        let now = self.clock.now();
        let invitation = invitations.get(&id).filter(|invitation| invitation.state.can_be_answered());
        let expires_at = invitation.and_then(|invitation| invitation.expire_at).filter(|expire_at| *expire_at > now);
        let Some((invitation, expires_at)) = invitation.zip(expires_at) else { return LinkMessage::default() };
        let link = Link { subject: id.to_string(), generation: invitation.link_generation, expires_at };
        LinkMessage { token: self.links.sign(PURPOSE, &link), expire_time: Some(proto_timestamp(expires_at)) }
    }
}

#[tonic::async_trait]
impl LinkService for LinkRpc {
    async fn mint_links(&self, request: Request<MintLinksRequest>) -> Result<Response<MintLinksResponse>, Status> {
        let (_, ids) = incoming(request, |request| asked_for(&request))?;
        let invitations = invitation::store::find(self.db.calls(), &ids).await.map_err(Error::from)?;
        let links = ids.iter().map(|id| self.link(&invitations, *id)).collect();
        Ok(Response::new(MintLinksResponse { links }))
    }
}

fn asked_for(request: &MintLinksRequest) -> Result<Vec<Uuid>, Error> {
    let mut violations = Violations::default();
    if request.items.len() > MAX_LINKS {
        violations.add("items", Invalid::new("ITEMS_TOO_MANY", format!("{MAX_LINKS} at most")));
    }
    let mut ids = Vec::with_capacity(request.items.len());
    for (at, item) in request.items.iter().enumerate() {
        if item.purpose() != LinkPurpose::Survey {
            let fault = Invalid::new("PURPOSE_FOREIGN", "this service makes links to surveys only");
            violations.add(format!("items[{at}].purpose"), fault);
        }
        let subject = parse_name(invitation::convert::COLLECTION, &item.subject);
        ids.extend(violations.take(format!("items[{at}].subject"), subject));
    }
    violations.finish(Some(ids))
}
