"""Drift: a planted change of style is seen, the author's own style is not, and too little says so."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from twin.monitoring import sections
from twin.monitoring.drift import compare, summary
from twin.monitoring.quality import measure

pytestmark = pytest.mark.slow


def text(rng: random.Random, glue: str = " ", end: str = ".") -> str:
    words = ["the", "tide", "and", "the", "pager", "of", "a", "kettle", "that", "was", "in", "it"]
    return glue.join(" ".join(rng.choices(words, k=rng.randint(4, 12))) + end for _ in range(rng.randint(3, 6)))


def style(texts: list[str]) -> pd.DataFrame:
    return sections.style(texts, ["post"] * len(texts))


@pytest.fixture
def reference() -> pd.DataFrame:
    rng = random.Random(1)
    return style([text(rng) for _ in range(80)])


def test_the_authors_own_style_is_no_drift_and_another_is_with_what_moved(
    reference: pd.DataFrame, tmp_path: Path
) -> None:
    rng = random.Random(2)
    same = sections.voice("training posts", reference, style([text(rng) for _ in range(60)]))
    (found,) = compare([same], tmp_path, min_rows=10, false_alarms=0.05)
    assert found.enough and not found.alarm and found.strength < 1 and found.p > 0.05
    assert not any(shift.moved for shift in found.columns.values())

    shouted = [text(rng) for _ in range(48)] + [text(rng, "\n\n→ ", "!!! 🚀").upper() for _ in range(12)]
    (found,) = compare(
        [sections.voice("training posts", reference, style(shouted))], tmp_path, min_rows=10, false_alarms=0.05
    )
    assert found.alarm and found.p < 0.05
    moved = {name for name, shift in found.columns.items() if shift.moved}
    assert {"exclamation", "emoji", "arrow", "uppercase_share", "style_distance"} <= moved
    emoji = found.columns["emoji"]
    assert emoji.reference == 0 and emoji.current > 1
    assert emoji.p > 0.05, "the plain Kolmogorov-Smirnov test of Evidently is blind to a fifth"

    page = (tmp_path / "voice.html").read_text(encoding="utf-8")
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=[\"']https?:", page), "the page needs no network"


def test_too_few_drafts_are_said_in_words(reference: pd.DataFrame, tmp_path: Path) -> None:
    few = sections.voice("training posts", reference, style(["One draft."]))
    none = sections.voice("training posts", reference.iloc[:2], style([]))
    found, other = compare([few, none], tmp_path, min_rows=10, false_alarms=0.05)
    assert (found.enough, found.alarm, found.reason) == (
        False,
        False,
        "1 were logged and 10 are needed to say anything.",
    )
    assert "There are 2 of training posts" in other.reason
    assert "There are 2" in (tmp_path / "voice.html").read_text(encoding="utf-8")


def test_requests_of_other_topics_lengths_and_registers_are_seen(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    basis = rng.normal(size=(60, 12)).astype(np.float32)
    asked = pd.DataFrame({"register": ["post"] * 60, "brief_words": rng.integers(5, 12, 60)})
    near, far = (rng.normal(size=(60, 12)).astype(np.float32) for _ in range(2))
    same = sections.requests(asked, asked.sample(frac=1, random_state=1), (near, near[::-1]), basis)
    (found,) = compare([same], tmp_path, min_rows=10, false_alarms=0.05)
    assert not found.alarm and "topic_1" in found.columns
    later = pd.DataFrame({"register": ["post"] * 30 + ["article"] * 30, "brief_words": rng.integers(40, 60, 60)})
    (found,) = compare(
        [sections.requests(asked, later, (near, far + 3), basis)], tmp_path, min_rows=10, false_alarms=0.05
    )
    moved = {name for name, shift in found.columns.items() if shift.moved}
    assert {"brief_words", "register_article", "topic_known"} <= moved


def log(texts: list[str], **scores: float) -> pd.DataFrame:
    measured = style(texts)
    count = len(texts)
    return pd.DataFrame(
        {
            "register": "post", "adapter": "hesk@1", "seconds": 2.0, "words": measured["words"],
            "measures": measured.drop(columns=["register", "words"]).to_dict("records"),
            "scores": [{"longest_copy": 0.0, "unsupported": 1.0, **scores}] * count,
            "chunks": [[{"id": "a", "for": "facts", "cosine": 0.6}]] * count, "citations": [[{"score": 0.5}]] * count,
        }
    )  # fmt: skip


def test_a_versions_answers_are_held_against_its_first(tmp_path: Path) -> None:
    rng = random.Random(5)
    early, late = log([text(rng) for _ in range(60)]), log([text(rng) for _ in range(40)], longest_copy=14.0)
    section = sections.answers(pd.concat([late, early], ignore_index=True), 40)
    assert section is not None and (len(section.current), len(section.reference)) == (40, 60)
    (found,) = compare([section], tmp_path, min_rows=10, false_alarms=0.05)
    assert [name for name, shift in found.columns.items() if shift.moved] == ["copied_words"] or found.columns[
        "copied_words"
    ].moved
    assert sections.answers(early.iloc[:1], 40) is None
    known = summary(pd.concat([early, late]))
    assert known["latency"] == {"p50": 2.0, "p95": 2.0} and known["adapters"] == {"hesk@1": 100}


def test_drafts_that_are_no_longer_accepted_are_seen(tmp_path: Path) -> None:
    kept = pd.DataFrame({"accepted": [0.0] * 40 + [1.0] * 40, "edited": [0.0] * 40 + [0.1] * 40})
    section = sections.verdicts(kept, 40)
    assert section is not None
    (found,) = compare([section], tmp_path, min_rows=10, false_alarms=0.05)
    assert found.alarm and found.columns["accepted"].moved
    assert sections.edited("one two three four", "one two three five") == pytest.approx(0.25)


def test_the_documents_quality_is_told(tmp_path: Path) -> None:
    when = pd.Timestamp("2025-03-01", tz="UTC")
    frame = pd.DataFrame(
        {
            "source": ["rss", "files"], "register": "post", "language": "en", "text": ["one two", "one two"],
            "title": ["A", ""], "url": ["", ""], "published_at": [when - pd.Timedelta(days=3), pd.NaT],
            "fetched_at": when, "sha256": ["x", "x"],
        }
    )  # fmt: skip
    found = measure(frame, 3, tmp_path / "quality.html")
    assert (found["documents"], found["rejected"], found["duplicates"]) == (2, 3, 1)
    assert (found["without_title"], found["without_date"], found["newest_days"]) == (0.5, 0.5, 3.0)
    assert (tmp_path / "quality.html").stat().st_size > 1000
