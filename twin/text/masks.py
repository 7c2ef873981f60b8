"""Sentences that hold a mask (`[email]`) left out: what stands in place of a secret is nobody's way of writing."""

from __future__ import annotations

import re
from itertools import pairwise

from twin.text.clean import FENCED, words

KINDS = ("email", "phone", "iban", "credit_card", "ip", "secret")
"""What privacy masks; it stands here, for those who serve read masks and have no recogniser installed."""

# `[email](https://…)` is a link that the author named so.
_MASK = re.compile(rf"\[(?:{'|'.join(KINDS)})\](?!\()")
_MARK = "[secret]"
_GAP = re.compile(r"(\n[ \t]*\n\s*)")
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’)\]*_]*\s+")


def held(text: str) -> bool:
    """Whether a mask stands in the text."""
    return _MASK.search(text) is not None


def without(text: str) -> tuple[str, int]:
    """The text without its sentences that hold a mask, and how many words went; a text without masks as it is.

    A line that is one sentence (a bullet, a row of a table) goes as a line, a block of code as a block.
    """
    if not held(text):
        return text, 0
    plain = FENCED.sub(lambda fence: _MARK if held(fence[0]) else fence[0], text)
    kept: list[str] = []
    parts = _GAP.split(plain)
    for gap, paragraph in zip(["", *parts[1::2]], parts[::2], strict=True):
        left = _paragraph(paragraph)
        if left.strip():
            kept += [gap if kept else "", left]
    made = "".join(kept)
    return made, words(text) - words(made)


def _paragraph(text: str) -> str:
    if not held(text):
        return text
    lines = []
    for line in text.split("\n"):
        left = _line(line) if held(line) else line
        if left == line or any(map(str.isalpha, left)):
            lines.append(left)
    return "\n".join(lines)


def _line(line: str) -> str:
    """The line's sentences without a mask; what follows the last one goes with the space before it."""
    borders = [0, *(found.end() for found in _SENTENCE.finditer(line)), len(line)]
    sentences = [line[a:b] for a, b in pairwise(borders)]
    return "".join(sentence for sentence in sentences if not held(sentence)).rstrip()
