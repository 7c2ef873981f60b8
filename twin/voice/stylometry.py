"""How a text is written, in numbers that no topic moves: lengths, punctuation, casing, layout, function words."""

from __future__ import annotations

import re
from statistics import mean, pstdev

FUNCTION_WORDS = (
    "the", "and", "to", "of", "a", "in", "that", "it", "is", "was", "i", "you", "for", "on", "with", "not", "but", "as",
    "this", "so",
)  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?:\s+|$)|\n+")
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf\U0001f1e6-\U0001f1ff]")
_BULLET = re.compile(r"^\s*(?:[-*•–]|\d+[.)])\s", re.M)
_ARROW = re.compile(r"→|->|⇒|=>|↳|➡|👉")
_MARKS = {
    "comma": ",", "period": ".", "semicolon": ";", "colon": ":", "exclamation": "!", "parenthesis": "(", "dash": "—–",
    "ellipsis": "…", "quote": "\"“”",
}  # fmt: skip


def features(text: str) -> dict[str, float]:
    """Masked stylometric measures of one text: rates per 100 words, lengths in words; all finite, 0 for no words."""
    words = [word.lower() for word in _WORD.findall(text)]
    many = max(len(words), 1)
    lines = text.split("\n")
    found = {**_lengths(text, lines), **_marks(text, many), **_layout(text, words, lines, many)}
    for word in FUNCTION_WORDS:
        found[f"word_{word}"] = 100.0 * words.count(word) / many
    return found


def _lengths(text: str, lines: list[str]) -> dict[str, float]:
    sentences = [n for part in _SENTENCE_END.split(text) if (n := len(_WORD.findall(part)))]
    paragraphs = [n for part in re.split(r"\n\s*\n", text) if (n := len(_WORD.findall(part)))]
    filled = [n for line in lines if (n := len(_WORD.findall(line)))]
    return {
        "sentence_words": mean(sentences or [0]),
        "sentence_words_spread": pstdev(sentences or [0]),
        "paragraph_words": mean(paragraphs or [0]),
        "line_words": mean(filled or [0]),
    }


def _marks(text: str, many: int) -> dict[str, float]:
    rates = {name: 100.0 * sum(text.count(sign) for sign in signs) / many for name, signs in _MARKS.items()}
    return {**rates, "question": 100.0 * text.count("?") / many}


def _layout(text: str, words: list[str], lines: list[str], many: int) -> dict[str, float]:
    letters = [sign for sign in text if sign.isalpha()]
    return {
        "word_letters": mean([len(word) for word in words] or [0]),
        "emoji": 100.0 * len(_EMOJI.findall(text)) / many,
        "bullet": 100.0 * len(_BULLET.findall(text)) / many,
        "arrow": 100.0 * len(_ARROW.findall(text)) / many,
        "digit": 100.0 * sum(sign.isdigit() for sign in text) / many,
        "uppercase_share": sum(sign.isupper() for sign in letters) / max(len(letters), 1),
        "blank_line_share": sum(not line.strip() for line in lines) / len(lines),
    }
