//! Channels to other services, which carry deadline, identity, person and trace on.
//!
//! - a call ends by the caller's deadline or by its own, whichever is first, and ends as `DEADLINE_EXCEEDED`
//! - faults of the transport are `UNAVAILABLE` with the reason `SERVICE_UNAVAILABLE`, whatever the library calls them
//! - reads are tried again, a few times and within a budget; a write is never sent twice from here, as its caller has a request id for that

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request, Response, header::AUTHORIZATION};
use http_body_util::{BodyExt, Full};
use opentelemetry::metrics::Histogram;
use seva_proto::common::v1::ErrorReason;
use tokio::time::{Instant, timeout_at};
use tonic::{
    Code, Status,
    body::Body,
    transport::{Channel, Endpoint},
};
use tower::{Service, ServiceExt};
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::{
    Error,
    auth::{Signer, actor, api_keys, rules::has_no_side_effects},
    config::{Secret, parse_url},
    deadline,
    telemetry::{
        propagation,
        rpc::{Observation, Side, code_in},
    },
};

mod answer;
mod retry;

use answer::AnswerBody;
use retry::Budget;

/// Deadline of a unary call when nobody names another.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// What callers of an unreachable service are told to wait.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// More than servers may send: an error with all its details has to fit.
const MAX_HEADER_LIST: u32 = 64 * 1024;

/// As whom a channel calls.
#[derive(Debug, Clone)]
pub enum Identity {
    /// A service with its own key, calling `audience`, such as `service:customers`.
    Service {
        /// Signs the tokens.
        signer: Arc<Signer>,
        /// The called service.
        audience: String,
    },
    /// Whoever this token belongs to.
    Bearer(Secret<String>),
    /// The system that this API key belongs to.
    ApiKey(Secret<String>),
    /// Nobody: for health and reflection.
    Anonymous,
}

/// A channel to another service, for generated clients. It connects with the first call, and again whenever the connection is lost.
#[derive(Clone)]
pub struct Peer {
    channel: Channel,
    identity: Identity,
    server: Arc<(String, i64)>,
    default_deadline: Duration,
    durations: Histogram<f64>,
    budget: Arc<Budget>,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer").field("server", &self.server).field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// What the contract says of a method.
#[derive(Debug, Clone)]
struct KnownMethod {
    name: Arc<str>,
    reads: bool,
    streams: bool,
}

/// Every method of the contract by its path.
static METHODS: LazyLock<HashMap<String, KnownMethod>> = LazyLock::new(|| {
    let services = seva_proto::descriptor_pool().services();
    let methods = services.flat_map(|service| service.methods().collect::<Vec<_>>());
    methods
        .map(|method| {
            let name = format!("{}/{}", method.parent_service().full_name(), method.name());
            let known = KnownMethod {
                name: name.as_str().into(),
                reads: has_no_side_effects(&method),
                streams: method.is_client_streaming() || method.is_server_streaming(),
            };
            (format!("/{name}"), known)
        })
        .collect()
});

impl Peer {
    /// A channel to the server at `url`, such as `http://customers:7101`. To be made inside the runtime, after telemetry.
    ///
    /// # Errors
    /// The text is no http URL, in words for the one who wrote it. Encryption between services is the platform's, so https is refused.
    pub fn connect_lazy(url: &str, identity: Identity) -> Result<Self, String> {
        let uri = parse_url(url)?;
        if uri.scheme_str() != Some("http") {
            return Err("services call each other by http://; encryption is the platform's".to_owned());
        }
        let server = (uri.host().unwrap_or_default().to_owned(), i64::from(uri.port_u16().unwrap_or(80)));
        let channel = Endpoint::from(uri)
            .connect_timeout(CONNECT_WITHIN)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .http2_max_header_list_size(MAX_HEADER_LIST)
            // A channel that cancels many calls would close itself at the library's own limit.
            .http2_max_local_error_reset_streams(None)
            .tcp_nodelay(true)
            .connect_lazy();
        Ok(Self {
            channel,
            identity,
            server: Arc::new(server),
            default_deadline: DEFAULT_DEADLINE,
            durations: Side::Client.durations(),
            budget: Arc::default(),
        })
    }

    /// Another deadline for unary calls than ten seconds.
    #[must_use]
    pub fn with_default_deadline(mut self, deadline: Duration) -> Self {
        self.default_deadline = deadline;
        self
    }

    /// When a call has to end: the earliest of what the request says, what the task is under, and the default of unary calls.
    fn deadline_of(&self, headers: &HeaderMap, streams: bool) -> Option<Instant> {
        let now = Instant::now();
        let asked = deadline::requested(headers).map(|timeout| now + timeout);
        let default = (!streams).then(|| now + self.default_deadline);
        [asked, deadline::current(), default].into_iter().flatten().min()
    }

