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
from twin.evaluation.authorship import MASKED, Authorship, Outcome
from twin.evaluation.copying import Corpus
from twin.evaluation.fluency import loops
from twin.evaluation.intervals import Interval
from twin.evaluation.measure import Heard, measure
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


def _hands(auc: float = 0.98) -> Authorship:
    outcome = Outcome(Interval(auc, auc - 0.03, min(1, auc + 0.03)), 0.05, 1.0, {}, {})
    return Authorship({(MASKED, 10): outcome}, 12, 12)


def _decide(**changes: object) -> dict[str, object]:
    choice: dict[str, object] = {
        "reference": "base", "gain": Interval(0.1, 0.08, 0.12), "copied": Interval(0.01, 0, 0.02),
        "nearer": Interval(0.3, 0.1, 0.5), "texts": 40, "hands": _hands(),
        "losses": {"content": Interval(0.0, -0.05, 0.05), "fluency": Interval(0.0, -0.01, 0.01)},
    }  # fmt: skip
    checks = gate.decide(
        gate.Evidence(**(choice | changes)),  # type: ignore[arg-type]
        min_gain=0.02, max_copied=0.02, max_loss=0.02, max_regression=0.0,
    )  # fmt: skip
    return {
        "promote": gate.promote(checks), "proven": gate.proven(checks), "headline": gate.headline(checks),
        **{c.name: c.verdict for c in checks}, "reasons": {c.name: c.reason for c in checks},
    }  # fmt: skip


def test_the_gate_wants_style_and_likelihood_surely_better_and_no_harm() -> None:
    assert _decide()["promote"] and _decide()["proven"] and _decide()["headline"] == "Promoted"
    assert not _decide(gain=Interval(0.1, -0.01, 0.2))["promote"]
    assert not _decide(gain=Interval(0.01, 0.005, 0.02))["promote"]
    assert not _decide(copied=Interval(0.06, 0.0, 0.1))["promote"]
    assert not _decide(nearer=Interval(0.1, -0.1, 0.3))["promote"]
    lost = _decide(losses={"content": Interval(-0.2, -0.3, -0.1), "fluency": Interval(0.0, 0.0, 0.0)})
    assert not lost["promote"] and lost["headline"] == "Held back: content"
    maybe = {"content": Interval(-0.04, -0.12, 0.04), "fluency": Interval(float("nan"), 0.0, 0.0)}
    assert _decide(losses=maybe)["promote"] and _decide(losses=maybe)["fluency"] == "insufficient"


def test_a_champion_must_be_beaten_by_any_sure_margin() -> None:
    small = Interval(0.01, 0.004, 0.016)
    assert _decide(reference="champion", gain=small)["promote"] and not _decide(gain=small)["promote"]


def test_a_verifier_that_does_not_work_is_inconclusive_and_proves_nothing() -> None:
    found = _decide(hands=_hands(0.8))
    assert found["verifier"] == found["style"] == "inconclusive" and found["promote"] and not found["proven"]
    assert "not proven" in str(found["headline"])
    assert _decide(hands=Authorship())["verifier"] == "inconclusive"
    assert not _decide(hands=_hands(0.8), nearer=Interval(-0.5, -0.8, -0.2))["promote"]


def test_few_texts_make_no_style_claim_but_a_clear_step_back_is_seen() -> None:
    few = _decide(texts=12, nearer=Interval(-0.1, -0.3, 0.1))
    assert few["style"] == "insufficient" and few["promote"] and not few["proven"]
    assert not _decide(texts=12, nearer=Interval(-0.5, -0.8, -0.2))["promote"]
    assert "12 held-out texts" in few["reasons"]["style"]  # type: ignore[index]


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
    voice = arms.exemplars(found, _examples())
    facts = [["a training fact"]] * 3
    asked = arms.asks(found, "Wren", voice, facts, ["lora", "wrong_author"], seeds=2, served_exemplars=2)
    assert list(asked) == ["base", "base_exemplars", "base_rag", "lora", "lora_rag", "wrong_author"]
    assert "a fact" not in json.dumps(asked["lora"].prompts) and asked["lora"].prompts == asked["base"].prompts
    told = asked["lora_rag"].prompts[0][-1]["content"]
    assert "<fact>a training fact</fact>" in told and "<example>" not in told
    assert asked["base_rag"].prompts[0][-1]["content"].count("<example>") == 2
    shown = asked["base_exemplars"].prompts[0][-1]["content"]
    assert shown.count("<example>") == 4 and not re.search(r"no (9|10|11)\.", shown)


def test_one_held_out_text_is_too_few() -> None:
    with pytest.raises(EvaluationError, match="at least 2"):
        arms.cases(_examples().query("document_id in ('d0', 'd9')"), "Wren", 10, 7)


def test_the_page_escapes_what_people_and_models_wrote_and_needs_no_network() -> None:
    evil = "<script>alert(1)</script>"
    cases = [Case(f"<b>d{i}</b>", "post", evil, text) for i, text in enumerate(_texts("own", 8, 2))]
    written = {
        "base": [[Written(t, True) for t in _texts("base", 8, 3)]],
        "base_exemplars": [[Written(t, False) for t in _texts("base", 8, 4)]],
        "lora": [[Written(evil + t, True) for t in _texts("own", 8, s)] for s in (5, 6)],
        "cheater": [[Written(train, True) for train in _texts("own", 30, 1)[:8]]],
    }
    train = _texts("own", 30, 1)
    heard = Heard(
        cases=cases, written=written, training_first=train, training_all=train,
        documents=[c.document_id for c in cases], bits={"base": [900.0 + i for i in range(8)], "lora": [800.0] * 8},
        sizes=[600] * 8,
    )  # fmt: skip
    results = measure(heard, name="Wren", pool=5, copy_tokens=5, draws=100, seed=7)
    checks = gate.decide(
        gate.Evidence(
            reference="base", gain=results.gains["base"], nearer=results.nearer, copied=results.excess,
            losses={"content": results.against["content"], "fluency": results.against["fluency"]},
            hands=results.authorship, texts=8,
        ),
        min_gain=0.02, max_copied=0.05, max_loss=0.02, max_regression=0,
    )  # fmt: skip
    page = render(results, heard, checks, name="<i>Wren</i>", pool=5, copy_tokens=5)
    assert evil not in page and "<b>d0" not in page and "<i>Wren" not in page
    assert "src=" not in page and "http" not in page.replace("https://", "http").split("<main>")[0]
    assert "insufficient" in page and "What this can" in page and page.count("<svg") == 3
    flat = results.flat()
    assert flat["bits_per_byte_gain"] > 0.1 and all(np.isfinite(v) for v in flat.values())
    assert flat["ended_share_base_exemplars"] == 0.0
    assert flat["style_gap_closure_cheater"] > 0.8 and flat["copy_share_cheater"] == 1.0, "style won, copying failed"
