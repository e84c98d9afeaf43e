"""A receiver of OpenTelemetry's own protocol, from the published definitions, and what it must have got."""

import threading
from concurrent import futures

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc


def service_of(resource):
    """`service.name` of a resource."""
    for attribute in resource.attributes:
        if attribute.key == "service.name":
            return attribute.value.string_value
    return ""


class Span:
    """A span with the service that sent it."""

    def __init__(self, service, span):
        self.service = service
        self.name = span.name
        self.id = span.span_id.hex()
        self.parent = span.parent_span_id.hex()
        self.trace = span.trace_id.hex()
        self.start = span.start_time_unix_nano
        self.links = [(link.trace_id.hex(), link.span_id.hex()) for link in span.links]


class Receiver(
    trace_service_pb2_grpc.TraceServiceServicer,
    metrics_service_pb2_grpc.MetricsServiceServicer,
    logs_service_pb2_grpc.LogsServiceServicer,
):
    """Keeps everything that it gets. The three services have one method name, so that one method answers all."""

    def __init__(self):
        self.lock = threading.Lock()
        self.spans, self.metrics, self.logs = [], set(), []
        self.server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), compression=grpc.Compression.Gzip)
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self.server)
        metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(self, self.server)
        logs_service_pb2_grpc.add_LogsServiceServicer_to_server(self, self.server)
        self.url = f"http://127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def Export(self, request, context):  # noqa: N802 (the protocol's name)
        """Takes spans, metrics or logs."""
        with self.lock:
            if isinstance(request, trace_service_pb2.ExportTraceServiceRequest):
                for resource in request.resource_spans:
                    service = service_of(resource.resource)
                    self.spans += [Span(service, span) for scope in resource.scope_spans for span in scope.spans]
                return trace_service_pb2.ExportTraceServiceResponse()
            if isinstance(request, metrics_service_pb2.ExportMetricsServiceRequest):
                for resource in request.resource_metrics:
                    service = service_of(resource.resource)
                    self.metrics |= {(service, metric.name) for scope in resource.scope_metrics for metric in scope.metrics}
                return metrics_service_pb2.ExportMetricsServiceResponse()
            for resource in request.resource_logs:
                service = service_of(resource.resource)
                self.logs += [(service, record.severity_text) for scope in resource.scope_logs for record in scope.log_records]
            return logs_service_pb2.ExportLogsServiceResponse()

    def stop(self):
        """Ends it."""
        self.server.stop(None)


def print_tree(spans):
    """Prints the spans below their parents, and beside them whom they link to."""
    by_id = {span.id: span for span in spans}

    def print_below(parent, depth):
        below = sorted((span for span in spans if span.parent == parent), key=lambda span: span.start)
        for span in below:
            linked = f"  -> {', '.join(id for _, id in span.links)}" if span.links else ""
            print(f"    {'  ' * depth}{span.service}: {span.name} [{span.id}]{linked}")
            print_below(span.id, depth + 1)

    for root in sorted({span.parent for span in spans if span.parent not in by_id}):
        print(f"    from [{root or 'nowhere'}]")
        print_below(root, 1)


def connected(spans, trace_id):
    """The spans that the trace leads to, over parents and links, in either process."""
    reached = {span.id for span in spans if span.trace == trace_id}
    while True:
        more = {span.id for span in spans if span.parent in reached or any(id in reached or trace == trace_id for trace, id in span.links)}
        if more <= reached:
            return [span for span in spans if span.id in reached]
        reached |= more


def descendants(spans, ancestor):
    """The spans that lie below one in the tree."""
    below = [span for span in spans if span.parent == ancestor]
    return below + [further for span in below for further in descendants(spans, span.id)]


def check(checks, receiver, trace_id, pushed):
    """One trace leads from the pushed event to the mail, through both processes; metrics and logs came too."""
    print("OpenTelemetry")
    with receiver.lock:
        spans, metrics, logs = list(receiver.spans), set(receiver.metrics), list(receiver.logs)
    chain = connected(spans, trace_id)
    services = {span.service for span in chain}
    print(f"  trace {trace_id}: {len(chain)} of {len(spans)} spans")
    print_tree(chain)
    names = {span.service for span in spans}
    checks.expect("the chain goes through both processes", len(services) >= 2, f"{services} of {names}")
    for language, span_id in pushed.items():
        below = descendants(chain, span_id)
        delivered = [span for span in below if span.service == "notifications" and span.name == "dispatch"]
        checks.expect(f"{language}: the pushed event's span leads to the delivery", delivered, f"{[span.name for span in below]}")
    linked = [span for span in chain if any(trace == trace_id for trace, _ in span.links)]
    checks.expect("consumers link to the event's creation", linked, "no span has a link into the trace")
    measured = {service for service, _ in metrics}
    checks.expect("both processes send metrics", len(measured) >= 2, f"{metrics}")
    instruments = {name for _, name in metrics}
    checks.expect("calls are measured", "rpc.server.call.duration" in instruments, f"{sorted(instruments)}")
    checks.expect("both processes send logs", len({service for service, _ in logs}) >= 2, f"{set(logs)}")