    fn add_identity(&self, headers: &mut HeaderMap) -> Result<(), Error> {
        let (name, text) = match &self.identity {
            Identity::Anonymous => return Ok(()),
            Identity::Service { signer, audience } => {
                (AUTHORIZATION.as_str(), format!("Bearer {}", signer.mint_service_token(audience).reveal()))
            }
            Identity::Bearer(token) => (AUTHORIZATION.as_str(), format!("Bearer {}", token.reveal())),
            Identity::ApiKey(key) => (api_keys::HEADER, key.reveal().clone()),
        };
        headers.insert(name, secret_value(&text)?);
        // A person's token goes to services only, and only with a service's own proof.
        if let (Identity::Service { .. }, Some(person)) = (&self.identity, actor::current()) {
            headers.insert(actor::HEADER, secret_value(person.reveal())?);
        }
        Ok(())
    }

    async fn send(mut self, request: Request<Body>, mut observation: Observation) -> Result<Response<Body>, Status> {
        let known = METHODS.get(request.uri().path());
        let streams = known.is_none_or(|known| known.streams);
        let repeatable = known.is_some_and(|known| known.reads && !known.streams);
        let until = self.deadline_of(request.headers(), streams);
        let sent = async {
            if repeatable { self.send_repeatedly(request, until).await } else { self.send_once(request, until).await }
        };
        let sent = match until {
            Some(until) => timeout_at(until, sent).await.unwrap_or_else(|_| Err(deadline::exceeded().into())),
            None => sent.await,
        };
        match sent {
            Err(status) => {
                observation.end(status.code());
                Err(status)
            }
            Ok(response) => {
                if let Some(code) = code_in(response.headers()) {
                    observation.end(code);
                    return Ok(response);
                }
                Ok(response.map(|body| Body::new(AnswerBody::new(body, until, observation))))
            }
        }
    }

    async fn send_once(
        &mut self,
        mut request: Request<Body>,
        until: Option<Instant>,
    ) -> Result<Response<Body>, Status> {
        if let Some(until) = until {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(deadline::exceeded().into());
            }
            request.headers_mut().insert("grpc-timeout", deadline::header_value(left));
        }
        let channel = self.channel.ready().await.map_err(transport_fault)?;
        channel.call(request).await.map_err(transport_fault)
    }

    /// Tries a read again when the fault may pass. The request is small and already in memory.
    async fn send_repeatedly(
        &mut self,
        request: Request<Body>,
        until: Option<Instant>,
    ) -> Result<Response<Body>, Status> {
        let (parts, body) = request.into_parts();
        let message: Bytes = body.collect().await?.to_bytes();
        let mut attempt = 1;
        loop {
            let request = Request::from_parts(parts.clone(), Body::new(Full::new(message.clone())));
            let sent = self.send_once(request, until).await;
            self.budget.note_call(attempt);
            let Some(pause) = retry::pause_before_next(attempt, &sent, &self.budget) else { return sent };
            if until.is_some_and(|until| Instant::now() + pause >= until) {
                return sent;
            }
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }
}

impl Service<Request<Body>> for Peer {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Body>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        // The channel's readiness is awaited inside the call, under its deadline.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let method = METHODS
            .get(request.uri().path())
            .map_or_else(|| request.uri().path().trim_start_matches('/').into(), |known| Arc::clone(&known.name));
        let span = tracing::info_span!(
            target: "seva",
            "rpc.client",
            otel.name = &*method,
            otel.kind = "client",
            rpc.system.name = "grpc",
            rpc.method = &*method,
            server.address = self.server.0,
            server.port = self.server.1,
        );
        propagation::inject(&span.context(), request.headers_mut());
        if let Err(error) = self.add_identity(request.headers_mut()) {
            return Box::pin(async move { Err(error.into()) });
        }
        let observation = Observation::begin(Side::Client, span.clone(), method, self.durations.clone());
        Box::pin(self.clone().send(request, observation).instrument(span))
    }
}

/// A header that is not shown in debug output and not kept in the peer's compression table.
fn secret_value(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Error::new(Code::Unauthenticated, ErrorReason::CredentialInvalid, "the credential is not ASCII text")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// A fault below gRPC: the connection could not be made, was closed, or broke. The library calls these by several codes.
fn transport_fault(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Status {
    let error = error.into();
    // The channel has a timer of its own for the header that we write, and may be a moment earlier than ours.
    if caused_by::<tonic::TimeoutExpired>(&*error) {
        return deadline::exceeded().into();
    }
    tracing::debug!(error = %error, "the transport failed");
    Error::unavailable(ErrorReason::ServiceUnavailable, "the service cannot be reached", RETRY_AFTER).into()
}

fn caused_by<E: std::error::Error + 'static>(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| error.is::<E>())
}
