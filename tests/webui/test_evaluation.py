"""The evaluation's and the monitoring's drawings: arms with intervals, the map of styles, drift over time."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from twin.files import write_json, write_text
from webui.client import evaluation

FIGURES = {
    "verifier_valid": 1.0, "accepted_masked_10_lora": 0.8, "accepted_masked_10_lora_low": 0.61,
    "accepted_masked_10_lora_high": 0.93, "bits_per_byte_gain": 0.12, "style_distance_real": 0.4,
    "style_distance_real_low": 0.3, "style_distance_real_high": 0.5, "style_distance_lora": 0.6,
    "style_distance_lora_low": 0.5, "style_distance_lora_high": 0.7, "style_distance_base": 1.3,
    "style_distance_base_low": 1.1, "style_distance_base_high": 1.5, "copy_share_lora": 0.01,
}  # fmt: skip
MAP = {"points": {"own": [[0, 0], [1, 0]], "others": [[9, 9]], "lora": [[1, 1]], "base": [[4, 4]]}}


def measured(world: Any, settings: Any) -> Any:
    work = world.project(settings.root, documents=30)
    write_json(work.report / "metrics.json", FIGURES)
    checks = [
        {"name": "likelihood", "verdict": "pass", "reason": "12 % fewer bits"},
        {"name": "style", "verdict": "insufficient", "reason": "of 8 texts nothing can be said"},
    ]
    write_json(work.report / "gate.json", {"promote": False, "checks": checks, "reasons": ["style: insufficient"]})
    write_json(work.report / "stylemap.json", MAP)
    return work


def test_the_voice_score_comes_with_its_interval(settings: Any, world: Any) -> None:
    work = measured(world, settings)
    score = evaluation.voice_score(work)
    assert score is not None and (score.name, score.value, score.interval) == ("Taken for you", "80%", "61% to 93%")
    write_json(work.report / "metrics.json", FIGURES | {"verifier_valid": 0.0})
    score = evaluation.voice_score(work)
    assert score is not None and score.name == "Knows your words"  # A judge that can't judge is not quoted.


def test_measures_hold_only_arms_with_an_interval(settings: Any, world: Any) -> None:
    (only,) = evaluation.measures(measured(world, settings))
    assert [(row[0], row[4]) for row in only.rows] == [
        ("You, held out", "goal"),
        ("The twin", "ours"),
        ("Base model", ""),
    ]


async def test_the_page_shows_checks_arms_and_the_map(settings: Any, world: Any, visit: Any) -> None:
    measured(world, settings)
    user = await visit(settings)
    await user.open("/evaluation")
    for words in ("Held back", "1 of 2 checks passed", "Of 8 texts nothing can be said", "61% to 93%"):
        await user.should_see(words, retries=100)
    await user.should_see("From near to far from you: The twin, Base model, Other people.", retries=100)
    drawn = user.find(kind=ui.echart).elements.pop().options
    assert [series["name"] for series in drawn["series"]] == ["You", "The twin", "Base model", "Other people"]
    assert len({(s["symbol"], str(s["itemStyle"])) for s in drawn["series"]}) == 4


async def test_home_shows_the_score_the_sources_and_the_calendar(settings: Any, world: Any, visit: Any) -> None:
    measured(world, settings)
    user = await visit(settings)
    await user.open("/")
    for words in ("Taken for you", "61% to 93%", "When you wrote"):
        await user.should_see(words, retries=100)


async def test_drift_is_drawn_over_time(settings: Any, world: Any, visit: Any) -> None:
    work = measured(world, settings)
    point = {"requests": 20, "enough": True, "drifted": False, "alarm": 0.5, "p50": 2.0, "p95": 4.0}
    points = [point | {"at": f"2026-0{n}-01T08:00:00+00:00", "share": n / 10} for n in (1, 2, 3)]
    write_json(work.monitoring / "history.json", [*points, point | {"at": "x", "share": None, "enough": False}])
    write_text(work.monitoring / "drift.html", "<h1>Report</h1>")
    assert [one.share for one in evaluation.drift_history(work)] == [0.1, 0.2, 0.3]
    user = await visit(settings)
    await user.open("/monitoring")
    await user.should_see("Drift over time", retries=100)
    await user.should_see("Report 1 is of 2026-01-01, the last of 2026-03-01.", retries=100)


async def test_the_monitoring_page_says_what_moved_and_since_when(settings: Any, world: Any, visit: Any) -> None:
    work = measured(world, settings)
    shift = {
        "moved": True,
        "strength": 1.6,
        "p": 0.01,
        "reference": 0.2,
        "current": 1.1,
        "since": "2026-02-03T08:00:00",
    }
    voice = {
        "name": "voice", "against": "generations at promotion", "enough": True, "alarm": True, "strength": 1.6,
        "rows": 200, "references": 80, "columns": {"exclamation": shift, "comma": {**shift, "moved": False}},
    }  # fmt: skip
    thin = {
        "name": "verdicts",
        "against": "your verdicts on earlier drafts",
        "enough": False,
        "reason": "2 were logged.",
    }
    report = {
        "requests": 200, "enough": True, "drifted": True, "calls": True, "cooling": "2026-02-02T01:00:00",
        "strength": 1.6, "false_alarms": 0.05, "sections": [voice, thin],
    }  # fmt: skip
    write_json(work.monitoring / "drift.json", report)
    user = await visit(settings)
    await user.open("/monitoring")
    for words in (
        "How drafts are written: moved", "What you make of drafts: too little to tell", "exclamation", "0.2 → 1.1",
        "2026-02-03", "A training began on 2026-02-02", "Held against generations at promotion",
    ):  # fmt: skip
        await user.should_see(words, retries=100)
    await user.should_not_see("comma")
