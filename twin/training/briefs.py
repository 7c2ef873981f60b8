"""Neutral briefs for texts that exist: what each is about, with none of the author's own phrasing."""

from __future__ import annotations

import re

from twin.prompts import brief_from_keyphrases

_WORD = re.compile(r"\w+", re.UNICODE)
_CODE = re.compile(r"```.*?```|`[^`]*`|https?://\S+", re.DOTALL)
_SHARED_WORDS = 5


def shares_ngram(brief: str, text: str, words: int = _SHARED_WORDS) -> bool:
    """True when brief and text have a run of `words` words in common, whatever the case and punctuation."""
    return bool(_ngrams(brief, words) & _ngrams(text, words))


def brief_for(title: str, text: str, language: str = "en", keyphrases: int = 5) -> str:
    """A brief for one text: its title and keyphrases (YAKE, Campos et al. 2020), lower-cased.

    The title is left out when the text repeats five words of it in a row. Falls back on the text's rarest long words
    when YAKE finds nothing (very short texts).
    """
    parts = [] if not title or shares_ngram(title, text) else [title.strip()]
    found = _keyphrases(_CODE.sub(" ", text), language, keyphrases) or _long_words(text, keyphrases)
    brief = brief_from_keyphrases([*parts, *found])
    # Phrases joined by commas may by chance stand in the text in this very order: then the order gives way.
    return brief if not shares_ngram(brief, text) else brief_from_keyphrases([*parts, *sorted(found)])


def _keyphrases(text: str, language: str, count: int) -> list[str]:
    import yake

    extractor = yake.KeywordExtractor(lan=language or "en", n=2, dedupLim=0.6, top=count)
    return [phrase.lower() for phrase, _ in extractor.extract_keywords(text)]


def _long_words(text: str, count: int) -> list[str]:
    words = {w.lower() for w in _WORD.findall(text) if len(w) > 4}
    return sorted(words, key=lambda w: (-len(w), w))[:count]


def _ngrams(text: str, words: int) -> set[tuple[str, ...]]:
    tokens = [w.lower() for w in _WORD.findall(text)]
    return {tuple(tokens[i : i + words]) for i in range(len(tokens) - words + 1)}
