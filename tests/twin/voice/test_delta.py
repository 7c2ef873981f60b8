"""Pools of texts against an author: near to themselves, far from another hand, blind to the topic."""

from __future__ import annotations

import random

import numpy as np
import pytest

from twin.voice.delta import distance, draw, profile
from twin.voice.exemplars import diverse
from twin.voice.measures import masked

_TOPICS = ("harbours", "kettles", "bridges", "queues", "gardens", "trains", "letters", "storms", "maps", "clocks")


def _terse(n: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    shapes = (
        "no {a} today.\n\nwe waited. → nothing came.\n\n{b} again!",
        "{a}: what a day 🌊\n\n- one\n- two of the {b}\n\nwho knows?",
        "look. the {a} broke!\n\n→ we fixed it\n→ the {b} did not",
    )
    return [rng.choice(shapes).format(a=rng.choice(_TOPICS), b=rng.choice(_TOPICS)) for _ in range(n)]


def _ornate(n: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    shapes = (
        "It would seem, upon some reflection, that the matter of {a} is rather more intricate than one might have"
        " supposed; indeed, whoever considers the {b} must concede that it was ever thus.",
        "In my experience, which is by no means inconsiderable, {a} have always been regarded as the proper concern of"
        " those who, having mastered the {b}, find themselves with an afternoon to spare.",
    )
    return [rng.choice(shapes).format(a=rng.choice(_TOPICS), b=rng.choice(_TOPICS)) for _ in range(n)]


def test_an_author_is_nearer_to_themselves_than_another_is() -> None:
    own = profile(_terse(60, 1))
    assert distance(_terse(5, 2), own) < 1.5 < distance(_ornate(5, 2), own)


def test_the_energy_distance_tells_hands_apart_and_vanishes_for_one_hand() -> None:
    own = profile(_terse(80, 1))
    pools = draw(30, 5, 40, np.random.default_rng(3))
    same = own.energy(own.measure(_terse(30, 5)), pools)
    other = own.energy(own.measure(_ornate(30, 5)), pools)
    assert abs(same["all"]) < 0.15 and other["all"] > 1.0
    assert {"function", "punctuation", "layout", "casing"} <= set(other)


def test_a_stranger_who_varies_little_does_not_pass_for_the_author() -> None:
    """The trap of mean |z|: texts all alike lie near the mean of an author who varies much."""
    varied = _terse(40, 1) + _ornate(40, 1)
    random.Random(0).shuffle(varied)
    own = profile(varied)
    pools = draw(20, 5, 40, np.random.default_rng(3))
    fresh = _terse(10, 9) + _ornate(10, 9)
    constant = ["It would seem that we waited. Nothing came, and the kettle was, in my experience, there!"] * 20
    assert own.energy(own.measure(fresh), pools)["all"] < own.energy(own.measure(constant), pools)["all"]


def test_masked_traits_do_not_see_the_topic_and_ngrams_do() -> None:
    left, right = "The kettle sang in the harbour.", "The garden hung in the mailbag."
    a, b = masked([left]), masked([right])
    assert np.array_equal(a.numerators, b.numerators)
    own = profile([left] * 6, pool=3, unmasked=True)
    assert distance([right] * 3, own) > distance([left] * 3, own)


@pytest.mark.parametrize(
    ("trait", "with_it", "without"),
    [
        ("sign_emoji", "so good 🎉 really", "so good really"),
        ("layout_bullets", "- one\n- two", "one\ntwo"),
        ("layout_arrows", "this → that", "this and that"),
        ("casing_lower_sentences", "lower here. and here.", "Upper here. And here."),
        ("punctuation_em_dash", "now — or never", "now, or never"),
        ("punctuation_curly_apostrophe", "it’s", "it's"),
        ("shape_closes_question", "who knows?", "nobody knows."),
        ("layout_code", "see\n```\nx = 1\n```\n", "see x = 1"),
        ("casing_lower_i", "and i said", "and I said"),
        ("sign_digits", "in 1999", "in spring"),
    ],
)
def test_each_trait_is_seen(trait: str, with_it: str, without: str) -> None:
    found = masked([with_it, without])
    column = found.names.index(trait)
    assert found.numerators[0, column] > found.numerators[1, column]


@pytest.mark.parametrize("text", ["", "\n\n", "🎉", "```\nonly code", "١٢٣ 日本語のテキスト", "\ud800"])
def test_odd_texts_give_finite_rates(text: str) -> None:
    own = profile(_terse(10, 1), pool=2)
    assert np.isfinite(distance([text, text], own))


def test_code_is_not_counted_as_prose() -> None:
    found = masked(["```python\nand and and the the the\n```\n"])
    assert found.numerators[0, found.names.index("function_the")] == 0


def test_exemplars_differ_from_one_another_and_fit_a_prompt() -> None:
    texts = _terse(20, 1) + _ornate(3, 1) + ["word " * 500]
    chosen = diverse(texts, 4, max_words=100)
    assert len(set(chosen)) == 4 and 23 not in chosen
    assert any(i >= 20 for i in chosen) and any(i < 20 for i in chosen)
    assert diverse([], 3) == [] and diverse(["one"], 3) == [0]


def test_without_texts_there_is_no_profile() -> None:
    with pytest.raises(ValueError, match="at least one"):
        profile([])
