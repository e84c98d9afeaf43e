//! Traces, metrics and logs of a process.
//!
//! - [`init`]: providers, exporters and log lines, once per process
//! - [`propagation`]: trace context in headers and in events
//! - [`event_span`], [`link`]: the spans of consumers
//! - `rpc`: what servers and clients record of a call

use std::{io::IsTerminal, time::Duration};

use opentelemetry::{global, trace::TracerProvider as _};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    logs::SdkLoggerProvider,
    metrics::SdkMeterProvider,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider},
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{Fault, Faults, TelemetryConfig, parse_url};

mod json;
pub mod propagation;
pub(crate) mod rpc;
#[cfg(test)]
mod tests;

/// How long the last traces, metrics and logs may take to leave.
const FLUSH_WITHIN: Duration = Duration::from_secs(5);

/// What the exporters' own libraries say is kept from the exporters: exporting it would give them more to say.
const QUIET: &str = "info,h2=off,hyper=off,hyper_util=off,tonic=off,tower=off,opentelemetry=off";

/// The providers of a process; to be shut down at its end, so that the last spans leave.
#[derive(Debug)]
pub struct TelemetryGuard {
    traces: SdkTracerProvider,
    metrics: Option<SdkMeterProvider>,
    logs: Option<SdkLoggerProvider>,
}

impl TelemetryGuard {
    /// Sends what has not been sent; gives up after five seconds.
    pub async fn shutdown(self) {
        // The exporters' threads are waited for without an executor, so not on its threads.
        let flushed = tokio::task::spawn_blocking(move || {
            let logs = self.logs.map_or(Ok(()), |logs| logs.shutdown());
            let metrics = self.metrics.map_or(Ok(()), |metrics| metrics.shutdown());
            let traces = self.traces.shutdown();
            logs.and(metrics).and(traces)
        });
        match tokio::time::timeout(FLUSH_WITHIN, flushed).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => eprintln!("the last telemetry could not be sent: {error}"),
            Ok(Err(_)) | Err(_) => eprintln!("the last telemetry was given up"),
        }
    }
}

/// Begins traces, metrics and logs of a process under the name `service_name`. To be called inside the runtime, before servers and clients
/// are made.
///
/// Without an endpoint nothing is exported, but spans have ids all the same: they stand in log lines and travel with events.
///
/// # Errors
/// Every setting that cannot be used.
pub fn init(service_name: &'static str, config: &TelemetryConfig) -> Result<TelemetryGuard, Vec<Fault>> {
    let Settings { endpoint, ratio, log_filter, format_json } = Settings::check(config)?;
    global::set_text_map_propagator(TraceContextPropagator::new());
    // Names of the environment (OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES) win over ours.
    let named = std::env::var_os("OTEL_SERVICE_NAME").is_some();
    let resource =
        Resource::builder().with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    let resource = if named { resource.build() } else { resource.with_service_name(service_name).build() };

    // Parent-based, so that a trace is whole; but the share also binds callers who ask for every call of theirs to be traced.
    let sampler = Sampler::parent_based(Sampler::TraceIdRatioBased(ratio))
        .with_remote_parent_sampled(Sampler::TraceIdRatioBased(ratio));
    let mut traces = SdkTracerProvider::builder().with_resource(resource.clone()).with_sampler(sampler);
    let (mut metrics, mut logs) = (None, None);
    if let Some(endpoint) = endpoint {
        let failed = |error: opentelemetry_otlp::ExporterBuildError| {
            vec![Fault { name: ENDPOINT.to_owned(), fault: error.to_string() }]
        };
        let spans = SpanExporter::builder().with_tonic().with_endpoint(&endpoint).build().map_err(failed)?;
        traces = traces.with_batch_exporter(spans);
        let exporter = MetricExporter::builder().with_tonic().with_endpoint(&endpoint).build().map_err(failed)?;
        metrics =
            Some(SdkMeterProvider::builder().with_resource(resource.clone()).with_periodic_exporter(exporter).build());
        let exporter = LogExporter::builder().with_tonic().with_endpoint(&endpoint).build().map_err(failed)?;
        logs = Some(SdkLoggerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build());
    }
    let traces = traces.build();
    global::set_tracer_provider(traces.clone());
    if let Some(metrics) = &metrics {
        global::set_meter_provider(metrics.clone());
    }

    let lines = if format_json {
        tracing_subscriber::fmt::layer().event_format(json::Lines::new(service_name)).with_filter(log_filter).boxed()
    } else {
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_filter(log_filter).boxed()
    };
    let exported_logs = logs.as_ref().map(|logs| OpenTelemetryTracingBridge::new(logs).with_filter(quiet()));
    let subscriber = tracing_subscriber::registry()
        .with(tracing_opentelemetry::layer().with_tracer(traces.tracer("seva")).with_filter(quiet()))
        .with(exported_logs)
        .with(lines);
    if subscriber.try_init().is_err() {
        eprintln!("log lines and spans go to the subscriber that was there before");
    }
    std::panic::set_hook(Box::new(log_panic));
    Ok(TelemetryGuard { traces, metrics, logs })
}

