//! Links to customers' own places, made for those who write to customers.

use std::collections::HashMap;

use jiff::SignedDuration;
use seva_proto::common::v1::{
    Link as LinkMessage, LinkPurpose, MintLinksRequest, MintLinksResponse, link_service_server::LinkService,
};
use seva_runtime::{
    BusinessClock, Error, Violations,
    auth::{LinkSigner, links::Link},
    incoming,
};
use seva_store::{Database, event::proto_timestamp, service::Foundation};
use seva_values::Invalid;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{PURPOSE, store};
use crate::customer::convert::customer_id;

/// How long a link leads to its place.
const LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Links of one request at most.
const MAX_LINKS: usize = 200;

/// Makes links to customers' own places.
#[derive(Debug, Clone)]
pub struct LinkRpc {
    db: Database,
    clock: BusinessClock,
    links: LinkSigner,
}

impl LinkRpc {
    /// Makes links to the places of the customers of this database.
    pub fn new(foundation: &Foundation, links: LinkSigner) -> Self {
        let Foundation { db, clock, .. } = foundation.clone();
        Self { db, clock, links }
    }

    /// The link of a customer; who is not known here has none.
    fn link(&self, generations: &HashMap<Uuid, i32>, id: Uuid) -> LinkMessage {
        let Some(generation) = generations.get(&id).and_then(|generation| u32::try_from(*generation).ok()) else {
            return LinkMessage::default();
        };
        let expires_at = self.clock.now() + LIFETIME;
        let link = Link { subject: id.to_string(), generation, expires_at };
        LinkMessage { token: self.links.sign(PURPOSE, &link), expire_time: Some(proto_timestamp(expires_at)) }
    }
}

#[tonic::async_trait]
impl LinkService for LinkRpc {
    async fn mint_links(&self, request: Request<MintLinksRequest>) -> Result<Response<MintLinksResponse>, Status> {
        let (_, ids) = incoming(request, |request| asked_for(&request))?;
        let generations = store::link_generations(&self.db, &ids).await?;
        let links = ids.iter().map(|id| self.link(&generations, *id)).collect();
        Ok(Response::new(MintLinksResponse { links }))
    }
}

fn asked_for(request: &MintLinksRequest) -> Result<Vec<Uuid>, Error> {
    if request.items.len() > MAX_LINKS {
        let too_many = Invalid::new("ITEMS_TOO_MANY", format!("{MAX_LINKS} at most"));
        return Err(Error::invalid_field("items", too_many));
    }
    let mut violations = Violations::default();
    let mut ids = Vec::with_capacity(request.items.len());
    for (at, item) in request.items.iter().enumerate() {
        if item.purpose() != LinkPurpose::Place {
            let fault = Invalid::new("PURPOSE_FOREIGN", "this service makes links to customers' places only");
            violations.add(format!("items[{at}].purpose"), fault);
        }
        ids.extend(customer_id(&mut violations, &format!("items[{at}].subject"), &item.subject));
    }
    violations.finish(Some(ids))
}
