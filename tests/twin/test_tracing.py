"""Spans reach a collector with their parents; without one nothing is begun."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from twin import tracing


def test_without_a_collector_nothing_is_traced() -> None:
    span = tracing.begin("draft")
    span.past("facts", 0.1)
    span.end("nothing")
    assert span.header == "" and tracing.headers() == {}


def test_spans_reach_the_collector_below_their_parents(monkeypatch: pytest.MonkeyPatch) -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    got: list[Any] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                import gzip

                body = gzip.decompress(body)
            got.append((self.path, ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(tracing, "_tracer", None)
    try:
        tracing.setup("twin-test", f"http://127.0.0.1:{server.server_port}")
        outer = tracing.begin("write")
        inner = tracing.begin("draft", outer.header, author="hesk")
        inner.past("facts", 0.25)
        inner.end()
        outer.end("the client went away")
        tracing.flush()
    finally:
        server.shutdown()
    assert got[0][0] == "/v1/traces"
    resources = [resource for _, request in got for resource in request.resource_spans]
    assert resources[0].resource.attributes[0].value.string_value
    spans = {s.name: s for r in resources for scope in r.scope_spans for s in scope.spans}
    assert spans["facts"].parent_span_id == spans["draft"].span_id
    assert spans["draft"].parent_span_id == spans["write"].span_id
    assert len({span.trace_id for span in spans.values()}) == 1
    assert spans["facts"].end_time_unix_nano - spans["facts"].start_time_unix_nano == 250_000_000
    assert spans["write"].status.message == "the client went away"
