"""Content: points made, claims without support, and the outside judge that must not depend on the order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from twin.errors import EvaluationError
from twin.evaluation import canaries, content, judge
from twin.records import Message
from twin.writing.checks import unsupported
from twin.writing.sentences import content_words, sentences


def _encode(texts: Sequence[str]) -> np.ndarray:
    """Vectors that know nothing: only words count."""
    return np.eye(len(texts), dtype=np.float32)


TOOLS = content.Tools(sentences, content_words, lambda lines, sources: len(unsupported(lines, sources)), _encode)


def test_points_are_made_in_other_forms_of_the_words() -> None:
    texts = ["The ferries were late. I waited at the harbour.", "Nothing of it."]
    made = content.coverage(["ferry, waiting, harbour wall"] * 2, texts, TOOLS)
    assert made == [1.0, 0.0]


def test_numbers_names_and_first_person_claims_need_support() -> None:
    brief = "ferry, delay of 40 minutes, harbour"
    assert content.unsupported("The ferry has a delay of 40 minutes.", [brief], TOOLS) == 0
    assert content.unsupported("The ferry was 55 minutes late.", [brief], TOOLS) == 1
    assert content.unsupported("I worked at a lighthouse for years as a keeper.", [brief], TOOLS) == 1
    told = "Tove Bru worked at a lighthouse for years as keeper"
    assert content.unsupported("I worked at a lighthouse for years as a keeper.", [brief, told], TOOLS) == 0


def _answering(choose: str) -> judge.Ask:
    def ask(messages: Sequence[Message]) -> str:
        body = messages[-1]["content"]
        first, second = body.index("<first>"), body.index("<second>")
        twin = body.index("twin text")
        if choose == "twin":
            return "First." if first < twin < second else "second"
        return choose

    return ask


def test_a_judge_who_always_says_first_decides_nothing() -> None:
    pairs = {"own": ["mine"] * 8, "ours": ["twin text"] * 6, "theirs": ["base words"] * 6, "pairs": 5, "seed": 1}
    sure = judge.compare(_answering("twin"), **pairs)  # type: ignore[arg-type]
    assert sure.decided == 5 and sure.won.value == 1.0 and sure.won.low < 0.6
    biased = judge.compare(_answering("first"), **pairs)  # type: ignore[arg-type]
    assert biased.decided == 0 and biased.undecided == 5 and (biased.won.low, biased.won.high) == (0.0, 1.0)


def test_a_judge_of_the_same_family_is_refused() -> None:
    with pytest.raises(EvaluationError, match="own family"):
        judge.client("http://127.0.0.1:9", "HuggingFaceTB/SmolLM3-3B", "", "bundled")
    away = judge.client("http://127.0.0.1:9", "qwen3-8b", "", "bundled")
    with pytest.raises(EvaluationError, match="TWIN_JUDGE_URL"):
        away([{"role": "user", "content": "?"}])


def test_exposure_is_full_for_the_likeliest_secret_and_nothing_for_the_last() -> None:
    first, *rest = canaries.secrets(512, 3)
    assert len({first, *rest}) == 512
    planted = canaries.plant(["a", "b", "c"], first, 2, 1)
    assert sum(first in text for text in planted) == 2
    assert canaries.exposure(1.0, [2.0] * 511) == 9.0
    assert canaries.exposure(3.0, [2.0] * 511) == 0.0
