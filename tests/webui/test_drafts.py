"""The drafts page: history, versions held against each other, and the edits that can be learned from."""

from __future__ import annotations

from typing import Any

import pytest

from webui.client import drafts, edits, versions


def _draft(settings: Any, author: str, number: int, text: str, **order: Any) -> dict[str, Any]:
    asked = {"author": author, "register": "post", "brief": f"Brief {number}", "parent": "", "action": "draft", **order}
    record = {
        "id": f"2026010{number}", "order": asked, "state": "done", "text": text, "error": "",
        "draft": {"text": text, "adapter": f"{author}@2"}, "started_at": 1_700_000_000.0 + number, "seconds": 2.0,
    }  # fmt: skip
    drafts.save(settings, author, record)
    return record


@pytest.fixture
def kept(settings: Any, world: Any) -> list[dict[str, Any]]:
    """A text in three drafts, the last of them edited and accepted, and another one."""
    space = world.project(settings.root)
    first = _draft(settings, world.AUTHOR, 1, "The kettle is on, and nobody came.")
    second = _draft(settings, world.AUTHOR, 2, "The kettle is on.", parent=first["id"], action="shorter")
    third = _draft(settings, world.AUTHOR, 3, "The kettle sings.", parent=second["id"], action="hook")
    edits.accept(space, third, "The old kettle sings.")
    drafts.save(settings, world.AUTHOR, third)
    _draft(settings, world.AUTHOR, 4, "Harbour at noon.")
    return drafts.recent(settings, world.AUTHOR)


def test_the_versions_of_a_text_are_its_family_in_order(kept: list[dict[str, Any]]) -> None:
    found = versions.family(kept, "20260102")
    assert [v.label for v in found] == ["Written", "Shorter", "Another hook", "Your own wording"]
    assert [v.text for v in found][-2:] == ["The kettle sings.", "The old kettle sings."]
    assert [v.label for v in versions.family(kept, "20260104")] == ["Written"]
    assert versions.family(kept, "nothing") == []
    kept[-1]["order"]["parent"] = "20260103"  # a circle
    assert len(versions.family(kept, "20260101")) == 4


def test_the_search_finds_words_and_verdicts(kept: list[dict[str, Any]]) -> None:
    def ids(words: str, verdict: str) -> list[str]:
        return [record["id"][-1] for record in versions.matching(kept, words, verdict)]

    assert ids("KETTLE on", "") == ["2", "1"]
    assert ids("", "accepted") == ["3"] and ids("", "open") == ["4", "2", "1"] and ids("brief 4", "") == ["4"]


async def test_the_list_opens_and_searches(settings: Any, kept: Any, visit: Any) -> None:
    user = await visit(settings)
    await user.open("/drafts")
    for words in ("Drafts · 4", "Edits to learn from · 1", "Harbour at noon.", "Accepted"):
        await user.should_see(words)
    user.find("Search briefs and texts").type("harbour")
    await user.should_see("1–1 of 1")


async def test_a_text_shows_what_changed(settings: Any, kept: Any, visit: Any) -> None:
    user = await visit(settings)
    await user.open("/drafts?draft=20260103")
    await user.should_see("0 words gone, 1 new")
    await user.should_see("The old kettle sings.")
    await user.open("/drafts?draft=gone")
    await user.should_see("There is no such draft")


async def test_an_edit_is_taken_back(settings: Any, world: Any, kept: Any, visit: Any) -> None:
    user = await visit(settings)
    await user.open("/drafts?show=edits")
    await user.should_see("Brief 3")
    user.find("Take it back").click()
    await user.should_see("Taken back")
    assert edits.pairs(world.Workspace(settings.root, world.AUTHOR)) == []


async def test_a_draft_is_deleted_after_a_question(settings: Any, world: Any, kept: Any, visit: Any) -> None:
    user = await visit(settings)
    await user.open("/drafts?draft=20260104")
    user.find("Delete").click()
    await user.should_see("Delete this draft?")
    user.find("Delete it").click()
    await user.should_see("Drafts · 3")
    assert drafts.load(settings, world.AUTHOR, "20260104") is None
