"""Write: a draft streams in, is kept with its citations, survives a reload, and a dead service is said clearly."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from nicegui import ui

from webui.client import drafts
from webui.pages.draft import flags, sentences


async def order(user: Any, brief: str = "Tea & queues") -> None:
    """Type a brief and press Draft."""
    user.find(kind=ui.textarea, content="What is it about? One line is enough.").type(brief)
    user.find(kind=ui.button, content="Draft").click()


def html(user: Any) -> str:
    """The finished draft's HTML."""
    return next(iter(user.find(marker="draft-text").elements)).content


async def test_a_draft_streams_in_with_its_citations(settings: Any, world: Any, endpoint: Any, visit: Any) -> None:
    settings = world.settings_for(settings.root, endpoint_port=endpoint.port)
    world.project(settings.root, documents=3)
    endpoint.gate.set()
    user = await visit(settings)
    await user.open("/write")
    await order(user)
    await user.should_see("Kettle first.", retries=40)
    await user.should_see("Writing…")
    endpoint.gate.clear()
    await user.should_see(marker="draft-text", retries=40)
    assert 'class="cited" data-tip="Article 1: “The kettle &amp; the &lt;b&gt;queue' in html(user)
    assert "Kettle first.</span><sup>" in html(user)
    assert "\n\nThen the &lt;queue&gt;." in html(user)
    await user.should_see("Article 1")
    await user.should_see("Trained voice, version 2")
    body = endpoint.asked[0]
    assert body["model"] == world.AUTHOR and body["stream"] and body["twin"]["register"] == "post"
    assert body["messages"] == [{"role": "user", "content": "Tea & queues"}]


async def test_a_second_tab_and_a_reload_find_the_draft_being_written(
    settings: Any, world: Any, endpoint: Any, visit: Any
) -> None:
    settings = world.settings_for(settings.root, endpoint_port=endpoint.port)
    world.project(settings.root)
    endpoint.gate.set()
    user = await visit(settings)
    await user.open("/write")
    await order(user)
    await user.should_see("Kettle first.", retries=40)
    await user.open("/write")
    await user.should_see("Kettle first.", retries=40)
    await user.should_see("writing…")
    endpoint.gate.clear()
    await user.should_see(marker="draft-text", retries=40)
    kept = drafts.recent(settings, world.AUTHOR)
    assert [d["state"] for d in kept] == ["done"] and kept[0]["text"] == "Kettle first.\n\nThen the <queue>."


async def test_a_dead_service_is_named_with_what_to_do(settings: Any, world: Any, visit: Any) -> None:
    world.project(settings.root)
    user = await visit(settings)
    await user.open("/write")
    await user.should_see("The writing service is not running", retries=30)
    await order(user)
    await user.should_see("The draft was not finished", retries=40)
    await user.should_see("make up")
    assert drafts.recent(settings, world.AUTHOR)[0]["order"]["brief"] == "Tea & queues"


async def test_a_service_that_still_loads_says_so(settings: Any, world: Any, endpoint: Any, visit: Any) -> None:
    settings = world.settings_for(settings.root, endpoint_port=endpoint.port)
    world.project(settings.root)
    endpoint.status = 503
    user = await visit(settings)
    await user.open("/write")
    await user.should_see("The model is still loading", retries=30)
    await order(user)
    await user.should_see("the base model is loading", retries=40)


async def test_a_service_that_dies_in_the_middle_keeps_what_was_written(
    settings: Any, world: Any, endpoint: Any, visit: Any
) -> None:
    settings = world.settings_for(settings.root, endpoint_port=endpoint.port)
    world.project(settings.root)
    endpoint.break_after, endpoint.pause = 4, 0.05
    user = await visit(settings)
    await user.open("/write")
    await order(user)
    await user.should_see("stopped in the middle", retries=60)
    assert "Kettle first." in html(user)
    kept = drafts.recent(settings, world.AUTHOR)[0]
    assert kept["state"] == "failed" and kept["text"].startswith("Kettle first.")
    endpoint.break_after = None
    user.find("Try again").click()
    await user.should_see("Article 1", retries=40)


