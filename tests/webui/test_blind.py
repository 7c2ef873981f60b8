"""The blind test: what is asked, what is kept, and what the score says."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from twin.files import write_json
from webui.client import blind


def measured(world: Any, settings: Any, cases: int = 3) -> Any:
    """A twin that was measured on `cases` held-out texts, one draft of the last cut off in the middle."""
    work = world.project(settings.root, documents=5)
    rows = [
        {"id": f"e{n}", "document_id": f"files:{n}", "register": "post", "kind": "brief", "split": "test",
         "messages": json.dumps([]), "completion": f"Own words {n}"}
        for n in range(cases)
    ]  # fmt: skip
    work.dataset.mkdir(parents=True)
    pd.DataFrame(rows).to_parquet(work.dataset / "examples.parquet")
    drafts = [
        {"document_id": f"files:{n}", "register": "post", "brief": f"kettle {n}", "arm": arm, "seed": seed,
         "text": f"{arm} words {n}", "ended": n < cases - 1}
        for seed in (0, 1) for n in range(cases) for arm in ("base", "lora")
    ]  # fmt: skip
    write_json(work.report / "drafts.json", drafts)
    write_json(work.report / "gate.json", {"passed": True})
    return work


def test_a_question_is_an_own_text_and_the_twins_for_the_same_brief(settings: Any, world: Any) -> None:
    work = measured(world, settings)
    found = blind.rounds(settings, work)
    assert len(found) == 2  # The draft that was cut off would give itself away, and so would a text shown twice.
    for one in found:
        number = one.brief.split()[1]
        assert one.texts[one.own] == f"Own words {number}" and one.texts[1 - one.own] == f"lora words {number}"
    assert blind.rounds(settings, work) == found  # Another tab is asked the same, in the same order.


def test_the_first_answer_counts_and_what_is_remembered_does_not(settings: Any, world: Any) -> None:
    work = measured(world, settings, cases=4)
    first = blind.current(settings, work)
    assert first is not None and not blind.answer(settings, work, first, 1 - first.own)
    blind.answer(settings, work, first, first.own)
    second = blind.current(settings, work)
    assert second is not None and second != first
    blind.answer(settings, work, second, None)
    third = blind.current(settings, work)
    assert third is not None and blind.answer(settings, work, third, third.own)
    score = blind.score(settings, work)
    assert (score.asked, score.right, score.skipped, score.left) == (2, 1, 1, 0)
    assert blind.current(settings, work) is None
    blind.again(settings, work)
    assert blind.score(settings, work).left == 3


def test_the_interval_is_wilsons() -> None:
    assert blind.interval(0, 0) == (0.0, 1.0)
    low, high = blind.interval(8, 10)
    assert low == pytest.approx(0.4902, abs=1e-3) and high == pytest.approx(0.9433, abs=1e-3)


async def test_the_page_asks_reveals_and_keeps_the_score(settings: Any, world: Any, visit: Any) -> None:
    work = measured(world, settings)
    user = await visit(settings)
    await user.open("/evaluation")
    await user.should_see("Which one did you write?", retries=100)
    await user.open("/evaluation/blind")
    one = blind.current(settings, work)
    assert one is not None
    await user.should_see(f"The brief: {one.brief}", retries=100)
    await user.should_not_see("You wrote this")
    user.find(marker=f"choose-{one.own}").click()
    await user.should_see("You wrote this", retries=100)
    await user.should_see("1 of 1", retries=100)
    user.find("Next").click()
    await user.should_see("I remember this one", retries=100)
    user.find("I remember this one").click()
    await user.should_see("You have seen them all", retries=100)
    await user.open("/evaluation")
    await user.should_see("You found your own text 1 of 1 times", retries=100)
