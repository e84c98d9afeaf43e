//! The span and the duration of every request, under the names of the semantic conventions. Paths hold tokens, so only the route's
//! template is ever recorded.

use std::{panic::AssertUnwindSafe, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use http::{HeaderMap, Method};
use opentelemetry::{KeyValue, metrics::Histogram, trace::Status};
use seva_runtime::telemetry::{meter, propagation};
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::{NAME, Portal, fault::Fault};

/// Boundaries of the durations, in seconds.
const BOUNDARIES: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

const METHOD: &str = "http.request.method";
const ROUTE: &str = "http.route";
const STATUS: &str = "http.response.status_code";
const ERROR_TYPE: &str = "error.type";

/// The histogram of all requests.
pub fn durations() -> Histogram<f64> {
    meter().f64_histogram("http.server.request.duration").with_unit("s").with_boundaries(BOUNDARIES.to_vec()).build()
}

/// Puts a request under its span, below the caller's trace when there is one.
pub async fn trace(State(portal): State<Portal>, request: Request, next: Next) -> Response {
    let method = method_name(request.method());
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let name = route.as_ref().map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
    let span = tracing::info_span!(
        target: "seva",
        parent: None,
        "http.server",
        otel.name = name,
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        seva.service = NAME,
    );
    if let Some(caller) = caller(request.headers()) {
        // Before the span is entered: afterwards its place in the trace is settled. Refused only where spans are not recorded.
        let _ = span.set_parent(caller);
    }
    let started = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;

    let status = response.status();
    span.set_attribute(STATUS, i64::from(status.as_u16()));
    let mut attributes = vec![KeyValue::new(METHOD, method), KeyValue::new(STATUS, i64::from(status.as_u16()))];
    attributes.extend(route.map(|route| KeyValue::new(ROUTE, route)));
    if status.is_server_error() {
        span.set_attribute(ERROR_TYPE, status.as_str().to_owned());
        span.set_status(Status::error(""));
        attributes.push(KeyValue::new(ERROR_TYPE, status.as_str().to_owned()));
    }
    portal.durations.record(started.elapsed().as_secs_f64(), &attributes);
    response
}

/// The caller's trace, when there is one `traceparent` and it is well-formed.
fn caller(headers: &HeaderMap) -> Option<opentelemetry::Context> {
    propagation::remote_context(headers.get("traceparent")?.to_str().ok()?)
}

/// The methods that are known: others could be anything, and would fill the metrics.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::OPTIONS => "OPTIONS",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "_OTHER",
    }
}

/// Answers a panic of a handler; the hook of the runtime has logged where it was.
pub async fn survive(request: Request, next: Next) -> Response {
    AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| Fault::Broken.into_response())
}
