//! What a server says about itself to probes and to balancing clients.

use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use tonic_health::{
    ServingStatus,
    pb::health_server::{Health as HealthService, HealthServer},
    server::HealthReporter,
};

/// The name under which probes ask whether calls should come here.
pub const READINESS: &str = "readiness";
/// The name under which probes ask whether the process lives.
const LIVENESS: &str = "";

/// A handle to what a server says about itself. Nothing is served until [`Health::set_ready`].
///
/// The empty name stands for the process: it is served from the first readiness on and stays so, as a process that lost its database
/// or drains must not be killed for it. `readiness` and the names of the services change with [`Health::set_ready`].
#[derive(Debug, Clone)]
pub struct Health {
    reporter: HealthReporter,
    services: Arc<Mutex<Vec<&'static str>>>,
}

impl Health {
    /// A handle, and the gRPC service that answers.
    pub(super) fn new() -> (Self, HealthServer<impl HealthService>) {
        let (reporter, server) = tonic_health::server::health_reporter();
        let health = Self { reporter, services: Arc::default() };
        // A new reporter says that the process is served.
        health.begin(LIVENESS);
        health.begin(READINESS);
        (health, server)
    }

    /// Adds a service, which is not served yet.
    pub(super) fn add(&self, service: &'static str) {
        self.services.lock().unwrap_or_else(PoisonError::into_inner).push(service);
        self.begin(service);
    }

    fn begin(&self, name: &str) {
        // A server of many services says so often in one poll, and what a task may do in one is limited.
        let said = tokio::task::unconstrained(self.set_serving(name, false)).now_or_never();
        said.expect("nobody asks before the server listens");
    }

    /// Says whether `service`, by its full name, is served.
    pub async fn set_serving(&self, service: &str, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.reporter.set_service_status(service, status).await;
    }

    /// Says whether calls should come here: for readiness and all services of the server.
    pub async fn set_ready(&self, ready: bool) {
        if ready {
            self.set_serving(LIVENESS, true).await;
        }
        self.set_serving(READINESS, ready).await;
        let services = self.services.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for service in services {
            self.set_serving(service, ready).await;
        }
    }
}
