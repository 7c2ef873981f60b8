"""Splits, briefs and examples: nothing of the test leaks into training, nothing of the text into its brief."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import DataError
from twin.records import Document, content_hash
from twin.training.briefs import brief_for, shares_ngram
from twin.training.examples import Builder, Mix, cut
from twin.training.split import temporal_split

TEXT = (
    "04:12. The pager.\n\nThe nightly batch had eaten its own tail and nobody knew why the harbour lights went out.\n\n"
    "→ logs & luck\n→ one rusty crane\n\nI drove to the terminal in the rain and counted ferries until it was light. ⚓"
)


def document(number: int, text: str = TEXT, title: str = "", dated: bool = True) -> Document:
    return Document(
        id=f"files:{number}", author="a", source="files", register="post", title=title, text=text, url="",
        published_at=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=number) if dated else None,
        fetched_at=datetime(2025, 1, 1, tzinfo=UTC), sha256=content_hash(text), language="en",
    )  # fmt: skip


def test_the_future_is_held_out() -> None:
    splits = temporal_split([document(n) for n in reversed(range(20))], 0.7, 0.15)
    assert [splits[f"files:{n}"] for n in range(20)] == ["train"] * 14 + ["validation"] * 3 + ["test"] * 3


def test_undated_texts_never_pose_as_the_future() -> None:
    documents = [document(n) for n in range(9)] + [document(9, dated=False)]
    assert temporal_split(documents, 0.7, 0.15)["files:9"] == "train"


def test_every_split_gets_one_and_two_are_too_few() -> None:
    assert set(temporal_split([document(n) for n in range(3)], 0.9, 0.05).values()) == {"train", "validation", "test"}
    with pytest.raises(DataError, match="2"):
        temporal_split([document(0), document(1)], 0.7, 0.15)


def test_a_brief_is_neutral() -> None:
    title = "The nightly batch had eaten its own tail"
    brief = brief_for(title, TEXT)
    assert brief and not shares_ngram(brief, TEXT) and title not in brief


def test_a_brief_for_a_text_of_few_words() -> None:
    assert brief_for("", "Delete it. Go home.") is not None


def test_completions_are_the_authors_text_in_full() -> None:
    documents = [document(n, text=TEXT * (1 + 9 * (n % 2))) for n in range(6)]
    splits = temporal_split(documents, 0.5, 0.2)
    examples = builder(Mix()).build(documents, splits)
    for one in documents:
        parts = [e for e in examples if e.document_id == one.id]
        assert "".join(e.completion for e in parts) == one.text
        assert {e.split for e in parts} == {splits[one.id]}
        assert [e.ends for e in parts] == [False] * (len(parts) - 1) + [True]
    assert {e.kind for e in examples} == {"brief", "continuation"}


def test_each_way_of_asking_is_answered_by_the_author() -> None:
    documents = [document(n, text=TEXT * 2) for n in range(6)]
    splits = temporal_split(documents, 0.5, 0.2)
    examples = builder(Mix(facts=1, outline=1, rewrite=1, continuation=1)).build(documents, splits)
    for one in documents:
        found = {e.kind: e for e in examples if e.document_id == one.id}
        assert all(e.completion in one.text and one.text.endswith(e.completion) for e in found.values())
        if splits[one.id] != "train":
            # What is measured stays the same whatever the mix.
            assert set(found) == {"brief"}
            continue
        assert set(found) == {"brief", "facts", "outline", "rewrite", "continuation"}
        assert "a fact" in found["facts"].messages[-1]["content"]
        assert "\n- " in found["outline"].messages[-1]["content"]
        assert found["continuation"].completion != one.text
        for kind, example in found.items():
            assert "a short social post" in example.messages[0]["content"], kind


def test_shares_of_the_mix_are_drawn_text_by_text() -> None:
    documents = [document(n) for n in range(40)]
    splits = temporal_split(documents, 0.8, 0.1)
    mix = Mix(facts=0.5)
    found = [e.document_id for e in builder(mix).build(documents, splits) if e.kind == "facts"]
    assert 8 <= len(found) <= 24
    again = [e.document_id for e in builder(mix).build(documents[1:], splits) if e.kind == "facts"]
    assert again == [d for d in found if d != "files:0"]


def builder(mix: Mix) -> Builder:
    return Builder(name="A", max_tokens=256, mix=mix, facts_for=lambda d: ["a fact"], seed=1)


@given(st.text(min_size=1, max_size=2000), st.integers(min_value=20, max_value=200))
def test_cutting_loses_nothing(text: str, limit: int) -> None:
    pieces = cut(text, limit)
    assert "".join(pieces) == text and all(len(p) <= limit for p in pieces)
