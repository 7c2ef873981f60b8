"""Flags for what came from nowhere and for what was copied."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from twin.records import Chunk
from twin.writing.checks import copies, unsupported

FACTS = ["We count 1,200 heads a day on the Dunlin.", "Aldous rang at 04:12."]


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("We counted 1200 heads.", []),
        ("It was 1,300 in the end.", ["1,300"]),
        ("At 04:12 it rang.", []),
        ("At 05:30, 99 % of them slept.", ["05:30", "99"]),
        ("Then Aldous called the Dunlin.", []),
        ("Then ALDOUS called.", []),
        ("I asked Mrs Fairlie.", ["Mrs Fairlie"]),
        ("Mrs Fairlie said no.", ["Fairlie"]),
        ("Nobody knew what I'd seen.", []),
        ("So I'm off to Norway, I think.", ["Norway"]),
    ],
)
def test_numbers_and_names_need_a_source(sentence: str, told: list[str]) -> None:
    assert [flag.text for flag in unsupported([sentence], FACTS)] == told


def test_a_doubt_is_said_once_and_with_its_sentence() -> None:
    flags = unsupported(["We met in Oslo.", "I left Oslo, 3 of us did.", "3 again."], FACTS)
    assert [(f.kind, f.sentence, f.text) for f in flags] == [("name", 0, "Oslo"), ("number", 1, "3")]


OLD = "I stood behind the glass and listened to him for an hour, because I was writing a date on a plan."


def test_twelve_words_in_a_row_are_a_copy_with_its_source(make_chunk: Callable[..., Chunk]) -> None:
    draft = ["It was foggy.", "I stood behind the glass", "and listened to him, for an HOUR because I left."]
    (flag,) = copies(draft, [make_chunk("fog", OLD)])
    assert (flag.kind, flag.sentence, flag.source) == ("copy", 1, "https://x.example/fog")
    assert flag.text == "i stood behind the glass and listened to him for an hour because i"


def test_eleven_words_are_none(make_chunk: Callable[..., Chunk]) -> None:
    assert copies(["I stood behind the glass and listened to him for an!"], [make_chunk("fog", OLD)]) == []


def test_one_passage_in_two_chunks_is_flagged_once(make_chunk: Callable[..., Chunk]) -> None:
    chunks = [make_chunk("short", OLD[:70]), make_chunk("long", OLD)]
    (flag,) = copies([OLD], chunks)
    assert flag.source == "https://x.example/long"
