"""What makes a brief neutral: it shares no run of words with the text, covers its key points and is short."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

_WORD = re.compile(r"\w+", re.UNICODE)
SHARED_WORDS = 5
MAX_WORDS = 60
# A brief may be at most this share of a long text's words: longer ones retell it.
_MAX_SHARE = 0.5
_COVERED = 0.4

Fault = Literal["", "empty", "long", "shares words", "misses key points"]


def shares_ngram(brief: str, text: str, words: int = SHARED_WORDS) -> bool:
    """True when brief and text have a run of `words` words in common, whatever the case and punctuation."""
    return bool(_ngrams(brief, words) & _ngrams(text, words))


def coverage(brief: str, points: Sequence[str]) -> float:
    """The share of key points of which the brief names at least half of the words; 1.0 when there are none."""
    if not points:
        return 1.0
    known = {_stem(w) for w in _WORD.findall(brief.lower())}
    return sum(_named(point, known) for point in points) / len(points)


def fault(brief: str, text: str, points: Sequence[str]) -> Fault:
    """Why a written brief can't stand for the text; '' when it can.

    Short: at most 60 words and at most half of the text's (but 20 are always granted). Covers: 40 % of `points`.
    """
    count = len(_WORD.findall(brief))
    if not count:
        return "empty"
    if count > min(MAX_WORDS, max(20, int(len(_WORD.findall(text)) * _MAX_SHARE))):
        return "long"
    if shares_ngram(brief, text):
        return "shares words"
    return "misses key points" if coverage(brief, points) < _COVERED else ""


def _named(point: str, known: set[str]) -> bool:
    wanted = [_stem(w) for w in _WORD.findall(point.lower())]
    return sum(w in known for w in wanted) * 2 >= len(wanted)


def _stem(word: str) -> str:
    return word[:-1] if word.endswith("s") and len(word) > 3 else word


def _ngrams(text: str, words: int) -> set[tuple[str, ...]]:
    tokens = [w.lower() for w in _WORD.findall(text)]
    return {tuple(tokens[i : i + words]) for i in range(len(tokens) - words + 1)}
