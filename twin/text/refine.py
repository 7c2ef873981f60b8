"""One document made ready: footers off, others' words marked, encodings mended, personal data masked, language told."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace

from twin.records import Document, content_hash
from twin.text import clean, footers, language, privacy, quotes
from twin.text.quotes import Treatment

_EMPTY_LINES = re.compile(r"\A\ufeff?(?:[ \t]*\n)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is done to each text; the fields are those of params.yaml's `prepare`."""

    min_words: int
    quotes: Treatment
    code: Treatment
    own_share: float
    languages: tuple[str, ...]
    mask: tuple[str, ...]
    own_contacts: tuple[str, ...]
    language: str


@dataclass(slots=True)
class Counts:
    """What was done to texts, in numbers; `footers` maps a footer as it first stood to how often it was taken off."""

    footers: Counter[str] = field(default_factory=Counter)
    masked: Counter[str] = field(default_factory=Counter)
    masked_in: Counter[str] = field(default_factory=Counter)
    quoted_words: int = 0
    code_words: int = 0
    mojibake_lines: int = 0

    def add(self, other: Counts) -> None:
        """Add the counts of other texts; of footers that differ in their links alone one spelling is kept."""
        self.masked.update(other.masked)
        self.masked_in.update(other.masked_in)
        spellings = {footers.key(text): text for text in self.footers}
        for text, number in other.footers.items():
            self.footers[spellings.get(footers.key(text), text)] += number
        self.quoted_words += other.quoted_words
        self.code_words += other.code_words
        self.mojibake_lines += other.mojibake_lines


def refine(
    document: Document, keys: frozenset[int], policy: Policy, counts: Counts
) -> tuple[Document, int, str]:  # fmt: skip
    """The document made ready, its own words, and why it is set aside ("" when it is not).

    `keys` are the footers of its source. What is set aside is given back with its text as it was.
    """
    text, taken = footers.without(document.text, keys)
    apart = quotes.separate(
        text, policy.quotes, policy.code, quotes.is_markdown(document.source, document.register)
    )  # fmt: skip
    if reason := _too_little(apart, policy):
        return document, apart.own, reason
    tongue = document.language or language.detect(text, policy.language)
    if policy.languages and tongue not in policy.languages:
        return replace(document, language=tongue), apart.own, f"its language is {tongue} (prepare.languages)"
    text, mended = clean.mend_mojibake(apart.text)
    title, _ = clean.mend_mojibake(document.title)
    text, masked = privacy.mask(text, policy.mask, policy.own_contacts)
    title, also = privacy.mask(title, policy.mask, policy.own_contacts)
    masked.update(also)
    # The first line's indentation stays.
    text = _EMPTY_LINES.sub("", text).rstrip("\n \t\ufeff")
    counts.footers.update(_spelt_once(taken, counts.footers))
    counts.masked.update(masked)
    counts.masked_in.update(masked.keys())
    counts.quoted_words += apart.quoted
    counts.code_words += apart.code
    counts.mojibake_lines += mended
    return (
        replace(document, text=text, title=title, sha256=content_hash(text), language=tongue), apart.own, ""
    )  # fmt: skip


def _too_little(apart: quotes.Separated, policy: Policy) -> str:
    if apart.own < policy.min_words or not apart.text.strip():
        return f"fewer than {policy.min_words} own words"
    if apart.own_share < policy.own_share:
        return f"less than {policy.own_share:.0%} of its words are own: the rest is quoted or code"
    return ""


def _spelt_once(taken: list[str], known: Counter[str]) -> list[str]:
    spellings = {footers.key(text): text for text in known} if taken else {}
    return [spellings.get(footers.key(text), text) for text in taken]
