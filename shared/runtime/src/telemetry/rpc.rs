//! What is recorded of every call, by servers and by clients: one span and one point of a histogram, under the names of the semantic
//! conventions.

use std::{sync::Arc, time::Instant};

use opentelemetry::{KeyValue, metrics::Histogram, trace::Status as SpanStatus};
use tonic::Code;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::meter;

/// The attribute of the gRPC code. Conventions after 1.44 call it `rpc.status_code`: it stands here only.
const STATUS_CODE: &str = "rpc.response.status_code";
const ERROR_TYPE: &str = "error.type";
const SYSTEM: &str = "rpc.system.name";
const METHOD: &str = "rpc.method";

/// Boundaries of the durations, in seconds.
const BOUNDARIES: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// The side of a call that records it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Server,
    Client,
}

impl Side {
    /// The histogram of this side's calls.
    pub(crate) fn durations(self) -> Histogram<f64> {
        let name = match self {
            Side::Server => "rpc.server.call.duration",
            Side::Client => "rpc.client.call.duration",
        };
        meter().f64_histogram(name).with_unit("s").with_boundaries(BOUNDARIES.to_vec()).build()
    }

    /// Whether a code is this side's error: a client's own faults are no errors of the server.
    fn is_error(self, code: Code) -> bool {
        match self {
            Side::Client => code != Code::Ok,
            Side::Server => matches!(
                code,
                Code::Unknown
                    | Code::DeadlineExceeded
                    | Code::Unimplemented
                    | Code::Internal
                    | Code::Unavailable
                    | Code::DataLoss
            ),
        }
    }
}

/// A call in progress. Recorded when it ends; when it is dropped before, as cancelled.
#[derive(Debug)]
pub(crate) struct Observation {
    side: Side,
    span: Span,
    method: Arc<str>,
    started: Instant,
    durations: Histogram<f64>,
    ended: bool,
}

impl Observation {
    pub(crate) fn begin(side: Side, span: Span, method: Arc<str>, durations: Histogram<f64>) -> Self {
        Self { side, span, method, started: Instant::now(), durations, ended: false }
    }

    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// Records the end of the call, once.
    pub(crate) fn end(&mut self, code: Code) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let name = code_name(code);
        self.span.set_attribute(STATUS_CODE, name);
        let mut attributes = vec![
            KeyValue::new(SYSTEM, "grpc"),
            KeyValue::new(METHOD, Arc::clone(&self.method)),
            KeyValue::new(STATUS_CODE, name),
        ];
        if self.side.is_error(code) {
            self.span.set_attribute(ERROR_TYPE, name);
            self.span.set_status(SpanStatus::error(""));
            attributes.push(KeyValue::new(ERROR_TYPE, name));
        }
        self.durations.record(self.started.elapsed().as_secs_f64(), &attributes);
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        self.end(Code::Cancelled);
    }
}

/// The gRPC code in headers or trailers; `None` when there is none yet.
pub(crate) fn code_in(headers: &http::HeaderMap) -> Option<Code> {
    headers.get("grpc-status").map(|value| Code::from_bytes(value.as_bytes()))
}

/// The name of a code as it stands in the gRPC specification.
pub(crate) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
