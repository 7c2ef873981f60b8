"""Drift: a planted change of style is seen, the author's own style is not, and too little says so."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pandas as pd
import pytest

from twin.monitoring.drift import compare, measures

pytestmark = pytest.mark.slow


def text(rng: random.Random, glue: str = " ", end: str = ".") -> str:
    words = ["the", "tide", "and", "the", "pager", "of", "a", "kettle", "that", "was", "in", "it"]
    return glue.join(" ".join(rng.choices(words, k=rng.randint(4, 12))) + end for _ in range(rng.randint(3, 6)))


def log(texts: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {"text": texts, "register": "post", "adapter": "hesk", "seconds": 2.0, "scores": [{"copy": 0.1}] * len(texts)}
    )


@pytest.fixture
def reference() -> pd.DataFrame:
    rng = random.Random(1)
    return measures(log([text(rng) for _ in range(80)]))


def test_the_authors_own_style_is_no_drift(reference: pd.DataFrame, tmp_path: Path) -> None:
    rng = random.Random(2)
    found = compare(
        log([text(rng) for _ in range(60)]), reference, tmp_path / "d.html", min_requests=10, drift_share=0.5
    )
    assert found.enough and not found.drifted
    assert found.share is not None and found.share < 0.2
    assert found.latency == {"p50": 2.0, "p95": 2.0} and found.scores == {"copy": pytest.approx(0.1)}


def test_another_style_is_drift_with_the_measures_that_moved(reference: pd.DataFrame, tmp_path: Path) -> None:
    rng = random.Random(3)
    drafts = log([text(rng, glue="\n\n→ ", end="!!! 🚀").upper() for _ in range(40)])
    found = compare(drafts, reference, tmp_path / "d.html", min_requests=10, drift_share=0.2)
    assert found.drifted
    moved = {name for name, shift in found.columns.items() if shift.drifted}
    assert {"exclamation", "emoji", "arrow", "uppercase_share"} <= moved
    assert found.columns["emoji"].author == 0 and (found.columns["emoji"].drafts or 0) > 1


def test_the_page_needs_no_network(reference: pd.DataFrame, tmp_path: Path) -> None:
    rng = random.Random(4)
    compare(log([text(rng) for _ in range(20)]), reference, tmp_path / "d.html", min_requests=10, drift_share=0.5)
    page = (tmp_path / "d.html").read_text(encoding="utf-8")
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=[\"']https?:", page)


def test_too_few_drafts_are_said_in_words(reference: pd.DataFrame, tmp_path: Path) -> None:
    found = compare(log(["One draft."]), reference, tmp_path / "d.html", min_requests=10, drift_share=0.5)
    assert (found.enough, found.drifted, found.share) == (False, False, None)
    assert "1 drafts were logged and 10 are needed" in (tmp_path / "d.html").read_text(encoding="utf-8")
    none = compare(log([]), reference.iloc[:2], tmp_path / "d.html", min_requests=10, drift_share=0.5)
    assert "2 posts of the author" in none.reason
