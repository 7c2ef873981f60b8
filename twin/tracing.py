"""OpenTelemetry spans from the page to the predictor; without an OTLP endpoint nothing is loaded and nothing is sent."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from twin.redact import cleaned, struck

HEADER = "traceparent"
"""W3C's header: version, trace id, span id and flags in hexadecimal."""

incoming: ContextVar[str] = ContextVar("twin_incoming", default="")
"""What the client's header said; a server sets it once a request."""

outgoing: ContextVar[str] = ContextVar("twin_outgoing", default="")
"""What the next request to another server is to carry."""

_tracer: Any = None


def setup(service: str, endpoint: str) -> None:
    """Send spans of `service` to an OTLP collector at `endpoint` (http://host:4318); "" leaves tracing off."""
    global _tracer
    if not endpoint or _tracer is not None:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    _tracer = provider.get_tracer("twin")


@dataclass(slots=True)
class Span:
    """One piece of work. It is not bound to a thread or task, since a draft is written across several."""

    own: Any = None
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def header(self) -> str:
        """The `traceparent` that makes another process's span a child of this one; "" when tracing is off."""
        if self.own is None:
            return ""
        context = self.own.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def past(self, name: str, seconds: float, **attributes: Any) -> None:
        """Add a child that has just ended and took `seconds`."""
        if self.own is not None:
            now = time.time_ns()
            child = _tracer.start_span(name, context=_context(self.header), start_time=now - int(seconds * 1e9))
            child.set_attributes(cleaned(attributes))
            child.end(now)

    def end(self, error: str = "", **attributes: Any) -> None:
        """End it; `error` says what went wrong."""
        if self.own is None:
            return
        from opentelemetry.trace import StatusCode

        self.own.set_attributes(cleaned(attributes))
        if error:
            self.own.set_status(StatusCode.ERROR, struck(error))
        self.own.end()


def begin(name: str, parent: str = "", **attributes: Any) -> Span:
    """Begin a span below `parent` (a traceparent header), or a trace of its own."""
    if _tracer is None:
        return Span()
    return Span(_tracer.start_span(name, context=_context(parent), attributes=cleaned(attributes)))


def headers() -> dict[str, str]:
    """The headers of a request to another of the twin's servers."""
    return {HEADER: outgoing.get()} if outgoing.get() else {}


def flush() -> None:
    """Send what is still held back."""
    if _tracer is not None:
        _tracer.span_processor.force_flush(2000)


def _context(parent: str) -> Any:
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({HEADER: parent}, context=Context()) if parent else Context()
