//! The one place that knows the services: their names, ports, schemas, and what each is given.

use std::{collections::BTreeMap, sync::Arc};

use futures::{FutureExt, future::BoxFuture};
use seva_notifications::link::LinkOwners;
use seva_proto::{
    common::v1::link_service_client::LinkServiceClient,
    customers::v1::{
        api_key_service_client::ApiKeyServiceClient, recipient_service_client::RecipientServiceClient,
        sender_service_client::SenderServiceClient,
    },
};
use seva_runtime::{auth::LinkSigner, client::Peer};
use seva_store::{
    consumer::{EventSource, GrpcSource},
    service::{Foundation, Service},
};
use seva_tickets::inbound::KeysOfCustomers;
use sqlx::migrate::Migrator;

/// A service of the suite, before it is assembled.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Its name, which is also the name of its database.
    pub name: &'static str,
    /// The port of a usual installation, from the first one of the suite on: the same for ever.
    pub port_offset: u16,
    /// The schema of its database.
    pub migrator: &'static Migrator,
    /// The services that it calls.
    pub calls: &'static [&'static str],
    /// Whether it signs links for customers.
    pub signs_links: bool,
    /// What it is made with.
    assemble: fn(Foundation, Surroundings) -> BoxFuture<'static, Result<Service, String>>,
}

/// All services, in the order in which they start.
pub const PARTS: [Part; 5] = [
    Part {
        name: seva_customers::NAME,
        port_offset: 0,
        migrator: &seva_customers::MIGRATOR,
        calls: &[seva_notifications::NAME, seva_tickets::NAME, seva_surveys::NAME],
        signs_links: true,
        assemble: customers,
    },
    Part {
        name: seva_tickets::NAME,
        port_offset: 1,
        migrator: &seva_tickets::MIGRATOR,
        calls: &[seva_customers::NAME, seva_staff::NAME, seva_surveys::NAME, seva_notifications::NAME],
        signs_links: true,
        assemble: tickets,
    },
    Part {
        name: seva_staff::NAME,
        port_offset: 2,
        migrator: &seva_staff::MIGRATOR,
        calls: &[],
        signs_links: false,
        assemble: staff,
    },
    Part {
        name: seva_surveys::NAME,
        port_offset: 3,
        migrator: &seva_surveys::MIGRATOR,
        calls: &[seva_customers::NAME, seva_tickets::NAME, seva_notifications::NAME],
        signs_links: true,
        assemble: surveys,
    },
    Part {
        name: seva_notifications::NAME,
        port_offset: 4,
        migrator: &seva_notifications::MIGRATOR,
        calls: &[seva_customers::NAME, seva_tickets::NAME, seva_surveys::NAME],
        signs_links: true,
        assemble: notifications,
    },
];

/// What lies around a service.
#[derive(Clone)]
pub struct Surroundings {
    /// Channels to the services that it calls, by name.
    pub peers: BTreeMap<&'static str, Peer>,
    /// Signs links, where the service does.
    pub links: Option<LinkSigner>,
    /// What is held of orders.
    pub customers: seva_customers::Settings,
    /// How messages are sent.
    pub notifications: seva_notifications::Settings,
}

impl Surroundings {
    fn peer(&self, service: &'static str) -> Result<Peer, String> {
        self.peers.get(service).cloned().ok_or_else(|| format!("there is no channel to {service}"))
    }

    /// The feed of another service.
    fn feed_of(&self, service: &'static str) -> Result<Arc<dyn EventSource>, String> {
        Ok(Arc::new(GrpcSource::new(service, self.peer(service)?)))
    }

    fn links(&self) -> Result<LinkSigner, String> {
        self.links.clone().ok_or_else(|| "there are no keys to sign links with".to_owned())
    }
}

impl Part {
    /// The service of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PARTS.iter().find(|part| part.name == name)
    }

    /// Assembles the service on a database with the present schema.
    ///
    /// # Errors
    /// What it is given cannot be used, in words for the one who starts it.
    pub async fn assemble(&self, foundation: Foundation, surroundings: Surroundings) -> Result<Service, String> {
        (self.assemble)(foundation, surroundings).await
    }
}

fn customers(foundation: Foundation, surroundings: Surroundings) -> BoxFuture<'static, Result<Service, String>> {
    async move {
        let peers = seva_customers::Peers {
            notifications: surroundings.feed_of(seva_notifications::NAME)?,
            tickets: surroundings.feed_of(seva_tickets::NAME)?,
            surveys: surroundings.feed_of(seva_surveys::NAME)?,
        };
        let links = surroundings.links()?;
        Ok(seva_customers::service(foundation, peers, surroundings.customers, links))
    }
    .boxed()
}

