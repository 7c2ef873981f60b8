"""Verifiers, other authors and the bootstrap: people told apart, the disguised caught, and the thin called thin."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from twin.errors import EvaluationError
from twin.evaluation import authorship, others
from twin.evaluation.grid import Grid, difference, mean, ratio
from twin.evaluation.others import Others

_NOUNS = ("sea", "map", "rope", "bell", "fog", "tide", "clock", "ferry", "lamp", "ledger", "crane", "kettle")


def _hand(seed: int, n: int, texts_seed: int) -> list[str]:
    """Texts of a made-up person: their habits from `seed`, their texts from `texts_seed`."""
    habit = random.Random(seed)
    opening = habit.choice(["so", "and yet", "the thing is that", "we think", "it was", "if only"])
    marks = habit.choice([".", "!", "…", "?"])
    joint = habit.choice([", but ", " and ", "; ", " because ", " – "])
    end = habit.choice(["\n\n", "\n", " "])
    rng = random.Random(texts_seed)

    def sentence() -> str:
        said = f"{opening} the {rng.choice(_NOUNS)} is there{joint}the {rng.choice(_NOUNS)} was not{marks}"
        return said.capitalize() if seed % 2 else said

    return [end.join(sentence() for _ in range(rng.randint(2, 5))) for _ in range(n)]


def _crowd(first: int, people: int) -> dict[str, tuple[str, ...]]:
    return {f"p{i}": tuple(_hand(i, 12, 500 + i)) for i in range(first, first + people)}


def test_verifiers_know_the_author_and_refuse_strangers_and_the_machine() -> None:
    own = _hand(1, 40, 1)
    machine = [f"In conclusion, the {n} is a very important part of life, and it can help you." for n in _NOUNS]
    arms = {"real": _hand(1, 20, 2), "twin": [*_hand(1, 20, 3), *_hand(1, 20, 4)], "base": machine[:10] * 2}
    found = authorship.verify(own, Others(_crowd(20, 6), _crowd(40, 6)), machine, arms, 20, 7)
    assert found.valid and found.strangers == 6
    for kind in authorship.KINDS:
        outcome = found.outcomes[kind, 10]
        assert outcome.auc.value > 0.9 and outcome.accepted["twin"].value > 0.7, kind
        assert outcome.accepted["base"].value < 0.2 and outcome.below["base"] > 0.9, kind
        assert outcome.accepted["base"].high > 0, "nothing accepted is not the same as never accepted"


def test_an_author_like_everybody_makes_the_verifier_invalid() -> None:
    same = {f"p{i}": tuple(_hand(3, 12, 100 + i)) for i in range(6)}
    arms = {"real": _hand(3, 20, 2), "base": _hand(3, 20, 4)}
    assert not authorship.verify(_hand(3, 40, 1), Others(same, dict(same)), [], arms, 20, 7).valid


def test_without_others_there_is_no_verifier() -> None:
    assert not authorship.verify(["a", "b"], Others({}, {}), [], {"real": ["a"]}, 1, 7).outcomes


def test_the_equal_error_threshold_lies_where_both_errors_are_alike() -> None:
    assert authorship.equal_error(np.array([3.0, 4.0]), np.array([0.0, 1.0])) == (2.0, 0.0)
    level, rate = authorship.equal_error(np.array([0.0, 2.0, 3.0, 4.0]), np.array([-1.0, -2.0, 1.0, -3.0]))
    assert 0 < level < 2 and rate == pytest.approx(0.25)


def test_shipped_authors_are_enough_and_fictional_and_no_text_stands_twice() -> None:
    found = others.shipped()
    assert all(len(texts) >= 10 for texts in found.values())
    flat = [text for texts in found.values() for text in texts]
    assert len(flat) == len(set(flat))
    assert all("fictional: true" in (others.FOLDER / f"{name}.md").read_text() for name in found)


def test_other_authors_are_cut_to_the_length_of_the_author_and_parted(tmp_path: Path) -> None:
    (tmp_path / "kim").mkdir()
    for i in range(6):
        (tmp_path / "kim" / f"{i}.md").write_text("One sentence is here. " * 40)
    more = others.read(tmp_path / "kim")
    assert list(more) == ["kim"] and len(more["kim"]) == 6
    found = others.gather(["Ten words are in this text of mine, I think."] * 20, [more], 7)
    assert not set(found.learn) & set(found.test) and "kim" in {*found.learn, *found.test}
    cut = {**found.learn, **found.test}["kim"]
    assert all(4 <= len(text.split()) <= 16 and text.endswith(".") for text in cut)
    assert "kim" not in (excluded := others.gather(["A text."], [more], 7, exclude="kim")).learn | dict(excluded.test)


def test_jsonl_may_name_its_authors_and_an_empty_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"text": "one"}\n{"text": "two", "author": "ada"}\n')
    assert others.read(tmp_path / "x.jsonl") == {"x": ["one"], "ada": ["two"]}
    (tmp_path / "none").mkdir()
    with pytest.raises(EvaluationError, match="without texts"):
        others.read(tmp_path / "none")


def test_intervals_are_paired_hierarchical_and_exact_for_nothing() -> None:
    rng = np.random.default_rng(1)
    hard = rng.uniform(0, 1, 30)
    ours = Grid.of({"x": [*(hard + 0.1), *(hard + 0.1)]}, 30)
    theirs = Grid.of({"x": list(hard)}, 30)
    gain = difference(ours, theirs, "x", "", 500, 1)
    assert gain.value == pytest.approx(0.1) and gain.low == pytest.approx(0.1) and gain.high == pytest.approx(0.1)
    none = mean(Grid.of({"x": [0.0] * 60}, 30), "x", 200, 1)
    assert none.low == 0 and none.high == pytest.approx(0.1157, abs=1e-4), "two seeds of a brief are not two briefs"
    assert np.isnan(mean(theirs, "unknown", 200, 1).value)
    many = Grid.of({"top": [1.0, 3.0], "bottom": [10.0, 10.0]}, 2)
    assert ratio(many, "top", "bottom", 200, 1).value == pytest.approx(0.2)
