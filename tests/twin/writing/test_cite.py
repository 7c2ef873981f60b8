"""A citation where meaning and words agree, none otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twin.records import Chunk
from twin.writing.cite import cite


def test_each_sentence_has_the_best_source_or_none(make_chunk: Callable[..., Chunk], encode: Any) -> None:
    chunks = [
        make_chunk("clicker", "Monday. The deckhand counts us with a steel clicker. It says 83."),
        make_chunk("pager", "The pager rang at night. The tide table had run twice."),
    ]
    draft = ["A deckhand counts us with her steel clicker.", "I like soup.", "The tide table had run twice again."]
    found = cite(draft, chunks, encode)
    assert [(c.sentence, c.document_id) for c in found] == [(0, "files:clicker"), (2, "files:pager")]
    assert found[0].quote == "The deckhand counts us with a steel clicker."
    assert found[0].url == "https://x.example/clicker"
    assert 0.5 < found[0].score <= 1


def test_nothing_to_cite_is_no_error(make_chunk: Callable[..., Chunk], encode: Any) -> None:
    assert cite([], [make_chunk("a", "Text here.")], encode) == []
    assert cite(["A sentence."], [], encode) == []
