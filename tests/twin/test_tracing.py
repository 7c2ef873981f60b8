"""Spans reach a collector with their parents; without one nothing is begun."""

from __future__ import annotations

from typing import Any

import pytest

from twin import tracing


def test_without_a_collector_nothing_is_traced() -> None:
    span = tracing.begin("draft")
    span.past("facts", 0.1)
    span.end("nothing")
    assert span.header == "" and tracing.headers() == {}


def test_spans_reach_the_collector_below_their_parents(collector: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_tracer", None)
    tracing.setup("twin-test", collector.url)
    outer = tracing.begin("write")
    inner = tracing.begin("draft", outer.header, author="hesk")
    inner.past("facts", 0.25)
    inner.end()
    outer.end("the client went away")
    tracing.flush()
    assert collector.paths == {"/v1/traces"}
    assert {service for service, _ in collector.spans} == {"twin-test"}
    spans = {span.name: span for _, span in collector.spans}
    assert spans["facts"].parent_span_id == spans["draft"].span_id
    assert spans["draft"].parent_span_id == spans["write"].span_id
    assert len({span.trace_id for span in spans.values()}) == 1
    assert spans["facts"].end_time_unix_nano - spans["facts"].start_time_unix_nano == 250_000_000
    assert spans["write"].status.message == "the client went away"
