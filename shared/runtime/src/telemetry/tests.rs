use std::sync::{Arc, Mutex};

use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter as ExportSpans},
};

use super::*;

const CREATED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl ExportSpans for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

fn recorded(work: impl FnOnce()) -> Vec<SpanData> {
    let kept = Kept::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(kept.clone()).build();
    let subscriber =
        tracing_subscriber::registry().with(tracing_opentelemetry::layer().with_tracer(provider.tracer("t")));
    tracing::subscriber::with_default(subscriber, work);
    kept.0.lock().unwrap().clone()
}

#[test]
fn an_event_is_handled_in_the_trace_it_was_created_in_and_links_to_its_creation() {
    let spans = recorded(|| {
        let span = event_span(Some(CREATED), "process shipment.lost");
        let carried = span.in_scope(|| crate::call::current_traceparent().unwrap());
        assert!(carried.starts_with("00-0af7651916cd43dd8448eb211c80319c-"), "{carried}");
        assert_ne!(carried, CREATED);
    });

    assert_eq!(spans.len(), 1);
    assert_eq!(spans[0].name, "process shipment.lost");
    assert_eq!(spans[0].parent_span_id.to_string(), "b7ad6b7169203331");
    assert_eq!(spans[0].links[0].span_context.span_id().to_string(), "b7ad6b7169203331");
}

#[test]
fn an_event_without_a_context_begins_a_trace() {
    for traceparent in
        [None, Some(""), Some("00-zz-zz-01"), Some("00-00000000000000000000000000000000-0000000000000000-01")]
    {
        let spans = recorded(|| drop(event_span(traceparent, "process")));
        assert!(spans[0].span_context.is_valid());
        assert!(spans[0].links.is_empty());
    }
}

#[test]
fn a_batch_links_to_every_creation() {
    let spans = recorded(|| {
        let span = tracing::info_span!("batch");
        link(&span, CREATED);
        link(&span, "nonsense");
    });

    assert_eq!(spans[0].links.len(), 1);
    assert_eq!(
        propagation::remote_context(CREATED).unwrap().span().span_context().span_id().to_string(),
        "b7ad6b7169203331"
    );
}

#[test]
fn only_shares_from_nothing_to_all_are_ratios() {
    assert_eq!(parse_ratio("0.25"), Ok(0.25));
    for wrong in ["", "-0.1", "1.1", "NaN", "all"] {
        assert!(parse_ratio(wrong).is_err(), "{wrong:?}");
    }
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_json_line_names_its_trace() {
    let written = Written::default();
    let writer = written.clone();
    let provider = SdkTracerProvider::builder().build();
    let lines = tracing_subscriber::fmt::layer()
        .event_format(json::Lines::new("customers"))
        .with_writer(move || writer.clone());
    let subscriber = tracing_subscriber::registry()
        .with(tracing_opentelemetry::layer().with_tracer(provider.tracer("t")))
        .with(lines);

    tracing::subscriber::with_default(subscriber, || {
        event_span(Some(CREATED), "process").in_scope(|| tracing::info!(count = 3, done = true, "said \"so\""));
        tracing::info!("outside");
    });

    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["message"], "said \"so\"");
    assert_eq!(lines[0]["fields"]["count"], 3);
    assert_eq!(lines[0]["service"], "customers");
    assert_eq!(lines[0]["trace_id"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(lines[0]["span"], "event");
    assert!(lines[1].get("trace_id").is_none());
}
