"""The same text twice is one; different texts stay."""

from __future__ import annotations

from twin.text.dedup import near_duplicates

LONG = " ".join(f"word{n}" for n in range(120))


def test_a_copy_with_small_changes_is_merged_into_the_first():
    texts = {
        "best": LONG,
        "copy": LONG.upper().replace("WORD7 ", "word7! "),
        "other": " ".join(f"else{n}" for n in range(120)),
    }
    assert near_duplicates(texts, 0.8) == {"copy": "best"}


def test_half_alike_is_not_alike():
    half = " ".join(f"word{n}" if n < 60 else f"new{n}" for n in range(120))
    assert near_duplicates({"a": LONG, "b": half}, 0.8) == {}


def test_texts_without_spaces():
    text = "今日は良い天気です。明日も晴れるでしょう。海はとても静かです。"
    assert near_duplicates(
        {"a": text, "b": text + "。", "c": "まったく別の文章です。何も似ていません。はい。"}, 0.8
    ) == {"b": "a"}


def test_empty_and_single():
    assert near_duplicates({}, 0.8) == {}
    assert near_duplicates({"a": "x"}, 0.8) == {}
