//! Who calls what: the part of a request that is not its message, and what a write has to record of it.

use opentelemetry::trace::TraceContextExt;
use seva_proto::Mutation;
use seva_values::Invalid;
use sha2::{Digest, Sha256};
use tonic::{Extensions, Request, Status};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use uuid::Uuid;

use crate::{Error, Violations, auth::Principal};

/// A call: who makes it and which method it is.
#[derive(Debug, Clone)]
pub struct Call {
    /// Who calls, as verified.
    pub principal: Principal,
    /// The whole path, such as `/seva.customers.v1.CustomerService/CreateCustomer`.
    pub method: String,
}

/// The path of the called method, put into the request's extensions by the server's layers.
#[derive(Debug, Clone)]
pub struct Method(pub String);

/// A write: who does it, under which request id, as part of which story. All that audit, idempotency and events need.
#[derive(Debug, Clone)]
pub struct Write {
    /// Who does it: `user:..`, `service:..`, `key:..`, or `worker:..` for a process's own work.
    pub actor: String,
    /// On whose behalf, when a service forwards a person's call.
    pub on_behalf_of: Option<String>,
    /// The method, or the worker's name.
    pub method: String,
    /// The caller's id of this request and the hash of its message; a worker has none.
    pub request: Option<RequestIdentity>,
    /// The story.
    pub story: Story,
}

/// The identity of a request that may come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestIdentity {
    /// The caller's UUID.
    pub id: Uuid,
    /// SHA-256 of the message.
    pub hash: [u8; 32],
}

/// The place of a write in a chain of causes.
#[derive(Debug, Clone)]
pub struct Story {
    /// Names the whole chain.
    pub correlation_id: String,
    /// The event or request that caused this write.
    pub causation_id: String,
    /// How many events lie between this write and the chain's start.
    pub hops: i16,
    /// W3C trace context, so that consumers can link to it.
    pub traceparent: Option<String>,
}

impl Story {
    /// A new chain, begun by `cause`.
    pub fn begun_by(cause: impl Into<String>) -> Self {
        let cause = cause.into();
        Self { correlation_id: cause.clone(), causation_id: cause, hops: 0, traceparent: current_traceparent() }
    }
}

impl Write {
    /// A write of a process's own worker, outside any call.
    pub fn by_worker(name: &str, cause: impl Into<String>) -> Self {
        Self {
            actor: format!("worker:{name}"),
            on_behalf_of: None,
            method: name.to_owned(),
            request: None,
            story: Story::begun_by(cause),
        }
    }
}

/// Takes a read apart: who calls, and the message parsed into a valid query.
pub fn incoming<M, Q>(request: Request<M>, parse: impl FnOnce(M) -> Result<Q, Error>) -> Result<(Call, Q), Status> {
    let (_, extensions, message) = request.into_parts();
    let call = call_of(&extensions)?;
    Ok((call, parse(message)?))
}

/// Takes a write apart: who calls under which request id, and the message parsed into a valid command.
///
/// Refuses a request id that is no UUID, together with every other fault of the message that `parse` finds.
pub fn incoming_write<M: Mutation, C>(
    request: Request<M>,
    parse: impl FnOnce(M) -> Result<C, Error>,
) -> Result<(Write, C), Status> {
    let (_, extensions, message) = request.into_parts();
    let call = call_of(&extensions)?;
    let hash: [u8; 32] = Sha256::digest(message.encode_to_vec()).into();
    let id = Uuid::try_parse(message.request_id());
    let parsed = parse(message);
    let Ok(id) = id else {
        let mut violations = Violations::default();
        violations.add("request_id", Invalid::new("REQUEST_ID_MALFORMED", "has to be a UUID"));
        return Err(Error::from(violations).joined(parsed.err()).into());
    };
    let write = Write {
        actor: call.principal.subject.clone(),
        on_behalf_of: call.principal.on_behalf_of.clone(),
        method: call.method,
        request: Some(RequestIdentity { id, hash }),
        story: Story::begun_by(id.to_string()),
    };
    Ok((write, parsed?))
}

/// Who calls which method, from what the server's layers have put into a request.
pub fn call_of(extensions: &Extensions) -> Result<Call, Error> {
    let principal = extensions.get::<Principal>().cloned();
    let method = extensions.get::<Method>().cloned();
    match (principal, method) {
        (Some(principal), Some(Method(method))) => Ok(Call { principal, method }),
        _ => Err(Error::internal("a request came past the layers of authorisation")),
    }
}

/// The W3C `traceparent` of the current span, if it is traced.
pub fn current_traceparent() -> Option<String> {
    let context = tracing::Span::current().context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags()))
}
