"""The last hand on a draft: what no author would leave in is taken out, and every removal is told. Nothing is added."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from twin.writing.sentences import pieces, words

_FRAME = re.compile(
    r"^\W*(?:sure|certainly|of course|absolutely)?[,!. ]*(?:here(?:'s| is| are)|below is)\b[^.\n]{0,60}\b"
    r"(?:post|article|note|draft|text|version|reply|readme)\b[^.\n]{0,40}:?\s*$|^\W*(?:as an ai|i am an ai|i'm an ai)\b",
    re.IGNORECASE,
)
_TAGS = re.compile(r"</?(?:fact|example)s?\b[^>\n]*>?")
_REPEAT_WORDS = 5
_LEAK_WORDS = 6


@dataclass(frozen=True, slots=True)
class Cut:
    """A sentence that was taken out and why: repeat, frame (talk about the text) or prompt (the twin's own orders)."""

    kind: str
    text: str

    def as_dict(self) -> dict[str, str]:
        """For a step's output."""
        return asdict(self)


def edited(text: str, orders: Sequence[str]) -> tuple[str, list[Cut]]:
    """The text without repeats, chat frames, the prompt's tags and six words in a row of `orders` (the system prompt).

    A draft of nothing else stays as it is: a person should see what went wrong.
    """
    told = {gram for order in orders for gram in _grams(order)}
    seen: set[tuple[str, ...]] = set()
    kept: list[str] = []
    cuts: list[Cut] = []
    for sentence, between in pieces(_TAGS.sub("", text)):
        said = tuple(words(sentence))
        kind = ""
        if _FRAME.search(sentence.strip()):
            kind = "frame"
        elif told & set(_grams(sentence)):
            kind = "prompt"
        elif len(said) >= _REPEAT_WORDS and said in seen:
            kind = "repeat"
        seen.add(said)
        if kind:
            cuts.append(Cut(kind, sentence.strip()))
            if "\n" in between and kept:
                kept[-1] = kept[-1].rstrip(" ") + between
        else:
            kept.append(sentence + between)
    result = "".join(kept).strip()
    return (result, cuts) if result else (text, [])


def _grams(text: str) -> list[tuple[str, ...]]:
    said = words(text)
    return [tuple(said[i : i + _LEAK_WORDS]) for i in range(len(said) - _LEAK_WORDS + 1)]
