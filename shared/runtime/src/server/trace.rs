//! Trace: the span and the duration of every call, whatever becomes of it.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use opentelemetry::metrics::Histogram;
use tonic::{Code, Status, body::Body};
use tracing::{Instrument, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::{
    auth::Rules,
    telemetry::{
        propagation,
        rpc::{Observation, Side, code_in},
    },
};

use super::around::{Answering, Around, Called, Inner};

#[cfg(test)]
mod tests;

/// How a method is named that we do not have: its own name could be anything, and would fill the metrics.
static OTHER: LazyLock<Arc<str>> = LazyLock::new(|| "_OTHER".into());

/// The outermost layer.
pub(super) struct Trace {
    service: &'static str,
    rules: Rules,
    durations: Histogram<f64>,
}

impl Trace {
    pub(super) fn new(service: &'static str, rules: Rules) -> Self {
        Self { service, rules, durations: Side::Server.durations() }
    }
}

impl Around for Trace {
    fn around<S: Inner>(&self, mut request: Request<Body>, mut inner: S) -> Answering {
        let rule = self.rules.find(request.uri().path()).cloned();
        let method = rule.as_ref().map_or_else(|| Arc::clone(&OTHER), |rule| Arc::clone(&rule.name));
        let span = tracing::info_span!(
            target: "seva",
            parent: None,
            "rpc.server",
            otel.name = &*method,
            otel.kind = "server",
            rpc.system.name = "grpc",
            rpc.method = &*method,
            seva.service = self.service,
        );
        if let Some(caller) = propagation::extract(request.headers()) {
            // Before the span is entered: afterwards its place in the trace is settled. Refused only where spans are not recorded.
            let _ = span.set_parent(caller);
        }
        request.extensions_mut().insert(Called(rule));
        // Dropped with the call when the caller leaves, and recorded as cancelled then.
        let observation = Observation::begin(Side::Server, span.clone(), method, self.durations.clone());
        // Called here and not in the future, as the deadline below has to start before the transport's own.
        let answering = span.in_scope(|| inner.call(request));
        let answering = async move {
            let Ok(response) = answering.await;
            Ok::<_, Infallible>(observed(response, observation))
        };
        Box::pin(answering.instrument(span))
    }
}

/// Ends the observation with the status in the headers, or passes it on to the body, whose trailers hold the status.
fn observed(response: Response<Body>, mut observation: Observation) -> Response<Body> {
    if let Some(code) = code_in(response.headers()) {
        observation.end(code);
        return response;
    }
    response.map(|body| Body::new(ObservedBody { inner: body, observation }))
}

struct ObservedBody {
    inner: Body,
    observation: Observation,
}

impl HttpBody for ObservedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let span: Span = this.observation.span().clone();
        // Handlers of streams do their work here.
        let _entered = span.enter();
        let frame = ready!(Pin::new(&mut this.inner).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    this.observation.end(code_in(trailers).unwrap_or(Code::Unknown));
                }
            }
            Some(Err(status)) => this.observation.end(status.code()),
            None => this.observation.end(Code::Unknown),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
