"""A real Chromium without a mouse: submit, accept, edit, go on to the next."""

from __future__ import annotations

from typing import Any

import pytest

from webui.client import drafts, edits

pytestmark = pytest.mark.browser


def test_a_draft_is_ordered_judged_and_left_by_keys(
    serve: Any, tab: Any, world: Any, endpoint: Any, tmp_path: Any
) -> None:
    settings = world.settings_for(tmp_path, endpoint_port=endpoint.port)
    space = world.project(tmp_path, documents=5)
    page = tab()
    page.goto(f"{serve(settings).url}/write")
    page.get_by_label("What is it about?").press_sequentially("Tea", delay=1)
    page.keyboard.press("Control+Enter")
    page.get_by_role("button", name="Copy").wait_for()
    page.keyboard.press("Alt+a")
    page.locator(".paper .chip", has_text="Accepted").wait_for()
    page.keyboard.press("Alt+n")
    page.locator(".paper .chip", has_text="Accepted").wait_for(state="detached")
    page.get_by_role("button", name="Copy").wait_for()
    page.get_by_role("button", name="Edit").press("Enter")
    page.get_by_label("Edit the draft").fill("My own kettle.")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Kept. Your twin can learn from this edit.").wait_for()
    assert [pair["chosen"] for pair in edits.pairs(space)] == ["My own kettle."]
    assert [r.get("verdict") for r in drafts.recent(settings, world.AUTHOR)] == ["accepted", "accepted"]


def test_the_history_is_walked_by_keys(serve: Any, tab: Any, world: Any, tmp_path: Any) -> None:
    settings = world.settings_for(tmp_path)
    world.fill(settings)
    first = drafts.recent(settings, world.AUTHOR)[0]
    drafts.save(settings, world.AUTHOR, first | {"id": "20260102", "text": "The harbour sleeps."})
    page = tab()
    page.goto(f"{serve(settings).url}/drafts?draft=20260102")
    page.get_by_text("The harbour sleeps.").wait_for()
    page.keyboard.press("Alt+n")
    page.get_by_text("The kettle is on.").wait_for()
    page.keyboard.press("Alt+p")
    page.get_by_text("The harbour sleeps.").wait_for()
