//! The parts of a service, and how they run: the same for all services.

use seva_proto::events::v1::{
    dead_letter_service_server::DeadLetterServiceServer, event_feed_service_server::EventFeedServiceServer,
};
use seva_runtime::{
    BusinessClock,
    auth::ApiKeys,
    server::Server,
    tasks::{OnFailure, Tasks},
};
use std::{convert::Infallible, future::Future, sync::Arc};

use tonic::{body::Body, codegen::http, server::NamedService};

use crate::{
    Database,
    consumer::Consumer,
    dead_letter::DeadLetterRpc,
    due::Due,
    feed,
    feed::{Feed, FeedRpc},
    keeper, metrics,
    paging::PageKey,
    sequencer,
};

/// What every service is built on.
#[derive(Debug, Clone)]
pub struct Foundation {
    /// Its database.
    pub db: Database,
    /// Business time.
    pub clock: BusinessClock,
    /// Seals its page tokens.
    pub page_key: PageKey,
    /// The process's tasks.
    pub tasks: Tasks,
}

/// A service, assembled and not yet running.
pub struct Service {
    /// Its name, such as `customers`.
    pub name: &'static str,
    /// What it is built on.
    pub foundation: Foundation,
    /// Its feed.
    pub feed: Feed,
    /// Full names of its gRPC services, for rules, health and reflection.
    pub rpcs: Vec<&'static str>,
    /// Adds its gRPC services to a server.
    pub register: Box<dyn FnOnce(Server) -> Server + Send>,
    /// What it reads of other services.
    pub consumers: Vec<Consumer>,
    /// Its work whose time comes.
    pub due: Vec<Due>,
    /// The keys of pushing systems, where it owns them.
    pub api_keys: Option<Arc<dyn ApiKeys>>,
}

impl Service {
    /// A service with what all of them offer: its feed, and the dead letters of its consumers.
    pub fn new(
        name: &'static str,
        foundation: Foundation,
        feed: Feed,
        consumers: Vec<Consumer>,
        due: Vec<Due>,
    ) -> Self {
        let Foundation { db, page_key, tasks, .. } = foundation.clone();
        let events = EventFeedServiceServer::new(FeedRpc::new(feed.clone(), tasks));
        let dead_letters = DeadLetterServiceServer::new(DeadLetterRpc::new(db, page_key, consumers.clone()));
        let bare = Self {
            name,
            foundation,
            feed,
            rpcs: Vec::new(),
            register: Box::new(|server| server),
            consumers,
            due,
            api_keys: None,
        };
        bare.offering(events).offering(dead_letters)
    }

    /// Adds a gRPC service.
    #[must_use]
    pub fn offering<S>(mut self, service: S) -> Self
    where
        S: tower::Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible, Future: Send>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
    {
        self.rpcs.push(S::NAME);
        let before = self.register;
        self.register = Box::new(move |server| before(server).add_service(service));
        self
    }

    /// Lets it prove the keys of pushing systems.
    #[must_use]
    pub fn with_api_keys(mut self, keys: Arc<dyn ApiKeys>) -> Self {
        self.api_keys = Some(keys);
        self
    }

    /// Starts everything that runs beside the calls: sequencer, tail reader, consumers, due work, retention, metrics.
    pub fn start_workers(&self) {
        let Foundation { db, clock, tasks, .. } = &self.foundation;
        let stopping = || tasks.stopping();
        let start = |name, work| tasks.spawn(name, OnFailure::StopProcess, endless(work));
        start("sequencer", boxed(sequencer::run(db.clone(), self.feed.clone(), stopping())));
        start("feed", boxed(feed::follow(self.feed.clone(), stopping())));
        start("keeper", boxed(keeper::run(db.clone(), stopping())));
        for consumer in &self.consumers {
            start(consumer.name(), boxed(consumer.clone().run(stopping())));
        }
        for due in &self.due {
            start(due.name(), boxed(due.clone().run(clock.clone(), stopping())));
        }
        let sampling = metrics::sample(db.clone(), clock.clone(), self.consumers.clone(), self.due.clone(), stopping());
        start("metrics", boxed(sampling));
    }
}

type Work = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

fn boxed(work: impl Future<Output = ()> + Send + 'static) -> Work {
    Box::pin(work)
}

async fn endless(work: Work) -> Result<(), Infallible> {
    work.await;
    Ok(())
}
