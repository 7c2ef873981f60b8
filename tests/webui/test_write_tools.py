"""Write: what a person does with a draft: rework, edit, judge, compare, copy, download."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from nicegui import ui

from twin.workspace import Workspace
from webui.client import drafts, edits

TEXT = "Kettle first.\n\nThen the <queue>."


@pytest.fixture
async def written(settings: Any, world: Any, endpoint: Any, visit: Any) -> Any:
    """A user who has just been given a draft, and the settings."""
    settings = world.settings_for(settings.root, endpoint_port=endpoint.port)
    world.project(settings.root)
    user = await visit(settings)
    await user.open("/write")
    user.find(kind=ui.textarea, content="What is it about? One line is enough.").type("Tea & queues")
    user.find(kind=ui.button, content="Draft").click()
    await user.should_see(marker="draft-text", retries=40)
    return user, settings


async def test_a_rework_sends_the_text_and_shows_what_changed(written: Any, endpoint: Any, world: Any) -> None:
    user, settings = written
    endpoint.words = ["Kettle ", "first."]
    world.pick(user, "Shorter")
    await user.should_see("What changed", retries=40)
    asked = endpoint.asked[1]["twin"]
    assert (asked["action"], asked["text"], asked["register"]) == ("shorter", TEXT, "post")
    child, parent = drafts.recent(settings, world.AUTHOR)
    assert child["order"]["parent"] == parent["id"] and child["text"] == "Kettle first."
    (difference,) = user.find(marker="difference").elements
    assert "<del" in difference.content and "&lt;queue&gt;" in difference.content
    world.pick(user, "As a thread")
    for _ in range(100):
        if len(endpoint.asked) == 3:
            break
        await asyncio.sleep(0.05)
    assert (endpoint.asked[2]["twin"]["action"], endpoint.asked[2]["twin"]["register"]) == ("thread", "thread")


async def test_an_edit_is_accepted_compared_and_taken_back(written: Any, world: Any) -> None:
    user, settings = written
    user.find(kind=ui.button, content="Edit").click()
    world.named(user, ui.textarea, "Edit the draft").set_value("Kettle first.\n\nThen the line.")
    user.find(kind=ui.button, content="Accept").click()
    await user.should_see("Your twin can learn from this edit")
    await user.should_see("Accepted")
    await user.should_see("What changed")
    space = Workspace(settings.root, world.AUTHOR)
    (pair,) = [json.loads(line) for line in (space.edits / edits.PAIRS).read_text(encoding="utf-8").splitlines()]
    assert (pair["rejected"], pair["chosen"]) == (TEXT, "Kettle first.\n\nThen the line.")
    # A person's own wording carries no numbers of sentences that are gone.
    assert "<sup>" not in next(iter(user.find(marker="draft-text").elements)).content
    world.press(user, world.named(user, ui.button, "Reject"))
    await user.should_see("Rejected")
    assert (space.edits / edits.PAIRS).read_text(encoding="utf-8") == ""


async def test_an_edit_can_be_checked_again_or_left(written: Any, endpoint: Any, world: Any) -> None:
    user, _ = written
    user.find(kind=ui.button, content="Edit").click()
    world.named(user, ui.textarea, "Edit the draft").set_value("Nonsense")
    user.find(kind=ui.button, content="Cancel").click()
    await user.should_see(marker="draft-text")
    assert "Kettle first." in next(iter(user.find(marker="draft-text").elements)).content
    user.find(kind=ui.button, content="Edit").click()
    world.named(user, ui.textarea, "Edit the draft").set_value("The kettle counts 84.")
    user.find(kind=ui.button, content="Check again").click()
    await user.should_see(marker="draft-text", retries=40)
    assert endpoint.asked[1]["twin"]["given"] == {"draft": "The kettle counts 84."}


async def test_an_empty_edit_is_refused_and_a_good_draft_accepted_as_it_is(written: Any, world: Any) -> None:
    user, settings = written
    user.find(kind=ui.button, content="Edit").click()
    world.named(user, ui.textarea, "Edit the draft").set_value("  ")
    user.find(kind=ui.button, content="Accept").click()
    await user.should_see("there is no text to accept")
    user.find(kind=ui.button, content="Cancel").click()
    world.press(user, world.named(user, ui.button, "Accept as it is"))
    await user.should_see("Accepted")
    assert drafts.recent(settings, world.AUTHOR)[0]["verdict"] == "accepted"
    assert not (Workspace(settings.root, world.AUTHOR).edits / edits.PAIRS).exists()


async def test_a_draft_is_copied_and_downloaded(written: Any, world: Any) -> None:
    user, _ = written
    user.find(kind=ui.button, content="Copy").click()
    await user.should_see("Copied")
    world.pick(user, "Markdown")
    assert (await user.download.next()).text == TEXT
    world.pick(user, "HTML")
    page = (await user.download.next()).text
    assert page.startswith("<!doctype html>") and "&lt;queue&gt;" in page and "<title>Kettle first.</title>" in page


async def test_an_older_draft_is_opened_from_the_list(written: Any, endpoint: Any, world: Any) -> None:
    user, _ = written
    endpoint.words = ["Another ", "one."]
    user.find(kind=ui.button, content="Another one").click()
    await user.should_see("Another one.", retries=40)
    rows = [e for e in user.find(kind=ui.element).elements if e.tag == "button" and "row-item" in e.classes]
    assert len(rows) == 2
    world.press(user, max(rows, key=lambda row: row.id))
    await user.should_see("Trained voice, version 2")
    assert "Kettle first." in next(iter(user.find(marker="draft-text").elements)).content
