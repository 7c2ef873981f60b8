"""The key points of a text: keyphrases (YAKE), names and figures, in the order in which the text comes to them."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"\w+", re.UNICODE)
_CODE = re.compile(r"```.*?```|https?://\S+", re.DOTALL)
_TERM = re.compile(r"`([^`\n]{2,40})`")
_FIGURE = re.compile(
    r"[$€£]?\d+(?:[.,:]\d+)*(?:\s?(?:%|percent\b|thousand\b|million\b|billion\b|[kMG]B\b|ms\b|years?\b|days?\b|hours?\b))?"
)
# A name: a capitalised word inside a sentence, with the capitalised ones that follow it.
_NAME = re.compile(r"(?<=[a-z,;:] )[A-Z][\w.'-]*\w(?: [A-Z][\w.'-]*\w)*")
_WORDS_A_POINT = 16


def wanted(text: str, least: int = 5, most: int = 14) -> int:
    """How many points a text of this length has: one for about every sixteen words."""
    return max(least, min(most, round(len(text.split()) / _WORDS_A_POINT)))


def key_points(text: str, language: str = "en", count: int | None = None) -> list[str]:
    """At most `count` points (by the text's length when None): about half keyphrases, then names and figures.

    Keyphrases are of one or two words (Campos et al. 2020). Words are lower-cased unless they are names: how a sentence
    begins is the author's. Falls back on the rarest long words when YAKE finds nothing (very short texts).
    """
    count = wanted(text) if count is None else count
    plain = _CODE.sub(" ", text)
    terms = _TERM.findall(plain)
    plain = plain.replace("`", "")
    phrases = [_uncased(p, plain) for p in _yake(plain, language, 2 * count)] or long_words(text, count)
    names = list(dict.fromkeys([*terms, *_NAME.findall(plain)]))
    figures = list(dict.fromkeys(f.strip() for f in _FIGURE.findall(plain)))
    figures = figures[: max(1, count // 6)]
    half = count - min(count // 2, len(names) + len(figures))
    # Names that the phrases hold already must not use up the names' places.
    named = _distinct([*phrases[:half], *names])[len(_distinct(phrases[:half])) :][: 1 + count // 4]
    chosen = _distinct([*phrases[: count - len(named) - len(figures)], *named, *figures, *phrases])
    return sorted(chosen[:count], key=lambda point: _first(point, plain))


def long_words(text: str, count: int) -> list[str]:
    """The longest words, for texts that give nothing better."""
    words = {w.lower() for w in _WORD.findall(text) if len(w) > 4}
    return sorted(words, key=lambda w: (-len(w), w))[:count]


def _yake(text: str, language: str, count: int) -> list[str]:
    import yake

    extractor = yake.KeywordExtractor(lan=language or "en", n=2, dedupLim=0.6, top=count)
    return [phrase for phrase, _ in extractor.extract_keywords(text)]


def _uncased(phrase: str, text: str) -> str:
    return " ".join(w if _is_name(w, text) else w.lower() for w in phrase.split())


def _is_name(word: str, text: str) -> bool:
    if word[1:] != word[1:].lower():
        return True
    return word[:1].isupper() and re.search(rf"(?<=[a-z,;] ){re.escape(word)}\b", text) is not None


def _distinct(points: Iterable[str]) -> list[str]:
    """Points of which no word-for-word part was named before, and that hold none named before whole."""
    kept: list[str] = []
    for point in points:
        words = set(_WORD.findall(point.lower()))
        if words and not any(words <= have or have <= words for have in (set(_WORD.findall(k.lower())) for k in kept)):
            kept.append(point)
    return kept


def _first(point: str, text: str) -> int:
    at = text.lower().find(point.lower())
    return at if at >= 0 else len(text)