fn tickets(foundation: Foundation, surroundings: Surroundings) -> BoxFuture<'static, Result<Service, String>> {
    async move {
        let peers = seva_tickets::Peers {
            customers: surroundings.feed_of(seva_customers::NAME)?,
            staff: surroundings.feed_of(seva_staff::NAME)?,
            surveys: surroundings.feed_of(seva_surveys::NAME)?,
            notifications: surroundings.feed_of(seva_notifications::NAME)?,
            senders: Arc::new(SenderServiceClient::new(surroundings.peer(seva_customers::NAME)?)),
            keys: Arc::new(KeysOfCustomers(ApiKeyServiceClient::new(surroundings.peer(seva_customers::NAME)?))),
        };
        Ok(seva_tickets::service(foundation, peers, surroundings.links()?))
    }
    .boxed()
}

fn staff(foundation: Foundation, _: Surroundings) -> BoxFuture<'static, Result<Service, String>> {
    async move { Ok(seva_staff::service(foundation)) }.boxed()
}

fn surveys(foundation: Foundation, surroundings: Surroundings) -> BoxFuture<'static, Result<Service, String>> {
    async move {
        seva_surveys::ensure_catalog(&foundation.db, &foundation.clock)
            .await
            .map_err(|error| format!("the catalog of surveys cannot be made known: {error}"))?;
        let peers = seva_surveys::Peers {
            customers: surroundings.feed_of(seva_customers::NAME)?,
            tickets: surroundings.feed_of(seva_tickets::NAME)?,
            notifications: surroundings.feed_of(seva_notifications::NAME)?,
        };
        Ok(seva_surveys::service(foundation, peers, surroundings.links()?))
    }
    .boxed()
}

fn notifications(foundation: Foundation, surroundings: Surroundings) -> BoxFuture<'static, Result<Service, String>> {
    async move {
        seva_notifications::ensure_catalog(&foundation.db, &foundation.clock)
            .await
            .map_err(|error| format!("the catalog of templates cannot be made known: {error}"))?;
        let owner = |service| Ok::<_, String>(Arc::new(LinkServiceClient::new(surroundings.peer(service)?)));
        let peers = seva_notifications::Peers {
            customers: surroundings.feed_of(seva_customers::NAME)?,
            tickets: surroundings.feed_of(seva_tickets::NAME)?,
            surveys: surroundings.feed_of(seva_surveys::NAME)?,
            recipients: Arc::new(RecipientServiceClient::new(surroundings.peer(seva_customers::NAME)?)),
            links: LinkOwners {
                tickets: owner(seva_tickets::NAME)?,
                surveys: owner(seva_surveys::NAME)?,
                places: owner(seva_customers::NAME)?,
            },
        };
        let links = surroundings.links()?;
        Ok(seva_notifications::service(foundation, peers, surroundings.notifications, links))
    }
    .boxed()
}

/// The public web edge, beside the services: it has no database.
pub mod portal {
    use std::collections::BTreeMap;

    use seva_portal::{Peers, Portal, Settings};
    use seva_runtime::{
        client::Peer,
        tasks::{OnFailure, Tasks},
    };
    use tokio::net::TcpListener;

    pub use seva_portal::NAME;

    /// Its port of a usual installation, from the first one of the suite on: 8080 beside 7101.
    pub const PORT_OFFSET: u16 = 979;

    /// The services that it calls.
    pub const CALLS: [&str; 4] =
        [seva_customers::NAME, seva_tickets::NAME, seva_surveys::NAME, seva_notifications::NAME];

    /// The portal in front of `peers`; `intake` is a channel to customers in nobody's name.
    ///
    /// # Errors
    /// A channel is missing.
    pub fn assemble(peers: &BTreeMap<&'static str, Peer>, intake: Peer, settings: Settings) -> Result<Portal, String> {
        let peer = |service| peers.get(service).cloned().ok_or_else(|| format!("there is no channel to {service}"));
        let peers = Peers {
            customers: peer(seva_customers::NAME)?,
            intake,
            tickets: peer(seva_tickets::NAME)?,
            surveys: peer(seva_surveys::NAME)?,
            notifications: peer(seva_notifications::NAME)?,
        };
        Ok(Portal::new(peers, settings))
    }

    /// Serves until the process drains; its requests are waited for as calls are.
    pub fn serve(portal: Portal, listener: TcpListener, tasks: &Tasks) {
        let (held, draining) = (tasks.hold(), tasks.draining());
        tasks.spawn("portal", OnFailure::StopProcess, async move {
            portal.serve(listener, draining.cancelled_owned()).await;
            drop(held);
            Ok::<_, std::convert::Infallible>(())
        });
    }
}
