"""Every page opens, with nothing and with data, and says what a person can do."""

from __future__ import annotations

from typing import Any

import pytest

from twin.files import write_json

EMPTY = {
    "/": "Whose twin is it?",
    "/sources": "Whose twin is it?",
    "/write": "No twin to write with yet",
    "/drafts": "No drafts yet",
    "/library": "No texts yet",
    "/train": "Nobody to learn from yet",
    "/evaluation/blind": "No twin yet",
    "/evaluation": "Not measured yet",
    "/monitoring": "No twin yet",
    "/settings": "Who may open this interface.",
}
FILLED = {
    "/": "When you wrote",
    "/sources": "1 source",
    "/write": "Nothing written yet",
    "/drafts": "Drafts · 1",
    "/library": "1–25 of 30",
    "/train": "Ready to learn your voice",
    "/evaluation/blind": "No texts to compare yet",
    "/evaluation": "Let through: this version may write",
    "/monitoring": "The drafts still sound like you",
    "/settings": "Version 2",
}


@pytest.mark.parametrize("path", EMPTY)
async def test_a_page_without_data_says_how_to_begin(path: str, settings: Any, visit: Any) -> None:
    user = await visit(settings)
    await user.open(path)
    await user.should_see(EMPTY[path])


@pytest.mark.parametrize("path", FILLED)
async def test_a_page_shows_the_data(path: str, settings: Any, world: Any, visit: Any) -> None:
    world.fill(settings)
    user = await visit(settings)
    await user.open(path)
    await user.should_see(FILLED[path])


@pytest.mark.parametrize("path", EMPTY)
async def test_a_broken_params_file_is_explained_on_every_page(
    path: str, settings: Any, world: Any, visit: Any
) -> None:
    world.project(settings.root, params=world.PARAMS + "sourcez: []\n")
    user = await visit(settings)
    await user.open(path)
    await user.should_see("the nearest known key is 'sources'")


async def test_the_fictional_author_is_named_as_such(settings: Any, world: Any, visit: Any) -> None:
    world.project(
        settings.root, documents=3, params=world.PARAMS.replace("name: Ada Reed", "name: Ada Reed\n  fictional: true")
    )
    user = await visit(settings)
    await user.open("/")
    await user.should_see("Ada Reed is invented")
    await user.should_see("Fictional sample")


async def test_home_names_the_version_that_writes(settings: Any, world: Any, visit: Any) -> None:
    world.fill(settings)
    user = await visit(settings)
    await user.open("/")
    await user.should_see("Version 2")
    await user.should_see("passed its gate")


async def test_a_first_visitor_becomes_the_author(settings: Any, visit: Any) -> None:
    user = await visit(settings)
    await user.open("/")
    user.find("Your name").type("Zoë  Ström")
    user.find("Begin").click()
    await user.should_see("Nothing to read yet", retries=50)
    text = (settings.root / "params.yaml").read_text()
    assert "id: zoe-strom" in text and "name: Zoë Ström" in text


async def test_stored_reports_are_boxed_in(settings: Any, world: Any, visit: Any) -> None:
    world.fill(settings)
    user = await visit(settings)
    await user.open("/evaluation")
    answer = await user.http_client.get("/report/evaluation")
    assert answer.status_code == 200
    assert "sandbox allow-scripts" in answer.headers["content-security-policy"]
    assert (await user.http_client.get("/report/monitoring")).status_code == 404


async def test_the_supervisor_finds_it_healthy(settings: Any, visit: Any) -> None:
    user = await visit(settings)
    answer = await user.http_client.get("/healthz")
    assert answer.json() == {"service": "webui", "status": "ok"}


async def test_the_evaluation_shows_who_was_compared_and_what_is_not_proven(
    settings: Any, world: Any, visit: Any
) -> None:
    work = world.project(settings.root, documents=30)
    figures = {"style_distance_lora": 0.2, "style_distance_cheater": 0.05, "accepted_masked_10_lora": 0.75,
               "copy_share_lora": 0.0, "copy_share_cheater": 1.0}  # fmt: skip
    write_json(work.report / "metrics.json", figures)
    headline = "Promoted on likelihood, without harm; not proven: style insufficient"
    write_json(work.report / "gate.json", {"promote": True, "headline": headline, "reasons": ["style: too few"]})
    user = await visit(settings)
    await user.open("/evaluation")
    for words in ("Who writes like you", "An old text, word for word", "75%", "100%", "not proven"):
        await user.should_see(words)
    await user.should_not_see("Points made")
