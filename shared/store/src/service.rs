//! The parts of a service, and how they run: the same for all services.

use seva_runtime::{
    BusinessClock,
    auth::ApiKeys,
    server::Server,
    tasks::{OnFailure, Tasks},
};
use std::{convert::Infallible, future::Future, sync::Arc};

use crate::{Database, consumer::Consumer, due::Due, feed, feed::Feed, keeper, metrics, paging::PageKey, sequencer};

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
