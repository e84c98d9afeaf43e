//! Trace context in W3C form: in the headers of calls, and as the `traceparent` of events.

use std::sync::LazyLock;

use http::HeaderMap;
use opentelemetry::{
    Context,
    propagation::{Extractor, TextMapPropagator},
    trace::TraceContextExt,
};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;

static PROPAGATOR: LazyLock<TraceContextPropagator> = LazyLock::new(TraceContextPropagator::new);

/// The caller's context, when the headers hold a valid one.
pub(crate) fn extract(headers: &HeaderMap) -> Option<Context> {
    valid(PROPAGATOR.extract_with_context(&Context::new(), &HeaderExtractor(headers)))
}

/// Writes `context` into headers.
pub(crate) fn inject(context: &Context, headers: &mut HeaderMap) {
    PROPAGATOR.inject_context(context, &mut HeaderInjector(headers));
}

/// The context that an event was created in, from its `traceparent`; `None` when that is malformed.
pub fn remote_context(traceparent: &str) -> Option<Context> {
    valid(PROPAGATOR.extract_with_context(&Context::new(), &Traceparent(traceparent)))
}

fn valid(context: Context) -> Option<Context> {
    let is_valid = context.span().span_context().is_valid();
    is_valid.then_some(context)
}

struct Traceparent<'t>(&'t str);

impl Extractor for Traceparent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == "traceparent").then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}
