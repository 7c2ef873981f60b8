"""A real Chromium on the Write page's tools: from a draft with doubts to an accepted edit and its preview."""

from __future__ import annotations

import json
from typing import Any

import pytest

from webui.client import drafts

pytestmark = pytest.mark.browser

DOUBTS = [{"kind": "number", "sentence": 0, "text": "83", "source": ""}]


def test_a_draft_is_reworked_edited_compared_and_previewed(
    serve: Any, tab: Any, world: Any, endpoint: Any, tmp_path: Any
) -> None:
    settings = world.settings_for(tmp_path, endpoint_port=endpoint.port)
    world.project(tmp_path, documents=5)
    endpoint.words = ["The clicker ", "says 83. ", "The scanner ", "is silent."]
    endpoint.steps = [
        {"name": "outline", "input": "b", "output": "Angle: a\n- Who counts\n- What is missed", "seconds": 0.1},
        {"name": "check", "input": "x", "output": json.dumps(DOUBTS), "seconds": 0.1},
    ]
    page = tab()
    page.goto(f"{serve(settings).url}/write")
    page.get_by_label("What is it about?").fill("the steel clicker")
    page.get_by_role("button", name="Draft", exact=True).click()
    page.get_by_text("Check before you post: 83").wait_for()
    doubtful = page.locator("span.doubt")
    doubtful.hover()
    assert "Not in your texts or the brief: 83" in str(doubtful.get_attribute("data-tip"))

    page.get_by_text("How it was written").click()
    page.get_by_text("outline · 0.1 s").click()
    outline = page.get_by_label("Outline", exact=True)
    outline.wait_for()
    # All its lines are in sight: it was measured while it was folded away.
    assert outline.evaluate("box => box.scrollHeight <= box.clientHeight + 2")

    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_label("Edit the draft").fill("The clicker counts.\n\nThe scanner is silent.")
    page.get_by_role("button", name="Accept", exact=True).click()
    page.get_by_text("Your twin can learn from this edit").wait_for()
    page.get_by_text("Check before you post: 83").wait_for(state="detached")
    page.get_by_text("What changed").click()
    page.locator("ins", has_text="counts.").wait_for()
    page.get_by_text("What changed").click()

    page.get_by_role("button", name="Publish").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="X", exact=True).click()
    dialog.get_by_text("no interface for posting is used").wait_for()
    assert dialog.locator(".preview").inner_text() == "The clicker counts.\n\nThe scanner is silent."
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")

    page.get_by_role("button", name="Rework").click()
    page.get_by_text("More like me").click()
    page.locator(".paper .text:not(.diff)", has_text="The clicker says 83.").wait_for()
    page.get_by_role("button", name="Copy").wait_for()
    assert endpoint.asked[1]["twin"]["text"] == "The clicker counts.\n\nThe scanner is silent."
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
        page.get_by_text("Markdown", exact=True).click()
    assert download.value.suggested_filename == "the-steel-clicker.md"
    assert len(drafts.recent(settings, world.AUTHOR)) == 2
