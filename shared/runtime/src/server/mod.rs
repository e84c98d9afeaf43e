//! Every gRPC server of the suite: the same layers in the same order, limits, health and reflection.
//!
//! From the outside in:
//! 1. `trace` sees everything, also what the layers below refuse and what a leaving caller cuts short
//! 2. `deadline` bounds the time, that of the layers below included
//! 3. `shed` refuses what is too much before a signature is verified or a key is looked up for it
//! 4. `authorize` admits who may; nothing of the handler runs before
//! 5. `readable` tells callers of unreadable messages so
//! 6. `detach` is innermost, as only the handler of an admitted write outlives its caller; it takes what the layers above gave the call

use std::{convert::Infallible, sync::Arc, time::Duration};

use http::{Request, Response};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{body::Body, server::NamedService, service::RoutesBuilder};

use crate::{
    auth::{ApiKeys, Rules, Verifier},
    tasks::Tasks,
};

mod around;
mod authorize;
mod connection;
mod deadline;
mod detach;
mod health;
mod limits;
mod readable;
mod shed;
mod stream;
mod trace;

use around::Layered;
pub use detach::detached;
pub use health::{Health, READINESS};
pub use limits::Limits;
pub use readable::message_fault;
pub use stream::end_of_stream;

/// How long connections that were cut may take to notice.
const CUT_WITHIN: Duration = Duration::from_secs(1);

/// A server in the making.
pub struct Server {
    service_name: &'static str,
    rules: Rules,
    verifier: Arc<Verifier>,
    api_keys: Option<Arc<dyn ApiKeys>>,
    tasks: Tasks,
    limits: Limits,
    health: Health,
    routes: RoutesBuilder,
    services: Vec<&'static str>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("service_name", &self.service_name)
            .field("services", &self.services)
            .finish_non_exhaustive()
    }
}

/// Why a server did not start, or ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A service was added whose RPCs have no rules.
    #[error("service {0} has no rules of who may call it")]
    Undeclared(&'static str),
    /// The contract's descriptors cannot be offered by reflection.
    #[error("reflection cannot be offered: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The transport failed.
    #[error("the server failed: {0}")]
    Transport(#[from] tonic::transport::Error),
}

impl Server {
    /// A server of the service `service_name`, whose callers are admitted by `rules`, proven by `verifier` and `api_keys`.
    pub fn builder(
        service_name: &'static str,
        rules: Rules,
        verifier: Arc<Verifier>,
        api_keys: Option<Arc<dyn ApiKeys>>,
        tasks: Tasks,
        limits: Limits,
    ) -> Self {
        let (health, health_server) = Health::new();
        let mut routes = RoutesBuilder::default();
        routes.add_service(health_server);
        Self { service_name, rules, verifier, api_keys, tasks, limits, health, routes, services: Vec::new() }
    }

    /// Adds a generated server.
    #[must_use]
    pub fn add_service<S>(mut self, service: S) -> Self
    where
        S: tower::Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
    {
        self.health.add(S::NAME);
        self.services.push(S::NAME);
        self.routes.add_service(service);
        self
    }

    /// The handle of what the server says about itself. It says nothing good until [`Health::set_ready`].
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Serves until the tasks begin to drain: then accepts nothing more, lets calls and streams end, and cuts what is left after
    /// [`Limits::drain`].
    ///
    /// # Errors
    /// A service without rules, or a fault of the transport.
    pub async fn serve(self, listener: TcpListener) -> Result<(), ServeError> {
        if let Some(undeclared) = self.services.iter().find(|service| !self.rules.cover(service)) {
            return Err(ServeError::Undeclared(undeclared));
        }
        let Self { service_name, rules, verifier, api_keys, tasks, limits, routes, services, .. } = self;
        let routes = with_reflection(routes, &services)?.routes().prepare();
        let draining = tasks.draining();

        let service = Layered::new(detach::Detach::new(tasks.clone(), limits.max_message), routes);
        let service = Layered::new(readable::Readable, service);
        let service = Layered::new(authorize::Authorize::new(verifier, api_keys), service);
        let service = Layered::new(shed::Shed::new(&limits), service);
        let service = Layered::new(deadline::Deadline::new(&limits, draining.clone()), service);
        let service = Layered::new(trace::Trace::new(service_name, rules), service);

        let _held = tasks.hold();
        let cut = CancellationToken::new();
        let connections = connection::accept(listener, &limits, cut.clone());
        let serving =
            transport(&limits).serve_with_incoming_shutdown(service, connections, draining.clone().cancelled_owned());
        let mut serving = Box::pin(serving);
        let overdue = async {
            draining.cancelled().await;
            tokio::time::sleep(limits.drain).await;
        };
        tokio::select! {
            served = &mut serving => return Ok(served?),
            () = overdue => tracing::warn!(bound = ?limits.drain, "connections were still open when the bound was reached"),
        }
        // The transport waits without an end for peers that say nothing.
        cut.cancel();
        let _ = tokio::time::timeout(CUT_WITHIN, serving).await;
        Ok(())
    }
}

/// The transport with all limits set: several of its own defaults are none.
fn transport(limits: &Limits) -> tonic::transport::Server {
    // No grace beside the age: with both set this version does not tell callers at the age, and cuts them off after the grace.
    let age = limits.max_connection_age.mul_f64(rand::random_range(0.9..1.1));
    tonic::transport::Server::builder()
        .max_concurrent_streams(limits.max_streams_per_connection)
        .http2_keepalive_interval(Some(limits.keepalive_interval))
        .http2_keepalive_timeout(Some(limits.keepalive_timeout))
        .http2_max_header_list_size(limits.max_header_list)
        .http2_max_pending_accept_reset_streams(Some(limits.max_pending_reset_streams))
        .http2_max_local_error_reset_streams(Some(limits.max_local_error_resets))
        .max_connection_age(age)
}

/// Adds both versions of reflection, for the added services only.
fn with_reflection(mut routes: RoutesBuilder, services: &[&'static str]) -> Result<RoutesBuilder, ServeError> {
    let builder = || {
        // The encoded form, as only that one keeps our options.
        let mut builder = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(seva_proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .with_service_name("grpc.health.v1.Health");
        for service in services {
            builder = builder.with_service_name(*service);
        }
        builder
    };
    routes.add_service(builder().build_v1()?);
    // What old tools ask for.
    routes.add_service(builder().build_v1alpha()?);
    Ok(routes)
}
