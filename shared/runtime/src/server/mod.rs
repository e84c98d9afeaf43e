//! Every gRPC server of the suite: the same layers in the same order, limits, health and reflection.

use std::{future::Future, sync::Arc};

use tokio::net::TcpListener;

use crate::{
    auth::{ApiKeys, Principal, Rules, Verifier},
    tasks::Tasks,
};

mod health;
mod limits;

pub use health::Health;
pub use limits::Limits;

/// A server in the making.
pub struct Server {
    routes: tonic::service::RoutesBuilder,
    _limits: Limits,
}

/// Why a server did not start or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A service was added whose RPCs have no rules.
    #[error("service {0} has no rules of who may call it")]
    Undeclared(String),
    /// The transport failed.
    #[error("the server failed: {0}")]
    Transport(#[from] tonic::transport::Error),
    /// The contract's descriptors cannot be offered by reflection.
    #[error("reflection cannot be offered: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The listener is of no use.
    #[error("the listener cannot be used: {0}")]
    Listener(#[from] std::io::Error),
}

impl Server {
    /// A server.
    pub fn builder(
        _service_name: &'static str,
        _rules: Rules,
        _verifier: Arc<Verifier>,
        _api_keys: Option<Arc<dyn ApiKeys>>,
        _tasks: Tasks,
        limits: Limits,
    ) -> Self {
        Self { routes: tonic::service::RoutesBuilder::default(), _limits: limits }
    }

    /// Adds a service.
    #[must_use]
    pub fn add_service<S>(mut self, service: S) -> Self
    where
        S: tower::Service<
                http::Request<tonic::body::Body>,
                Response = http::Response<tonic::body::Body>,
                Error = std::convert::Infallible,
            > + tonic::server::NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.routes.add_service(service);
        self
    }

    /// The handle of its health.
    pub fn health(&self) -> Health {
        Health::default()
    }

    /// Serves until the tasks drain.
    pub async fn serve(self, _listener: TcpListener) -> Result<(), ServeError> {
        unimplemented!("written next")
    }
}

/// Resolves when a stream has to end.
pub fn end_of_stream(_tasks: &Tasks, _principal: &Principal) -> impl Future<Output = ()> + Send + 'static {
    std::future::pending()
}
