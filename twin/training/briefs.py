"""Neutral briefs for texts that exist (instruction back-translation, Li et al. 2023): a cascade from title to template."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from twin.prompts import brief_from_keyphrases, brief_of_length, outline_lines
from twin.records import Document
from twin.training.keypoints import key_points
from twin.training.neutral import fault, shares_ngram

__all__ = ["Brief", "Briefs", "brief_for", "shares_ngram"]

_WORDS = re.compile(r"[A-Za-z]{2,}")
_LINK = re.compile(r"(?<!!)\[([^\]\n]{3,120})\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Brief:
    """`text` is what asks for the document; `outline` its topic and points line by line; `rung` the step that gave it."""

    text: str
    outline: str
    points: tuple[str, ...]
    rung: str


@dataclass(slots=True)
class Briefs:
    """Writes briefs and counts what each rung gave. `written` maps document ids to a model's summaries, if any.

    `prefer_written` is set for a stronger model: its briefs come first; a small model's only where they are accepted
    and the rungs above found nothing to say.
    """

    written: Mapping[str, str] = field(default_factory=dict)
    prefer_written: bool = False
    tried: Counter[str] = field(default_factory=Counter)
    given: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def of(self, document: Document) -> Brief:
        """The brief of one document; it never shares a run of five words with the text."""
        points = key_points(document.text, document.language or "en")
        topic = self._rung("topic", _topic(document))
        summary = self._summary(document, points)
        self._rung("keyphrases", " ".join(points))
        rung = "title" if topic else "keyphrases"
        brief = neutral([topic, *points] if topic else points, document.text)
        if summary and (self.prefer_written or not points):
            brief, rung = summary, "summary"
        elif not brief:
            brief, rung = brief_of_length(document.register, len(document.text.split())), "template"
        self.given[rung] += 1
        return Brief(brief, outline_lines(topic, points), tuple(points), rung)

    def report(self) -> dict[str, Mapping[str, float | int]]:
        """How often each rung was tried and accepted, which rung gave the brief, and why summaries were refused."""
        rates: dict[str, float | int] = {
            f"{rung}_accepted": round(self.given[f"{rung}+"] / self.tried[rung], 3) for rung in self.tried
        }
        given = {rung: n for rung, n in self.given.items() if not rung.endswith("+")}
        return {"tried": dict(self.tried), "rates": rates, "given": given, "refused": dict(self.faults)}

    def _rung(self, name: str, found: str) -> str:
        self.tried[name] += 1
        self.given[f"{name}+"] += bool(found)
        return found

    def _summary(self, document: Document, points: list[str]) -> str:
        text = self.written.get(document.id, "").strip()
        if document.id not in self.written:
            return ""
        reason = fault(text, document.text, points)
        self.faults[reason] += bool(reason)
        return self._rung("summary", "" if reason else text)


def brief_for(title: str, text: str, language: str = "en", keyphrases: int | None = None) -> str:
    """A brief for one text without a model: its title, unless the text repeats it, and its key points."""
    topic = "" if not title or shares_ngram(title, text) else title.strip()
    points = key_points(text, language, keyphrases)
    return neutral([topic, *points] if topic else points, text)


def neutral(points: Sequence[str], text: str) -> str:
    """Points in one line. By chance they may stand in the text in this very order: then the order, then points go."""
    kept = list(points)
    for order in (kept, kept[::-1], sorted(kept)):
        if not shares_ngram(joined := brief_from_keyphrases(order), text):
            return joined
    while kept and shares_ngram(brief_from_keyphrases(kept), text):
        kept.pop()
    return brief_from_keyphrases(kept)


def _topic(document: Document) -> str:
    """The title, else what the first link is called, else its address's last words; '' when the text repeats them."""
    link = _LINK.search(document.text)
    found = [document.title.strip()]
    if link:
        found += [link.group(1).strip(), _slug(link.group(2))]
    return next((x for x in found if x and not shares_ngram(x, document.text)), "")


def _slug(url: str) -> str:
    parts = urlsplit(url)
    words = _WORDS.findall(
        parts.path.rstrip("/").rpartition("/")[2].rpartition(".")[0] or parts.path.rpartition("/")[2]
    )
    return " ".join(words) if len(words) > 1 else parts.netloc.removeprefix("www.")
