"""The page's part of a trace reaches the collector, and the writing service is told of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from nicegui import ui

from twin import tracing


async def test_a_draft_begins_a_trace_that_the_service_goes_on_with(
    settings: Any, world: Any, endpoint: Any, visit: Any, collector: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "_tracer", None)
    settings = replace(world.settings_for(settings.root, endpoint_port=endpoint.port), otlp_endpoint=collector.url)
    world.project(settings.root)
    user = await visit(settings)
    await user.open("/write")
    user.find(kind=ui.textarea, content="What is it about? One line is enough.").type("Tea")
    user.find(kind=ui.button, content="Draft").click()
    await user.should_see(marker="draft-text", retries=40)
    tracing.flush()
    ((service, span),) = collector.spans
    assert (service, span.name) == ("twin-webui", "write")
    (traced,) = endpoint.traced
    assert traced.startswith(f"00-{span.trace_id.hex()}-{span.span_id.hex()}-")
