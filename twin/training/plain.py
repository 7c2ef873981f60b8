"""A text with its voice taken out by rule: what a rewriting example starts from. Its content stays, its form goes."""

from __future__ import annotations

import re

_EMOJI = re.compile("[\U0001f000-\U0001faff\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\ufe0f\u200d]+")
_BULLET = re.compile(r"^\s*(?:[-*+•–—]|\d+[.)]|#{1,6}|>)\s+", re.MULTILINE)
_EMPHASIS = re.compile(r"(\*{1,3}|_{1,3})(?=\S)(.+?)(?<=\S)\1")
_CAPITALS = re.compile(r"\b[A-Z]{5,}\b")
_RULES = (
    (re.compile(r"\bcan't\b", re.I), "cannot"),
    (re.compile(r"\bwon't\b", re.I), "will not"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(r"'re\b"), " are"),
    (re.compile(r"'ve\b"), " have"),
    (re.compile(r"'ll\b"), " will"),
    (re.compile(r"\b(I)'m\b"), r"\1 am"),
    (re.compile(r"\b(it|that|there|what|here)'s\b", re.I), r"\1 is"),
    (re.compile(r"\s*(?:—|–| - |;)\s*"), ", "),
    (re.compile(r"\.\.\.+|…"), "."),
    (re.compile(r"[!?]*!+[!?]*"), "."),
    (re.compile(r"\s&\s"), " and "),
)


def plain(text: str) -> str:
    """One paragraph of plain sentences: no emoji, lists, emphasis, contractions, dashes, exclamations or shouting."""
    lines = [_EMOJI.sub("", line).strip() for line in _BULLET.sub("", text.replace("’", "'")).splitlines()]
    joined = " ".join(line if line[-1] in ".!?:,;…" else f"{line}." for line in lines if line)
    joined = _CAPITALS.sub(lambda m: m[0].capitalize(), _EMPHASIS.sub(r"\2", joined))
    for pattern, instead in _RULES:
        joined = pattern.sub(instead, joined)
    return re.sub(r"\s+([.,:;?])|\s{2,}", lambda m: m[1] or " ", joined).strip()
