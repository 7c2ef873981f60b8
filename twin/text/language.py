"""Which language a text is in, always the same answer for the same text."""

from __future__ import annotations

import re

from twin.text.clean import own_text

_SEEN = 400
_LETTERS = 24


def detect(text: str, fallback: str) -> str:
    """An ISO 639-1 code such as `en`; `fallback` where there are too few letters to tell (langdetect, seeded)."""
    from langdetect import DetectorFactory, detect_langs
    from langdetect.lang_detect_exception import LangDetectException

    sample = re.sub(r"https?://\S+|[#@]\w+|`[^`\n]*`", " ", own_text(text))[: 2 * _SEEN]
    sample = " ".join(sample.split())[:_SEEN]
    if sum(c.isalpha() for c in sample) < _LETTERS:
        return fallback
    DetectorFactory.seed = 0
    try:
        best = detect_langs(sample)[0]
    except LangDetectException:
        return fallback
    # In short texts a guess against the author's own language needs to be a sure one.
    if best.lang != fallback and len(sample) < 120 and best.prob < 0.95:
        return fallback
    return str(best.lang).split("-")[0]
