use std::sync::Mutex;

use http::HeaderMap;
use http_body_util::{BodyExt, StreamBody as Frames};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use tower::service_fn;
use tracing_subscriber::layer::SubscriberExt;

use super::*;

#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

impl Kept {
    /// What the one span says under `key`.
    fn said(&self, key: &str) -> Option<String> {
        let spans = self.0.lock().unwrap();
        assert_eq!(spans.len(), 1, "a call has one span");
        spans[0].attributes.iter().find(|said| said.key.as_str() == key).map(|said| said.value.to_string())
    }
}

fn recording() -> (Kept, tracing::subscriber::DefaultGuard) {
    let kept = Kept::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(kept.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("t"));
    // While a process has one subscriber only, what another test's thread comes upon first is switched off for all threads.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
    (kept, tracing::subscriber::set_default(tracing_subscriber::registry().with(layer)))
}

fn trace() -> Trace {
    Trace::new("customers", Rules::for_services(&["seva.events.v1.ClockService"]).unwrap())
}

fn call(path: &str) -> Request<Body> {
    Request::post(path).body(Body::empty()).unwrap()
}

const GET_TIME: &str = "/seva.events.v1.ClockService/GetTime";

/// An answer as handlers give it: the status comes in trailers.
fn with_trailers(code: Code) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    Status::new(code, "").add_header(&mut trailers).unwrap();
    let frames = [Ok::<_, Status>(Frame::data(Bytes::from_static(b"message"))), Ok(Frame::trailers(trailers))];
    Response::new(Body::new(Frames::new(futures::stream::iter(frames))))
}

async fn answered(path: &str, code: Code) -> Kept {
    let (kept, _guard) = recording();
    let inner = service_fn(move |_: Request<Body>| async move { Ok(with_trailers(code)) });
    let Ok(response) = trace().around(call(path), inner).await;
    response.into_body().collect().await.unwrap();
    kept
}

#[tokio::test]
async fn the_status_in_trailers_is_recorded() {
    let kept = answered(GET_TIME, Code::Ok).await;

    assert_eq!(kept.said("rpc.response.status_code").as_deref(), Some("OK"));
    assert_eq!(kept.said("rpc.method").as_deref(), Some("seva.events.v1.ClockService/GetTime"));
    assert_eq!(kept.said("rpc.system.name").as_deref(), Some("grpc"));
    assert_eq!(kept.said("seva.service").as_deref(), Some("customers"));
    assert_eq!(kept.said("error.type"), None);
}

#[tokio::test]
async fn a_servers_faults_are_errors_and_its_callers_faults_are_not() {
    assert_eq!(answered(GET_TIME, Code::Internal).await.said("error.type").as_deref(), Some("INTERNAL"));
    let kept = answered(GET_TIME, Code::NotFound).await;
    assert_eq!(kept.said("rpc.response.status_code").as_deref(), Some("NOT_FOUND"));
    assert_eq!(kept.said("error.type"), None);
}

#[tokio::test]
async fn the_status_in_headers_is_recorded() {
    let (kept, _guard) = recording();
    let inner = service_fn(|_: Request<Body>| async { Ok(Status::unavailable("").into_http()) });

    let Ok(response) = trace().around(call(GET_TIME), inner).await;
    drop(response);

    assert_eq!(kept.said("rpc.response.status_code").as_deref(), Some("UNAVAILABLE"));
}

#[tokio::test]
async fn a_call_whose_caller_left_is_recorded_as_cancelled() {
    let (kept, _guard) = recording();
    let inner = service_fn(|_: Request<Body>| std::future::pending());

    let mut calling = trace().around(call(GET_TIME), inner);
    assert!(futures::poll!(&mut calling).is_pending());
    drop(calling);

    assert_eq!(kept.said("rpc.response.status_code").as_deref(), Some("CANCELLED"));
}

#[tokio::test]
async fn a_name_that_somebody_made_up_is_not_recorded() {
    let kept = answered("/made.up/Name", Code::Unimplemented).await;

    assert_eq!(kept.said("rpc.method").as_deref(), Some("_OTHER"));
}

#[tokio::test]
async fn a_call_goes_on_in_its_callers_trace() {
    let (kept, _guard) = recording();
    let mut request = call(GET_TIME);
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    request.headers_mut().insert("traceparent", traceparent.parse().unwrap());
    let inner = service_fn(|_: Request<Body>| async { Ok(Status::ok("").into_http()) });

    let Ok(_) = trace().around(request, inner).await;

    let spans = kept.0.lock().unwrap();
    assert_eq!(spans[0].span_context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(spans[0].parent_span_id.to_string(), "b7ad6b7169203331");
}