const ENDPOINT: &str = "--otlp-endpoint (OTEL_EXPORTER_OTLP_ENDPOINT)";

struct Settings {
    endpoint: Option<String>,
    ratio: f64,
    log_filter: EnvFilter,
    format_json: bool,
}

impl Settings {
    fn check(config: &TelemetryConfig) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::new();
        let endpoint = config.otlp_endpoint.clone().filter(|endpoint| !endpoint.is_empty());
        if let Some(endpoint) = &endpoint {
            faults.take(ENDPOINT, parse_url(endpoint));
        }
        let ratio = config.trace_ratio.as_deref().map_or(Ok(1.0), parse_ratio);
        let ratio = faults.take("--trace-ratio (OTEL_TRACES_SAMPLER_ARG)", ratio);
        let filter = config.log.clone().or_else(|| std::env::var("RUST_LOG").ok()).unwrap_or_else(|| "info".to_owned());
        let log_filter = faults.take("--log (SEVA_LOG)", EnvFilter::try_new(filter));
        let format_json = match config.log_format.as_str() {
            "json" => true,
            "text" => false,
            "auto" => !std::io::stderr().is_terminal(),
            other => {
                faults.add("--log-format (SEVA_LOG_FORMAT)", format!("{other:?} is not text, json or auto"));
                false
            }
        };
        match (faults.finish(), ratio.zip(log_filter)) {
            (Ok(()), Some((ratio, log_filter))) => Ok(Self { endpoint, ratio, log_filter, format_json }),
            (faults, _) => Err(faults.err().map_or_else(Vec::new, |faults| faults.0)),
        }
    }
}

fn parse_ratio(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|ratio: &f64| (0.0..=1.0).contains(ratio))
        .ok_or_else(|| format!("{text:?} is not a number from 0 to 1"))
}

fn quiet() -> EnvFilter {
    EnvFilter::new(QUIET)
}

/// Logs where a panic happened. Its text only when it is a literal: a formatted one may hold a customer's data.
fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let message = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(message withheld)");
    let location = panic.location().map(ToString::to_string);
    tracing::error!(location, message, "panicked");
}

/// The span of the handling of one event that was created under `traceparent`.
///
/// It is a child of the creation context, so that one trace id leads from the event that came in to everything that followed from it. It
/// also carries a link to that context, as consumers' spans do by convention; in a batch every event has its own such span.
pub fn event_span(traceparent: Option<&str>, name: &str) -> Span {
    let span = tracing::info_span!(target: "seva", parent: None, "event", otel.name = name, otel.kind = "consumer");
    if let Some(context) = traceparent.and_then(propagation::remote_context) {
        link_context(&span, &context);
        // Refused only where spans are not recorded.
        let _ = span.set_parent(context);
    }
    span
}

/// Links `span` to the creation context of an event: for the span of a whole batch.
pub fn link(span: &Span, traceparent: &str) {
    if let Some(context) = propagation::remote_context(traceparent) {
        link_context(span, &context);
    }
}

fn link_context(span: &Span, context: &opentelemetry::Context) {
    use opentelemetry::trace::TraceContextExt;
    span.add_link(context.span().span_context().clone());
}

/// The meter of all instruments of the suite. To be asked after [`init`]: instruments made before record nothing.
pub fn meter() -> opentelemetry::metrics::Meter {
    global::meter("seva")
}
