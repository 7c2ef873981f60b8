"""Collecting by itself: when it is due, once, and never beside other work."""

from __future__ import annotations

import time
from typing import Any

import pytest
from nicegui import ui

from twin.files import write_json
from webui.client import jobs, recollect


@pytest.fixture
def collects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Collecting takes no time here: what runs is the job, not the stages."""
    monkeypatch.setattr(jobs, "commands", lambda kind: [["true"]])


def let_it_be_due(settings: Any, at: float) -> None:
    write_json(settings.private / "recollect.json", {"every": "day", "next_at": at})


def ended(settings: Any) -> None:
    until = time.monotonic() + 20
    while jobs.running(settings) is not None and time.monotonic() < until:
        time.sleep(0.05)


def test_it_is_never_due_until_somebody_says_so(settings: Any, world: Any) -> None:
    world.project(settings.root)
    assert recollect.rhythm(settings).every == "never"
    assert recollect.start_due(settings) is None


@pytest.mark.usefixtures("collects")
def test_what_is_due_starts_once_and_then_waits_for_its_next_turn(settings: Any, world: Any) -> None:
    world.project(settings.root)
    recollect.choose(settings, "day")
    assert recollect.start_due(settings) is None
    let_it_be_due(settings, time.time() - 5 * 24 * 3600)
    job = recollect.start_due(settings)
    assert job is not None and job.kind == jobs.COLLECT
    ended(settings)
    assert recollect.start_due(settings) is None
    assert recollect.rhythm(settings).next_at > time.time() + 23 * 3600


@pytest.mark.usefixtures("collects")
def test_it_waits_while_other_work_runs_and_comes_after_it(settings: Any, world: Any) -> None:
    world.project(settings.root)
    let_it_be_due(settings, time.time() - 1)
    world.say(settings, "train")
    assert recollect.start_due(settings) is None
    (settings.progress / "train.json").unlink()
    assert recollect.start_due(settings) is not None
    ended(settings)


@pytest.mark.usefixtures("collects")
def test_a_clock_that_was_wrong_delays_nothing_for_years(settings: Any, world: Any) -> None:
    world.project(settings.root)
    let_it_be_due(settings, time.time() + 400 * 24 * 3600)
    assert recollect.start_due(settings) is not None
    ended(settings)


def test_without_sources_or_with_a_torn_file_nothing_starts(settings: Any, world: Any) -> None:
    let_it_be_due(settings, time.time() - 1)
    assert recollect.start_due(settings) is None
    world.project(settings.root)
    (settings.private / "recollect.json").write_text("{")
    assert recollect.start_due(settings) is None


async def test_the_page_keeps_the_choice_and_says_when_the_next_turn_is(settings: Any, world: Any, visit: Any) -> None:
    world.project(settings.root)
    user = await visit(settings)
    await user.open("/sources")
    await user.should_see("The twin reads your sources when you press Collect now.")
    user.find(ui.toggle).elements.pop().set_value("week")
    await user.should_see("Next on")
    assert recollect.rhythm(settings).every == "week"
    await user.open("/sources")
    await user.should_see("Next on")
