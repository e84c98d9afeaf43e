//! Links of this service over gRPC, for those who write to customers: parse, call, reply.

use std::collections::HashMap;

use seva_proto::common::v1::{
    Link as LinkMessage, LinkPurpose, MintLinksRequest, MintLinksResponse, link_service_server::LinkService,
};
use seva_runtime::{BusinessClock, Error, Violations, auth::LinkSigner, incoming};
use seva_store::{Database, Fault, event::proto_timestamp, service::Foundation};
use seva_values::{Invalid, parse_name};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{OwnLinks, own::Subscription, owners::MAX_LINKS};
use crate::{
    preference::{self, Category, convert::category_key},
    recipient::{self, Recipient},
};

/// Makes links to wishes, and to the end of categories.
#[derive(Debug, Clone)]
pub struct LinkRpc {
    db: Database,
    clock: BusinessClock,
    links: OwnLinks,
}

/// What a link is asked to.
enum Asked {
    Preferences(Uuid),
    Unsubscribe(Subscription),
}

impl LinkRpc {
    /// Makes links for the customers of this database.
    #[must_use]
    pub fn new(foundation: &Foundation, links: LinkSigner) -> Self {
        let Foundation { db, clock, .. } = foundation.clone();
        Self { db, clock, links: OwnLinks::new(links) }
    }

    /// The link; empty for a customer who is not known here, and for a category that cannot be refused.
    fn link(
        &self,
        asked: &Asked,
        customers: &HashMap<Uuid, Recipient>,
        categories: &HashMap<String, Category>,
    ) -> LinkMessage {
        match asked {
            Asked::Preferences(customer) if customers.contains_key(customer) => {
                let (token, expires_at) = self.links.to_preferences(*customer, self.clock.now());
                LinkMessage { token, expire_time: Some(proto_timestamp(expires_at)) }
            }
            Asked::Unsubscribe(subscription)
                if customers.contains_key(&subscription.customer)
                    && categories.get(&subscription.category).is_some_and(|category| !category.is_mandatory()) =>
            {
                LinkMessage { token: self.links.to_unsubscribe(subscription), expire_time: None }
            }
            Asked::Preferences(_) | Asked::Unsubscribe(_) => LinkMessage::default(),
        }
    }

    async fn mint(&self, asked: &[Asked]) -> Result<Vec<LinkMessage>, Error> {
        let customers: Vec<Uuid> = asked.iter().map(Asked::customer).collect();
        let mut connection = self.db.calls().acquire().await.map_err(Fault::from)?;
        let customers = recipient::store::load(&mut connection, &customers).await?;
        let categories = preference::store::load_categories(&mut connection).await?;
        Ok(asked.iter().map(|asked| self.link(asked, &customers, &categories)).collect())
    }
}

impl Asked {
    const fn customer(&self) -> Uuid {
        match self {
            Self::Preferences(customer) | Self::Unsubscribe(Subscription { customer, .. }) => *customer,
        }
    }
}

#[tonic::async_trait]
impl LinkService for LinkRpc {
    async fn mint_links(&self, request: Request<MintLinksRequest>) -> Result<Response<MintLinksResponse>, Status> {
        let (_, asked) = incoming(request, |request| asked_for(&request))?;
        Ok(Response::new(MintLinksResponse { links: self.mint(&asked).await? }))
    }
}

fn asked_for(request: &MintLinksRequest) -> Result<Vec<Asked>, Error> {
    let mut violations = Violations::default();
    if request.items.len() > MAX_LINKS {
        violations.add("items", Invalid::new("ITEMS_TOO_MANY", format!("{MAX_LINKS} at most")));
    }
    let mut asked = Vec::with_capacity(request.items.len());
    for (at, item) in request.items.iter().enumerate() {
        let parsed = match item.purpose() {
            LinkPurpose::Preferences => parse_name("customers", &item.subject).map(Asked::Preferences),
            LinkPurpose::Unsubscribe => subscription(&item.subject).map(Asked::Unsubscribe),
            LinkPurpose::Unspecified | LinkPurpose::Survey | LinkPurpose::Ticket | LinkPurpose::Place => {
                let fault = Invalid::new("PURPOSE_FOREIGN", "this service makes links to wishes only");
                violations.add(format!("items[{at}].purpose"), fault);
                continue;
            }
        };
        asked.extend(violations.take(format!("items[{at}].subject"), parsed));
    }
    violations.finish(Some(asked))
}

/// Reads `customers/{id}/categories/{key}`.
fn subscription(name: &str) -> Result<Subscription, Invalid> {
    let malformed = || Invalid::new("NAME_MALFORMED", "has to be customers/{id}/categories/{key}");
    let at = name.find("/categories/").ok_or_else(malformed)?;
    let (customer, category) = name.split_at(at);
    Ok(Subscription { customer: parse_name("customers", customer)?, category: category_key(&category[1..])? })
}
