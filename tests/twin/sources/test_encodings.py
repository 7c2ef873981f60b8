"""Files of every encoding people save come back as their letters, whole and as a stream; binary data is refused."""

from __future__ import annotations

import io

import pytest

from twin.errors import SourceError
from twin.sources.encodings import decode, decode_page, text_stream

GERMAN = "Grüße aus München: „Straßenfest“ – schön war’s, süß und größer als je zuvor."
POLISH = "Zażółć gęślą jaźń, a potem idź się pobawić; źdźbło trawy, łąka, świt."
RUSSIAN = "Сегодня на пристани было тихо, и мы долго смотрели, как уходит вода."
HEBREW = "שלום לכולם, היום ירד גשם על הנמל ואנחנו ישבנו וכתבנו מכתבים."
JAPANESE = "今日は港がとても静かで、私たちは長い間、潮が引いていくのを見ていました。"
CASES = [
    (GERMAN, "utf-8"), (GERMAN, "utf-8-sig"), (GERMAN, "utf-16"), (GERMAN, "utf-16-le"), (GERMAN, "utf-16-be"),
    (GERMAN, "cp1252"), (POLISH, "cp1250"), (RUSSIAN, "cp1251"), (RUSSIAN, "koi8_r"), (HEBREW, "cp1255"),
    (JAPANESE, "cp932"), (JAPANESE, "utf-8"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "encoding"), CASES)
def test_whole_and_as_a_stream(text, encoding):
    data = text.encode(encoding)
    assert decode(data, "a.txt").removeprefix("\ufeff") == text
    assert text_stream(io.BufferedReader(io.BytesIO(data), 2**20), "a.txt").read().removeprefix("\ufeff") == text


def test_stray_bytes_of_a_paste_spoil_no_utf_8():
    assert decode((GERMAN * 3).encode() + b" \x93x\x94", "a.txt") == GERMAN * 3 + " “x”"


def test_a_page_is_read_by_what_it_declares_unless_it_is_utf_8():
    page = '<html><meta charset="{}"><p>café 日</p>'
    assert "日" in decode_page(page.format("iso-8859-1").encode(), "a.html")
    assert "日" in decode_page(page.format("shift_jis").replace("é", "e").encode("shift_jis"), "a.html")
    assert "café" in decode_page(page.format("no-such").replace("日", "").encode("cp1252"), "a.html")


def test_a_long_stream_is_not_cut_within_a_letter():
    text = "a" * (2**20 - 1) + "é" * 10
    assert text_stream(io.BufferedReader(io.BytesIO(text.encode()), 2**20), "a.txt").read() == text


@pytest.mark.parametrize(
    "data",
    [bytes([0, 1, 2, 3]) * 200, bytes(range(32)) * 40, b"\x89PNG\r\n\x1a\n" + bytes(range(1, 9)) * 30, b"\xff\xfea"],
)
def test_binary_and_cut_data_is_named(data):
    with pytest.raises(SourceError, match=r"a\.txt"):
        decode(data, "a.txt")
