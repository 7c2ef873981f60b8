"""Countable traits of a text as (numerator, denominator) pairs, so that a pool's rate is a sum over a sum.

Masked traits (function words, punctuation, layout, casing, lengths, digits, emoji, openings and closings) carry no
topic; character n-grams do, and are kept apart from them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.voice.function_words import CLASSES, WORDS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

GROUPS = ("function", "punctuation", "layout", "casing", "length", "shape", "sign")
NGRAM = 4

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_FENCE = re.compile(r"^```.*?(?:^```\s*$|\Z)", re.M | re.S)
_LINK = re.compile(r"https?://\S+")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|\n+")
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf\U0001f1e6-\U0001f1ff]")
_BULLET = re.compile(r"^\s*[-*•–]\s")
_NUMBERED = re.compile(r"^\s*\d+[.)]\s")
_ARROW = re.compile(r"→|->|⇒|=>|↳|➡|👉")
_MARKS = {
    "comma": ",", "period": ".", "semicolon": ";", "colon": ":", "exclamation": "!", "question": "?",
    "parenthesis": "(", "em_dash": "—", "en_dash": "–", "hyphen": "-", "ellipsis": "…", "dots": "...",
    "straight_quote": '"', "curly_quote": "“”", "straight_apostrophe": "'", "curly_apostrophe": "’", "slash": "/",
    "ampersand": "&", "asterisk": "*", "backtick": "`", "hash": "#", "at": "@", "percent": "%", "dollar": "$",
    "plus": "+", "equals": "=",
}  # fmt: skip

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Measures:
    """`numerators` and `denominators` are [texts, traits]; `names` are "<group>_<trait>"."""

    names: tuple[str, ...]
    numerators: Floats
    denominators: Floats

    def rates(self, pools: NDArray[np.intp]) -> Floats:
        """Rates [pools, traits] of pools given as row numbers [pools, k]; 0 where nothing could be counted."""
        import numpy as np

        top, bottom = self.numerators[pools].sum(1), self.denominators[pools].sum(1)
        return np.asarray(np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0))


def masked(texts: Sequence[str]) -> Measures:
    """The topic-free traits of each text."""
    return _stack([_masked(text) for text in texts])


def vocabulary(texts: Sequence[str], size: int = 400) -> tuple[str, ...]:
    """The character n-grams (case kept, line ends as spaces) that most of `texts` share, most common first."""
    found: Counter[str] = Counter()
    for text in texts:
        found.update(set(_ngrams(text)))
    return tuple(gram for gram, _ in sorted(found.items(), key=lambda item: (-item[1], item[0]))[:size])


def ngrams(texts: Sequence[str], grams: Sequence[str]) -> Measures:
    """How often each of `grams` stands in each text, per n-gram: unmasked, so topic leaks in."""
    rows = []
    for text in texts:
        counts = Counter(_ngrams(text))
        total = float(sum(counts.values()))
        rows.append({f"ngram_{gram}": (float(counts[gram]), total) for gram in grams})
    return _stack(rows)


def _ngrams(text: str) -> list[str]:
    flat = " ".join(text.split())
    return [flat[i : i + NGRAM] for i in range(len(flat) - NGRAM + 1)]


def _stack(rows: Sequence[dict[str, Pair]]) -> Measures:
    import numpy as np

    names = tuple(rows[0]) if rows else ()
    table = np.array([[row[name] for name in names] for row in rows], dtype=np.float64).reshape(len(rows), -1, 2)
    return Measures(names, table[..., 0], table[..., 1])


def _masked(text: str) -> dict[str, Pair]:
    # Code is nobody's prose: it counts as layout and is then left out.
    prose = _LINK.sub(" ", _FENCE.sub("\n", text))
    words = _WORD.findall(prose)
    sentences = [found for part in _SENTENCE_END.split(prose) if (found := _WORD.findall(part))]
    traits = {
        **_function(words), **_punctuation(prose), **_layout(text, prose, words, sentences),
        **_casing(words, sentences), **_length(words, sentences), **_shape(text, sentences), **_signs(text, words),
    }  # fmt: skip
    return {name: (float(top), float(bottom)) for name, (top, bottom) in traits.items()}


def _function(words: list[str]) -> dict[str, Pair]:
    counts = Counter(word.lower().replace("’", "'") for word in words)
    many = len(words)
    found: dict[str, Pair] = {f"function_{word}": (counts[word], many) for word in WORDS}
    for name, members in CLASSES.items():
        found[f"function_class:{name}"] = (sum(counts[word] for word in members), many)
    contracted = sum(n for word, n in counts.items() if re.search(r"'(?:t|s|re|ve|ll|d|m)$", word))
    return {**found, "function_class:contraction": (contracted, many)}


def _punctuation(prose: str) -> dict[str, Pair]:
    size = len(prose)
    return {
        f"punctuation_{name}": (sum(prose.count(sign) for sign in _signs_of(marks)), size)
        for name, marks in _MARKS.items()
    }


def _signs_of(marks: str) -> tuple[str, ...]:
    return (marks,) if marks == "..." else tuple(marks)


def _layout(text: str, prose: str, words: list[str], sentences: list[list[str]]) -> dict[str, Pair]:
    lines = text.strip("\n").split("\n")
    many, count = len(words), len(lines)
    paragraphs = [part for part in re.split(r"\n\s*\n", prose) if part.strip()]
    single = sum(len([s for s in _SENTENCE_END.split(part) if s.strip()]) == 1 for part in paragraphs)
    fenced = sum(block.count("\n") for block in _FENCE.findall(text))
    return {
        "layout_paragraph_words": (many, len(paragraphs)),
        "layout_paragraph_sentences": (len(sentences), len(paragraphs)),
        "layout_single_sentence_paragraphs": (single, len(paragraphs)),
        "layout_lines_in_paragraph": (sum(p.strip().count("\n") + 1 for p in paragraphs), len(paragraphs)),
        "layout_blank_lines": (sum(not line.strip() for line in lines), count),
        "layout_bullets": (sum(bool(_BULLET.match(line)) for line in lines), count),
        "layout_numbered": (sum(bool(_NUMBERED.match(line)) for line in lines), count),
        "layout_headings": (sum(line.startswith("#") for line in lines), count),
        "layout_quoted": (sum(line.startswith(">") for line in lines), count),
        "layout_code": (fenced, count),
        "layout_arrows": (len(_ARROW.findall(prose)), many),
        "layout_links": (len(_LINK.findall(text)), many),
        "layout_bold": (text.count("**") // 2, many),
    }


def _casing(words: list[str], sentences: list[list[str]]) -> dict[str, Pair]:
    inner = [word for sentence in sentences for word in sentence[1:]]
    return {
        "casing_capitals": (sum(len(w) > 1 and w.isupper() for w in words), len(words)),
        "casing_inner_title": (sum(w[0].isupper() and not w.isupper() for w in inner), len(inner)),
        "casing_lower_sentences": (sum(s[0][0].islower() for s in sentences), len(sentences)),
        "casing_lower_i": (words.count("i"), words.count("i") + words.count("I")),
    }


def _length(words: list[str], sentences: list[list[str]]) -> dict[str, Pair]:
    many, count = len(words), len(sentences)
    return {
        "length_text": (many, 1),
        "length_sentence": (many, count),
        "length_short_sentences": (sum(len(s) <= 5 for s in sentences), count),
        "length_long_sentences": (sum(len(s) >= 25 for s in sentences), count),
        "length_word": (sum(map(len, words)), many),
        "length_long_words": (sum(len(w) >= 8 for w in words), many),
    }


def _shape(text: str, sentences: list[list[str]]) -> dict[str, Pair]:
    bare = text.strip()
    first, last = (sentences[0], sentences[-1]) if sentences else ([], [])
    opening = re.split(r"(?<=[.!?…])\s|\n", bare, maxsplit=1)[0]
    return {
        "shape_first_sentence": (len(first), 1),
        "shape_last_sentence": (len(last), 1),
        "shape_opens_question": (opening.endswith("?"), 1),
        "shape_opens_exclaiming": (opening.endswith("!"), 1),
        "shape_opens_i": (bool(first) and first[0].lower().split("'")[0].split("’")[0] == "i", 1),
        "shape_opens_lower": (bare[:1].islower(), 1),
        "shape_opens_heading": (bare.startswith("#"), 1),
        "shape_closes_question": (bare.endswith("?"), 1),
        "shape_closes_exclaiming": (bare.endswith("!"), 1),
        "shape_closes_bare": (bare[-1:].isalnum(), 1),
    }


def _signs(text: str, words: list[str]) -> dict[str, Pair]:
    many = len(words)
    return {
        "sign_emoji": (len(_EMOJI.findall(text)), many),
        "sign_texts_with_emoji": (bool(_EMOJI.search(text)), 1),
        "sign_digits": (sum(sign.isdigit() for sign in text), len(text)),
        "sign_hashtags": (len(re.findall(r"(?<!\S)#\w+", text)), many),
    }
