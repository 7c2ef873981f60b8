"""OpenAI's stream where no server is needed to see it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator

from twin.records import Draft, Step
from twin.serving.openai import _streamed
from twin.serving.requests import Refusal


async def test_a_deadline_in_the_middle_of_a_stream_is_told_as_one() -> None:
    async def pieces() -> AsyncGenerator[str | Step | Draft]:
        yield " more"
        raise Refusal(504, "the draft took longer than 3 s")

    reply = _streamed("twin", [], "First", pieces())
    events = [json.loads(str(event)[5:]) async for event in reply.body_iterator]  # type: ignore[attr-defined]
    assert [event["choices"][0]["delta"].get("content") for event in events[:-1]] == ["", "First", " more"]
    assert events[-1] == {"error": {"message": "the draft took longer than 3 s", "type": "timeout_error", "code": 504}}
