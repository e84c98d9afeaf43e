//! The one place that knows the services: their names, ports, schemas, and what each is given.

use std::{collections::BTreeMap, sync::Arc};

use futures::{FutureExt, future::BoxFuture};
use seva_proto::customers::v1::recipient_service_client::RecipientServiceClient;
use seva_runtime::client::Peer;
use seva_store::{
    consumer::{EventSource, GrpcSource},
    service::{Foundation, Service},
};
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
    /// What it is made with.
    assemble: fn(Foundation, Surroundings) -> BoxFuture<'static, Result<Service, String>>,
}

/// All services, in the order in which they start. Offsets 1 to 3 belong to tickets, staff and surveys.
pub const PARTS: [Part; 2] = [
    Part {
        name: seva_customers::NAME,
        port_offset: 0,
        migrator: &seva_customers::MIGRATOR,
        calls: &[seva_notifications::NAME],
        assemble: customers,
    },
    Part {
        name: seva_notifications::NAME,
        port_offset: 4,
        migrator: &seva_notifications::MIGRATOR,
        calls: &[seva_customers::NAME],
        assemble: notifications,
    },
];

/// What lies around a service.
#[derive(Clone)]
pub struct Surroundings {
    /// Channels to the services that it calls, by name.
    pub peers: BTreeMap<&'static str, Peer>,
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
    async move { Ok(seva_customers::service(foundation, surroundings.feed_of(seva_notifications::NAME)?)) }.boxed()
}

fn notifications(foundation: Foundation, surroundings: Surroundings) -> BoxFuture<'static, Result<Service, String>> {
    async move {
        seva_notifications::ensure_catalog(&foundation.db, &foundation.clock)
            .await
            .map_err(|error| format!("the catalog of templates cannot be made known: {error}"))?;
        let peers = seva_notifications::Peers {
            customers: surroundings.feed_of(seva_customers::NAME)?,
            recipients: Arc::new(RecipientServiceClient::new(surroundings.peer(seva_customers::NAME)?)),
        };
        Ok(seva_notifications::service(foundation, peers, surroundings.notifications))
    }
    .boxed()
}
