"""Chunks: exact spans, borders where the author drew them, ids that survive an edit elsewhere."""

from __future__ import annotations

import dataclasses
import itertools
import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.records import Document, content_hash
from twin.text.chunk import chunks

WORDS = [
    "tide",
    "pager",
    "kettle",
    "index",
    "harbour",
    "rope",
    "morning",
    "starter",
    "window",
    "log",
    "queue",
    "Dorrie",
]


def document(text: str) -> Document:
    return Document(
        id="files:a", author="hesk", source="files", register="article", title="T", text=text, url="https://x.example/a",
        published_at=datetime(2025, 1, 2, tzinfo=UTC), fetched_at=datetime(2025, 1, 3, tzinfo=UTC),
        sha256=content_hash(text),
    )  # fmt: skip


def article(paragraphs: int, seed: int = 3) -> list[str]:
    rng = random.Random(seed)
    sentence = lambda: " ".join(rng.choices(WORDS, k=rng.randint(4, 14))).capitalize() + "."  # noqa: E731
    return [" ".join(sentence() for _ in range(rng.randint(1, 5))) for _ in range(paragraphs)]


def test_a_short_post_is_one_chunk_with_its_line_breaks_and_emoji() -> None:
    text = "The kettle broke.\n\nAgain 😅\n→ tea later\n→ no tea"
    (only,) = chunks(document(text), 90, 15)
    assert (only.text, only.start, only.end) == (text, 0, len(text))
    assert only.url == "https://x.example/a"


def test_every_word_is_covered_and_every_span_is_exact() -> None:
    text = "\n\n".join(article(40))
    found = chunks(document(text), 90, 15)
    assert all(text[c.start : c.end] == c.text for c in found)
    assert [c.ordinal for c in found] == list(range(len(found)))
    covered = set().union(*(range(c.start, c.end) for c in found))
    assert all(text[i].isspace() for i in set(range(len(text))) - covered)
    assert max(len(c.text.split()) for c in found) <= 135 + 15


def test_a_chunk_begins_with_whole_sentences_of_the_one_before() -> None:
    text = " ".join(f"Sentence number {i} stands here alone." for i in range(60))
    first, second, *_ = chunks(document(text), 50, 15)
    assert second.text.startswith("Sentence number")
    assert first.start < second.start < first.end < second.end
    none = chunks(document(text), 50, 0)
    assert all(a.end <= b.start for a, b in itertools.pairwise(none))


def test_fenced_code_is_not_torn() -> None:
    code = "```sql\nSELECT *\n\n-- a blank line above. And a stop.\nFROM tides\n```"
    text = "\n\n".join([*article(6), code, *article(6, seed=4)])
    holders = [c.text for c in chunks(document(text), 60, 10) if "FROM tides" in c.text]
    assert holders and all(code in holder for holder in holders)


def test_a_fence_longer_than_a_chunk_is_cut_between_lines() -> None:
    lines = [f"row_{i} = tide({i}) + {i}" for i in range(100)]
    found = chunks(document("```python\n" + "\n".join(lines) + "\n```"), 50, 0)
    assert len(found) > 5
    assert all(line in lines or line.startswith("```") for c in found for line in c.text.split("\n"))


def test_an_unclosed_fence_and_one_endless_word_line_end_well() -> None:
    assert chunks(document("words\n\n```\nnever closed\n\nmore"), 50, 5)[0].text.endswith("more")
    assert len(chunks(document("word " * 500), 50, 5)) >= 10
    assert chunks(document(" \n "), 50, 5) == []


def test_an_edit_at_the_top_leaves_most_ids_as_they_were() -> None:
    before = article(60)
    after = ["A new opening paragraph that was not there before and says rather little. " * 3, *before]
    old = {c.id for c in chunks(document("\n\n".join(before)), 90, 15)}
    new = {c.id for c in chunks(document("\n\n".join(after)), 90, 15)}
    assert len(old & new) >= 0.7 * len(old)


def test_the_same_text_twice_gives_two_ids() -> None:
    paragraph = " ".join(WORDS * 6) + "."
    found = chunks(document("\n\n".join([paragraph] * 4)), 90, 0)
    assert len({c.id for c in found}) == len(found) > 1


@given(st.text(alphabet="ab .\n`#~!?é😀\t", max_size=400), st.integers(2, 12), st.integers(0, 1))
def test_any_text_is_covered_exactly(text: str, words: int, overlap: int) -> None:
    found = chunks(document(text), words, overlap)
    assert all(text[c.start : c.end] == c.text and c.text for c in found)
    covered = set().union(*(range(c.start, c.end) for c in found)) if found else set()
    assert all(text[i].isspace() for i in set(range(len(text))) - covered)
    assert len({c.id for c in found}) == len(found)
    assert dataclasses.replace(found[0]) == found[0] if found else True


def test_an_overlap_as_long_as_a_chunk_is_refused() -> None:
    with pytest.raises(ValueError, match="overlap_words"):
        chunks(document("a b"), 10, 10)
