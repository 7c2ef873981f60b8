"""Sentences as the author broke them."""

from __future__ import annotations

import pytest

from twin.writing.sentences import content_words, sentences, whole


def test_lines_and_stops_end_a_sentence() -> None:
    text = "04:12. The pager.\n\n→ a baby\n→ 2 crew\n⚓\n“It landed.” Then… nothing"
    assert sentences(text) == ["04:12.", "The pager.", "→ a baby", "→ 2 crew", "“It landed.", "Then…", "nothing"]


def test_content_words_leave_function_words_out() -> None:
    assert content_words("The 3 of us can't swim, said Al") == {"3", "can't", "swim", "said", "al"}


@pytest.mark.parametrize(
    ("cut", "kept"),
    [
        ("One. Two. Thr", "One. Two."),
        ("A line\nanother line\nand a ha", "A line\nanother line"),
        ("never ends and so", "never ends and so"),
        (
            "Oh. But then a very long sentence without any end to it",
            "Oh. But then a very long sentence without any end to it",
        ),
        ("All of it.", "All of it."),
    ],
)
def test_a_cut_text_ends_with_a_whole_sentence(cut: str, kept: str) -> None:
    assert whole(cut) == kept
