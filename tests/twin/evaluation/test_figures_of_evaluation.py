"""Intervals, copying, fluency, style arms, the gate and the page: what a sceptic would try first."""

from __future__ import annotations

import json
import random
import re

import numpy as np
import pandas as pd
import pytest

from twin.errors import EvaluationError
from twin.evaluation import arms, gate, intervals
from twin.evaluation.arms import Case, Written
from twin.evaluation.copying import Corpus
from twin.evaluation.fluency import loops
from twin.evaluation.intervals import Interval
from twin.evaluation.measure import measure
from twin.evaluation.report import render
from twin.evaluation.style import compare
from twin.prompts import draft
from twin.voice.delta import profile


def test_a_share_of_nothing_has_an_exact_interval() -> None:
    none = intervals.share(0, 30)
    assert none.value == 0 and none.low == 0 and none.high == pytest.approx(0.1157, abs=1e-4)
    assert intervals.share(30, 30).high == 1.0


def test_the_paired_bootstrap_is_sure_where_every_document_gains() -> None:
    base = [random.Random(i).uniform(500, 3000) for i in range(20)]
    sure = intervals.share_gained(base, [b * 0.9 for b in base], 500, 1)
    assert sure.value == pytest.approx(0.1) and sure.low == pytest.approx(0.1) and sure.high == pytest.approx(0.1)
    mixed = intervals.share_gained(base, [b * (0.7 if i % 2 else 1.3) for i, b in enumerate(base)], 500, 1)
    assert mixed.low < 0 < mixed.high


def test_copies_are_counted_in_tokens_of_long_spans_only() -> None:
    corpus = Corpus(5).add(["one two three four five six seven"])
    assert corpus.copied("zero one two three four five six nine") == (6, 8, 6)
    assert corpus.copied("one two three four nine") == (0, 5, 0)
    assert corpus.copied("One two three four five") == (0, 5, 0)
    assert corpus.copied("") == (0, 0, 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The sea is wide and cold. " * 4, True),
        ("a b c d e f " * 2 + "and then it went on to say other things that are new each time", False),
        ("-" * 60, False),
        ("Short.", False),
    ],
)
def test_loops(text: str, expected: bool) -> None:
    assert loops(text) is expected


