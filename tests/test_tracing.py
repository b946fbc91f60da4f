"""A batch, its calls and a webhook are traced where an endpoint is set, and name no person."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from syncworker import tracing


class Collector:
    """Whoever receives spans, over HTTP."""

    def __init__(self) -> None:
        self.received: list[ExportTraceServiceRequest] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.received.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def spans(self) -> dict[str, dict[str, str]]:
        return {
            span.name: {a.key: str(a.value.string_value or a.value.int_value) for a in span.attributes}
            | {"status": span.status.message}
            for request in self.received
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    tracing.end()
    made.close()


def test_spans_are_sent_where_the_endpoint_is(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
    assert tracing.begin("worker")
    with tracing.span("batch", portal=4711, kind="contact"), tracing.span("hubspot call", route="GET /x"):
        tracing.add(status=200, correlation_id=None)
    with pytest.raises(ValueError, match="ada"), tracing.span("settle"):
        raise ValueError("ada@fjordline-tools.se")
    tracing.end()
    spans = collector.spans
    assert spans["batch"] == {"syncworker.portal": "4711", "syncworker.kind": "contact", "status": ""}
    assert spans["hubspot call"] == {"syncworker.route": "GET /x", "syncworker.status": "200", "status": ""}
    assert spans["settle"] == {"status": "ValueError"}
    assert "ada" not in str(collector.received)


def test_without_an_endpoint_nothing_is_imported_and_a_span_is_nothing() -> None:
    program = """
import sys
from syncworker import tracing
assert not tracing.begin("worker")
assert tracing.span("a", portal=1) is tracing.span("b")
tracing.add(status=200)
assert not [name for name in sys.modules if name.startswith("opentelemetry")]
"""
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_without_the_packages_it_says_so_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    assert not tracing.begin("worker")
    with tracing.span("batch"):
        pass
