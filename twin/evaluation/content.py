"""Content: which of a brief's points a text makes, and what it claims that nothing it was given supports."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Encode = Callable[[Sequence[str]], NDArray[np.float32]]

_PART = re.compile(r"[,;.\n]+")
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_FIRST_PERSON = re.compile(r"\b(?:I|I['’](?:m|ve|d|ll)|my|we|we['’](?:ve|re|d|ll)|our|me|us)\b", re.I)
_COVERED_WORDS = 0.5
_COVERED_COSINE = 0.55
_SUPPORTED = 1 / 3
_FEWEST_WORDS = 3


@dataclass(frozen=True, slots=True)
class Tools:
    """What other parts of the twin lend: sentences, content words, unsupported numbers and names (how many), vectors."""

    sentences: Callable[[str], Sequence[str]]
    content_words: Callable[[str], set[str]]
    unsupported: Callable[[Sequence[str], Sequence[str]], int]
    encode: Encode


def points(brief: str) -> list[str]:
    """The brief's points: its phrases between commas and stops."""
    return [part.strip() for part in _PART.split(brief) if _WORD.search(part)]


def coverage(briefs: Sequence[str], texts: Sequence[str], tools: Tools) -> list[float]:
    """Share of each brief's points that its text makes: half of a point's words, stemmed, or a sentence of its meaning."""
    wanted = [points(brief) for brief in briefs]
    said = [list(tools.sentences(text)) for text in texts]
    flat = list(dict.fromkeys([p for found in wanted for p in found] + [s for found in said for s in found]))
    vectors = tools.encode(flat)
    place = {text: i for i, text in enumerate(flat)}
    found = []
    for parts, lines, text in zip(wanted, said, texts, strict=True):
        stems = _stems(text)
        near = _nearest(vectors, [place[p] for p in parts], [place[s] for s in lines])
        hits = [_made(part, stems, cosine) for part, cosine in zip(parts, near, strict=True)]
        found.append(sum(hits) / len(hits) if hits else 1.0)
    return found


def first_words(text: str, count: int) -> str:
    """The text up to its `count`-th word, line ends kept."""
    ends = [match.end() for match in re.finditer(r"\S+", text)]
    return text[: ends[count - 1]] if len(ends) > count else text


def _made(part: str, stems: frozenset[str], cosine: float) -> bool:
    own = _stems(part)
    return len(own & stems) >= _COVERED_WORDS * max(1, len(own)) or cosine >= _COVERED_COSINE


def _nearest(vectors: Any, parts: list[int], lines: list[int]) -> list[float]:
    if not lines or not parts:
        return [0.0] * len(parts)
    return [float(x) for x in (vectors[parts] @ vectors[lines].T).max(1)]


def unsupported(text: str, sources: Sequence[str], tools: Tools) -> int:
    """How many numbers, names and first-person claims of the text nothing in `sources` (brief, facts) supports."""
    lines = list(tools.sentences(text))
    return tools.unsupported(lines, sources) + claims(lines, sources, tools)


def claims(lines: Sequence[str], sources: Sequence[str], tools: Tools) -> int:
    """First-person sentences that say something (three content words) of which the sources hold less than a third."""
    known = tools.content_words("\n".join(sources))
    count = 0
    for line in lines:
        words = tools.content_words(line)
        if _FIRST_PERSON.search(line) and len(words) >= _FEWEST_WORDS:
            count += len(words & known) < _SUPPORTED * len(words)
    return count


@cache
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")


def _stems(text: str) -> frozenset[str]:
    return frozenset(_stemmer().stemWords([word.lower() for word in _WORD.findall(text) if len(word) > 2]))