def _texts(kind: str, n: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    words = ("sea", "map", "rope", "bell", "fog", "tide", "clock", "ferry")
    if kind == "own":
        return [f"no {rng.choice(words)} today.\n\n→ we waited. {rng.choice(words)} again!" for _ in range(n)]
    return [
        f"In conclusion, the {rng.choice(words)} is a very important part of the {rng.choice(words)}, and it can help you"
        " to achieve many of your goals in life." for _ in range(n)
    ]  # fmt: skip


def test_a_system_that_writes_like_the_author_closes_the_gap_and_the_base_does_not() -> None:
    own = profile(_texts("own", 60, 1))
    found = compare(
        own,
        {
            "real": _texts("own", 30, 2), "base": _texts("base", 30, 3), "perfect": _texts("own", 30, 4),
            "like_base": _texts("base", 30, 5),
            "half": [*_texts("own", 15, 6), *_texts("base", 15, 6)],
        },
        100, 7,
    )  # fmt: skip
    assert found.closure["perfect"].low > 0.9
    assert abs(found.closure["like_base"].value) < 0.1
    assert found.closure["like_base"].value < found.closure["half"].value < found.closure["perfect"].value
    assert found.nearer["perfect"].low > 0
    assert found.separation > 0.95


def test_without_a_gap_there_is_no_closure() -> None:
    own = profile(_texts("own", 40, 1))
    same = _texts("own", 12, 2)
    found = compare(own, {"real": same, "base": same, "lora": _texts("base", 12, 3)}, 100, 7)
    assert np.isnan(found.closure["lora"].value)


def _decide(**changes: object) -> dict[str, object]:
    choice: dict[str, object] = {
        "gain": Interval(0.1, 0.08, 0.12), "copied": Interval(0.01, 0, 0.02), "nearer": Interval(0.3, 0.1, 0.5),
        "texts": 40, "min_gain": 0.02, "max_copied": 0.05, "max_regression": 0.0,
    }  # fmt: skip
    checks = gate.decide(**(choice | changes))  # type: ignore[arg-type]
    return {"promote": gate.promote(checks), **{c.name: c.verdict for c in checks}}


def test_the_gate() -> None:
    assert _decide()["promote"]
    assert not _decide(gain=Interval(0.1, -0.01, 0.2))["promote"]
    assert not _decide(gain=Interval(0.01, 0.005, 0.02))["promote"]
    assert not _decide(copied=Interval(0.06, 0.0, 0.1))["promote"]
    assert not _decide(nearer=Interval(-0.1, -0.3, 0.1))["promote"]


def test_few_texts_make_no_style_claim_but_a_clear_step_back_is_seen() -> None:
    few = _decide(texts=12, nearer=Interval(-0.1, -0.3, 0.1))
    assert few["style"] == "insufficient" and few["promote"]
    assert not _decide(texts=12, nearer=Interval(-0.5, -0.8, -0.2))["promote"]
    reason = gate.decide(
        gain=Interval(0.1, 0.08, 0.12), copied=Interval(0, 0, 0), nearer=Interval(0.1, 0, 0.2), texts=12,
        min_gain=0.02, max_copied=0.05, max_regression=0,
    )[2].reason  # fmt: skip
    assert "insufficient" in reason and "12 held-out texts" in reason


def _examples() -> pd.DataFrame:
    rows = []
    for i in range(12):
        split = "train" if i < 9 else "test"
        asked = draft(name="Wren", register="post", brief=f"brief {i}", facts=["a fact in the author's voice"])
        rows.append((f"d{i}#0", f"d{i}", "post", "facts", split, json.dumps(asked), f"no {i}.\n\n→ we waited"))
        rows.append((f"d{i}#1", f"d{i}", "post", "continuation", split, "[]", "more of it"))
    return pd.DataFrame(rows, columns=["id", "document_id", "register", "kind", "split", "messages", "completion"])


def test_briefs_come_without_facts_and_exemplars_from_training_alone() -> None:
    found = arms.cases(_examples(), "Wren", 10, 7)
    assert [c.brief for c in found] == ["brief 9", "brief 10", "brief 11"]
    asked = arms.prompts(found, _examples(), "Wren")
    assert "a fact" not in json.dumps(asked["lora"]) and asked["lora"] == asked["base"]
    shown = asked["base_exemplars"][0][-1]["content"]
    assert shown.count("<example>") == 4 and not re.search(r"no (9|10|11)\.", shown)


def test_one_held_out_text_is_too_few() -> None:
    with pytest.raises(EvaluationError, match="at least 2"):
        arms.cases(_examples().query("document_id in ('d0', 'd9')"), "Wren", 10, 7)


def test_the_page_escapes_what_people_and_models_wrote_and_needs_no_network() -> None:
    evil = "<script>alert(1)</script>"
    cases = [Case(f"<b>d{i}</b>", "post", evil, text) for i, text in enumerate(_texts("own", 8, 2))]
    written = {
        "base": [Written(t, True) for t in _texts("base", 8, 3)],
        "base_exemplars": [Written(t, False) for t in _texts("base", 8, 4)],
        "lora": [Written(evil + t, True) for t in _texts("own", 8, 5)],
    }
    documents = [(c.document_id, 900.0 + i, 800.0, 600) for i, c in enumerate(cases)]
    train = _texts("own", 30, 1)
    results = measure(documents, cases, written, train, train, pool=5, copy_tokens=12, draws=100, seed=7)
    checks = gate.decide(
        gain=results.gain, copied=results.excess, nearer=results.style.nearer["lora"], texts=8,
        min_gain=0.02, max_copied=0.05, max_regression=0,
    )  # fmt: skip
    page = render(results, cases, written, checks, name="<i>Wren</i>", pool=5, copy_tokens=12)
    assert evil not in page and "<b>d0" not in page and "<i>Wren" not in page
    assert "src=" not in page and "http" not in page.replace("https://", "http").split("<main>")[0]
    assert "insufficient" in page and "What this can" in page and page.count("<svg") == 3
    flat = results.flat()
    assert flat["bits_per_byte_gain"] > 0.1 and all(np.isfinite(v) for v in flat.values())
    assert flat["ended_share_base_exemplars"] == 0.0
