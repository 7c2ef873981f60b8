"""An OpenTelemetry collector on the loopback, for tests of traces."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass
class Collector:
    """Its address, and (service, span) of all that it was sent; `paths` are where to."""

    url: str = ""
    spans: list[tuple[str, Any]] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """A collector for a module's tests."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            packed = self.headers.get("Content-Encoding") == "gzip"
            sent = ExportTraceServiceRequest.FromString(gzip.decompress(body) if packed else body)
            found.paths.add(self.path)
            for resource in sent.resource_spans:
                named = {a.key: a.value.string_value for a in resource.resource.attributes}
                for scope in resource.scope_spans:
                    found.spans.extend((named["service.name"], span) for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    server.server_close()