async def test_stop_keeps_what_is_there(settings: Any, world: Any, endpoint: Any, visit: Any) -> None:
    settings = world.settings_for(settings.root, endpoint_port=endpoint.port)
    world.project(settings.root)
    endpoint.gate.set()
    user = await visit(settings)
    await user.open("/write")
    await order(user)
    await user.should_see("Kettle first.", retries=40)
    user.find("Stop").click()
    await user.should_see("You stopped here", retries=40)
    assert drafts.recent(settings, world.AUTHOR)[0]["state"] == "stopped"


async def test_a_draft_that_a_restart_cut_off_is_shown_as_such(settings: Any, world: Any, visit: Any) -> None:
    world.project(settings.root)
    made = {"brief": "Tea", "author": world.AUTHOR, "register": "post", "links": [], "words": 80}
    record = {"id": "20260101-120000-abc", "order": made, "state": "writing", "text": "Half a", "error": "",
              "draft": {}, "started_at": 1.0, "seconds": 0.0}  # fmt: skip
    drafts.save(settings, world.AUTHOR, record)
    user = await visit(settings)
    await user.open("/write?draft=20260101-120000-abc")
    await user.should_see("The draft was interrupted")
    await user.should_see("Half a")


async def test_an_empty_brief_and_a_bad_link_are_not_sent(settings: Any, world: Any, endpoint: Any, visit: Any) -> None:
    settings = world.settings_for(settings.root, endpoint_port=endpoint.port)
    world.project(settings.root)
    user = await visit(settings)
    await user.open("/write")
    user.find(kind=ui.button, content="Draft").click()
    await user.should_see("Say in a few words")
    await asyncio.sleep(0.2)
    assert not endpoint.asked


def test_sentences_joined_again_are_the_text_and_are_counted_as_the_service_counts() -> None:
    text = "04:12. The pager.\n\n“Again?” she said. (yes, again)\n→ 1 thing\n\n⚓\nThen.. home. ⚓\n"
    pieces = sentences(text)
    assert "".join(piece for _, piece in pieces) == text
    counted = [piece for index, piece in pieces if index >= 0]
    assert counted == ["04:12.", "The pager.", "“Again?”", "she said.", "(yes, again)", "→ 1 thing", "Then..", "home."]
    assert [index for index, _ in pieces if index >= 0] == list(range(8))


def test_doubts_are_named() -> None:
    doubts = [
        {"kind": "number", "sentence": 1, "text": "26", "source": ""},
        {"kind": "name", "sentence": 1, "text": "Brisk", "source": ""},
        {"kind": "copy", "sentence": 3, "text": "the tide table runs", "source": "https://ada.example/1"},
    ]
    record = {"draft": {"steps": [{"name": "check", "output": json.dumps(doubts)}]}}
    (loose, names), (copy, words) = flags(record)
    assert loose.startswith("Not found") and names.endswith("26, Brisk")
    assert copy.startswith("Word for word") and "https://ada.example/1" in words
    assert flags({"draft": {}}) == [] and flags({"draft": {"steps": [{"name": "check", "output": "{"}]}}) == []


def test_a_doubt_goes_with_the_words_that_an_edit_took_out() -> None:
    doubts = [
        {"kind": "number", "sentence": 0, "text": "26", "source": ""},
        {"kind": "copy", "sentence": 1, "text": "the tide table runs", "source": ""},
    ]
    draft = {"text": "26 boats. the tide\ntable runs.", "steps": [{"name": "check", "output": json.dumps(doubts)}]}
    assert len(flags({"text": draft["text"], "draft": draft})) == 2
    ((title, _),) = flags({"text": "Boats. the tide table runs.", "draft": draft})
    assert title.startswith("Word for word")
