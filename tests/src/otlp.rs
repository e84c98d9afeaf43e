//! A receiver of OpenTelemetry's protocol in the test's own process, and what leads from one span to another.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::Write,
    sync::{Arc, Mutex, PoisonError},
};

use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::{
            ExportLogsServiceRequest, ExportLogsServiceResponse,
            logs_service_server::{LogsService, LogsServiceServer},
        },
        metrics::v1::{
            ExportMetricsServiceRequest, ExportMetricsServiceResponse,
            metrics_service_server::{MetricsService, MetricsServiceServer},
        },
        trace::v1::{
            ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_server::{TraceService, TraceServiceServer},
        },
    },
    common::v1::any_value::Value,
    resource::v1::Resource,
};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, codec::CompressionEncoding, transport::Server};

/// Where something happened: a trace, and a span in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Context {
    /// 32 hexadecimal digits.
    pub trace: String,
    /// 16 hexadecimal digits.
    pub span: String,
}

/// A span that a process has sent.
#[derive(Debug, Clone)]
pub struct Span {
    /// `service.name`.
    pub service: String,
    /// As it is shown.
    pub name: String,
    /// Its own place.
    pub context: Context,
    /// The span that it is part of.
    pub parent: Option<Context>,
    /// The spans that it followed from otherwise.
    pub links: Vec<Context>,
}

/// Takes everything that is sent to it, and keeps the spans. It ends with this value.
#[derive(Debug)]
pub struct Receiver {
    /// Where it listens, as the services are told.
    pub url: String,
    spans: Arc<Mutex<Vec<Span>>>,
    _serving: JoinSet<()>,
}

/// Spans, with what follows from each.
#[derive(Debug)]
pub struct Traces {
    spans: Vec<Span>,
    /// By the context that they are part of or linked to.
    following: BTreeMap<Context, Vec<usize>>,
}

#[derive(Debug, Clone)]
struct Kept(Arc<Mutex<Vec<Span>>>);

impl Context {
    /// The context in a W3C `traceparent`.
    ///
    /// # Panics
    /// When it is none.
    pub fn of(traceparent: &str) -> Self {
        let parts: Vec<_> = traceparent.split('-').collect();
        let [_, trace, span, _] = parts[..] else { panic!("{traceparent} is no trace context") };
        Self { trace: trace.to_owned(), span: span.to_owned() }
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.trace, self.span)
    }
}

impl Receiver {
    /// Listens on a free port.
    ///
    /// # Panics
    /// When there is none.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("some port is free");
        let url = format!("http://{}", listener.local_addr().expect("a bound listener has an address"));
        let spans = Arc::new(Mutex::new(Vec::new()));
        let kept = Kept(Arc::clone(&spans));
        let server = Server::builder()
            .add_service(TraceServiceServer::new(kept.clone()).accept_compressed(CompressionEncoding::Gzip))
            .add_service(MetricsServiceServer::new(kept.clone()).accept_compressed(CompressionEncoding::Gzip))
            .add_service(LogsServiceServer::new(kept).accept_compressed(CompressionEncoding::Gzip));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            server.serve_with_incoming(TcpListenerStream::new(listener)).await.expect("the receiver serves");
        });
        Self { url, spans, _serving: serving }
    }

    /// What has come so far; all of it once the processes have ended in order.
    pub fn traces(&self) -> Traces {
        Traces::new(self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Traces {
    fn new(spans: Vec<Span>) -> Self {
        let mut following: BTreeMap<Context, Vec<usize>> = BTreeMap::new();
        for (place, span) in spans.iter().enumerate() {
            for before in span.parent.iter().chain(&span.links) {
                following.entry(before.clone()).or_default().push(place);
            }
        }
        Self { spans, following }
    }

    /// The span at this place.
    pub fn at(&self, context: &Context) -> Option<&Span> {
        self.spans.iter().find(|span| span.context == *context)
    }

    /// The spans that `from` leads to, over parents and links, the nearest first.
    pub fn after(&self, from: &Context) -> Vec<&Span> {
        let (mut reached, mut seen) = (Vec::new(), BTreeSet::new());
        let mut waiting = VecDeque::from([from]);
        while let Some(context) = waiting.pop_front() {
            for place in self.following.get(context).into_iter().flatten() {
                if seen.insert(*place) {
                    let span = &self.spans[*place];
                    reached.push(span);
                    waiting.push_back(&span.context);
                }
            }
        }
        reached
    }

    /// Whether one context is the other or leads to it.
    pub fn leads(&self, from: &Context, to: &Context) -> bool {
        from == to || self.after(from).iter().any(|span| span.context == *to)
    }

    /// The spans that `from` leads to, a line each, for whoever has to see why one is missing.
    pub fn told(&self, from: &Context) -> String {
        let mut told = String::new();
        for Span { service, name, context, parent, links } in self.after(from) {
            let parent = parent.as_ref().map_or("nothing", |parent| parent.span.as_str());
            writeln!(told, "{service}: {name} {context:?} part of {parent}, linked to {links:?}")
                .expect("writing to a string cannot fail");
        }
        told
    }
}

#[tonic::async_trait]
impl TraceService for Kept {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut spans = Vec::new();
        for of_resource in request.into_inner().resource_spans {
            let service = service_of(of_resource.resource.as_ref());
            for span in of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans) {
                let context = context(&span.trace_id, &span.span_id);
                let parent =
                    (!span.parent_span_id.is_empty()).then(|| self::context(&span.trace_id, &span.parent_span_id));
                let links = span.links.iter().map(|link| self::context(&link.trace_id, &link.span_id)).collect();
                spans.push(Span { service: service.clone(), name: span.name, context, parent, links });
            }
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(spans);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Kept {
    async fn export(
        &self,
        _: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl LogsService for Kept {
    async fn export(
        &self,
        _: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        Ok(Response::new(ExportLogsServiceResponse::default()))
    }
}

fn context(trace: &[u8], span: &[u8]) -> Context {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Context { trace: hex(trace), span: hex(span) }
}

fn service_of(resource: Option<&Resource>) -> String {
    let attributes = resource.into_iter().flat_map(|resource| &resource.attributes);
    let name = attributes.filter(|attribute| attribute.key == "service.name");
    let value = name.filter_map(|attribute| attribute.value.as_ref()?.value.as_ref()).next();
    if let Some(Value::StringValue(name)) = value { name.clone() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(span: &str, parent: Option<&str>, links: &[&str]) -> Span {
        let context = |span: &str| Context { trace: "t".to_owned(), span: span.to_owned() };
        Span {
            service: "a service".to_owned(),
            name: span.to_owned(),
            context: context(span),
            parent: parent.map(context),
            links: links.iter().map(|link| context(link)).collect(),
        }
    }

    #[test]
    fn parents_and_links_lead_on_and_nothing_leads_back() {
        let spans = vec![span("b", Some("a"), &[]), span("c", None, &["b"]), span("d", Some("c"), &["a"])];
        let traces = Traces::new(spans);
        let context = |span: &str| Context { trace: "t".to_owned(), span: span.to_owned() };
        assert!(traces.leads(&context("a"), &context("c")) && traces.leads(&context("a"), &context("a")));
        assert!(!traces.leads(&context("c"), &context("b")));
        let names: Vec<_> = traces.after(&context("a")).iter().map(|span| span.name.as_str()).collect();
        assert_eq!(names, ["b", "d", "c"]);
    }
}
