"""The words of others and code told apart from the author's own, and taken out or marked as the policy says."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from twin.text.clean import FENCED, words

Treatment = Literal["keep", "mark", "drop"]

# Sources whose posts are plain text: short lines that begin with ">" there are the author's own bullets.
_PLAIN = ("linkedin", "x", "mastodon")
_BULLET_WORDS = 15
_BLOCK = re.compile(r"(?:^ {0,3}>[^\n]*(?:\n|\Z))+", re.MULTILINE)
# GitHub's callouts (`> [!NOTE]`) have a quotation's shape and the author's words.
_CALLOUT = re.compile(r"^ {0,3}>\s*\[!\w+\]")
_OPEN_CLOSE = r"“[^”\n]{30,}”|\"[^\"\n]{30,}\"|«[^»\n]{30,}»|„[^“\n]{30,}“|「[^」\n]{15,}」"
# A paragraph that is one quotation with the name of who said it under or behind it.
_ATTRIBUTED = re.compile(
    rf"^(?P<quote>{_OPEN_CLOSE})(?P<by>[ \t]*\n?[ \t]*(?:—|–|--|-)[ \t]?[^\n]{{2,80}})$", re.MULTILINE
)
_GONE = "\x00"
# What is gone with the line breaks around it; the next line's indentation is not part of it.
_GAP = re.compile(rf"[ \t\n]*{_GONE}(?:[ \t\n]*{_GONE})*(?:[ \t]*\n)*")


@dataclass(frozen=True, slots=True)
class Separated:
    """A text by the policy, and how many words of the original were the author's own, quoted, or code."""

    text: str
    own: int
    quoted: int
    code: int

    @property
    def own_share(self) -> float:
        """The author's own words as a share of all; 1 for a text without words."""
        return self.own / total if (total := self.own + self.quoted + self.code) else 1.0


def is_markdown(source: str, register: str) -> bool:
    """Whether `>` at a line's beginning always means a quotation in texts of this source and register."""
    return source not in _PLAIN or register == "article"


def separate(text: str, quotes: Treatment, code: Treatment, markdown: bool = True) -> Separated:
    """Tell quotations and fenced code from own words.

    `keep` leaves them where they are; `mark` leaves their place (`> […]`, an empty fence with its language); `drop`
    closes the gap: what stood around it stays apart by as many lines as before, in Markdown by a paragraph at least.
    Without `markdown`, short lines after `>` are bullets; attributed quotations count everywhere.
    """
    counts: Counter[str] = Counter()
    pieces: list[str] = []
    at = 0
    for fence in FENCED.finditer(text):
        pieces += [_prose(text[at : fence.start()], quotes, markdown, counts), _code(fence[0], code, counts)]
        at = fence.end()
    pieces.append(_prose(text[at:], quotes, markdown, counts))
    made = "".join(pieces)
    if _GONE in made:
        made = _GAP.sub(lambda gap: _joint(gap[0], 2 if markdown else 1), made).strip("\n")
    # The marks that stand where something was are nobody's words: their brackets hold no letter, so they count as 0.
    return Separated(made, counts["own"], counts["quoted"], counts["code"])


def _joint(gap: str, least: int) -> str:
    """The line breaks that stand for a gap: the most that stood together in it."""
    return "\n" * max(least, *(run.count("\n") for run in gap.split(_GONE)))


def _prose(text: str, policy: Treatment, markdown: bool, counts: Counter[str]) -> str:
    if not text:
        return text

    def block(found: re.Match[str]) -> str:
        many = words(found[0])
        bullets = not markdown and many < _BULLET_WORDS * len(found[0].strip().split("\n"))
        if bullets or _CALLOUT.match(found[0]):
            return found[0]
        counts["quoted"] += many
        counts["own"] -= many
        end = "\n" if found[0].endswith("\n") else ""
        return {"keep": found[0], "mark": f"> […]{end}", "drop": _GONE + end}[policy]

    def attributed(found: re.Match[str]) -> str:
        counts["quoted"] += (many := words(found["quote"]))
        counts["own"] -= many
        quote = found["quote"]
        return {"keep": found[0], "mark": f"{quote[0]}[…]{quote[-1]}{found['by']}", "drop": _GONE}[policy]

    counts["own"] += words(text)
    if ">" in text:
        text = _BLOCK.sub(block, text)
    return _ATTRIBUTED.sub(attributed, text)


def _code(fence: str, policy: Treatment, counts: Counter[str]) -> str:
    first, _, rest = fence.partition("\n")
    body, _, last = rest.rstrip().rpartition("\n")
    counts["code"] += words(body or last)
    if policy == "keep":
        return fence
    marks = re.match(r" {0,3}(`{3,}|~{3,})", first)
    return f"{first.rstrip()}\n[…]\n{marks[1] if marks else '```'}" if policy == "mark" else _GONE
