"""Preference pairs: the author's own text over what a model writes for the same brief, and edits over their drafts."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from twin.errors import DataError
from twin.prompts import REGISTER_NAMES, draft
from twin.records import Message

if TYPE_CHECKING:
    import pandas as pd

EDIT = "edit"
# A rejected text may be this much shorter or longer, in tokens: else length alone would be learned.
LONGER = 0.2
# Of texts that are cut to one length, so much of the author's must stay: an opening alone says little.
LEAST = 0.5
# As in chunks: a stop with its closing quotes and a space, or a line's end.
_BORDER = re.compile(r"(?<=[.!?…])[\"'”’)\]*_]*\s+|\n+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two texts for one prompt. `source` is what wrote the rejected one: a model's name, or `EDIT`.

    Where they do not end (`ends`), both were cut at a sentence, and neither's end is learned from.
    """

    document_id: str
    source: str
    messages: Sequence[Message]
    chosen: str
    rejected: str
    ends: bool = True

    def row(self) -> dict[str, str | bool]:
        """As a row of the pairs table."""
        return {
            "document_id": self.document_id, "source": self.source, "chosen": self.chosen, "rejected": self.rejected,
            "messages": json.dumps(list(self.messages), ensure_ascii=False), "ends": self.ends,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """A training text that is asked for again."""

    document_id: str
    messages: Sequence[Message]
    text: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What may stand as a rejected text. `size` counts tokens; `loops` and `copied` tell what such a text must not be."""

    size: Callable[[str], int]
    loops: Callable[[str], bool]
    copied: Callable[[str], bool]

    def most(self, chosen: str) -> int:
        """Tokens that the longest fitting text has; more need not be sampled."""
        return int(self.size(chosen) * (1 + LONGER))

    def against(self, pair: Pair, ended: bool) -> tuple[Pair, str]:
        """The pair as it may stand, and why it may not: empty, length, loops, copied; "" when it may.

        Whole where the rejected text `ended` and is of like length; else both are cut at sentences, so that they are, with
        at least half of the author's text left.
        """
        least = LEAST * self.size(pair.chosen)
        if not pair.rejected.strip():
            return pair, "empty"
        if not (ended and self._alike(self.size(pair.chosen), self.size(pair.rejected))):
            cut = self._cut(pair, ended)
            if cut is None or self.size(cut.chosen) < least:
                return pair, "length"
            pair = cut
        if self.loops(pair.rejected):
            return pair, "loops"
        return pair, "copied" if self.copied(pair.rejected) else ""

    def _alike(self, chosen: int, rejected: int) -> bool:
        return abs(rejected - chosen) <= LONGER * chosen

    def _cut(self, pair: Pair, ended: bool) -> Pair | None:
        """Both texts up to ends of sentences, as long as they can be of like length; None where they can't."""
        others = self._openings(pair.rejected, ended)
        for size, opening in reversed(self._openings(pair.chosen, True)):
            nearest = min(others, key=lambda other: abs(other[0] - size), default=(0, ""))
            if nearest[1] and self._alike(size, nearest[0]):
                return replace(pair, chosen=opening, rejected=nearest[1], ends=False)
        return None

    def _openings(self, text: str, whole: bool) -> list[tuple[int, str]]:
        """(tokens, text) up to each sentence's end, shortest first; the last one counts where the text is `whole`."""
        ends = [border.start() for border in _BORDER.finditer(text)] + ([len(text)] if whole else [])
        return [(self.size(text[:end]), text[:end]) for end in ends if text[:end].strip()]


@dataclass(slots=True)
class Found:
    """The pairs so far, and what became of every candidate: "source_kept" or "source_reason" → how many."""

    pairs: list[Pair] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def judge(self, pair: Pair, reason: str) -> bool:
        """Take a pair, or count why it is refused; True when it was taken."""
        self.counts[f"{pair.source}_{reason or 'kept'}"] += 1
        if not reason:
            self.pairs.append(pair)
        return not reason


def wanted(examples: pd.DataFrame, count: int, seed: int) -> list[Wanted]:
    """Up to `count` texts of the training split that stand whole in one example, with the brief that asks for them."""
    rows = examples[examples["split"].eq("train") & examples["kind"].eq("brief")]
    if "ends" in rows:
        rows = rows[rows["ends"].astype(bool)]
    found = [
        Wanted(document, json.loads(messages), text)
        for document, messages, text in zip(rows["document_id"], rows["messages"], rows["completion"], strict=True)
    ]
    return [found[i] for i in sorted(random.Random(seed).sample(range(len(found)), min(count, len(found))))]


def take_edits(
    path: Path, name: str, found: Found, held_out: Callable[[str], bool], personal: Callable[[str], bool]
) -> None:
    """Take the person's edits of drafts: what they made of a draft over the draft, whatever their lengths.

    Left out are texts that are `held_out` (published since and collected, they may be what is tested on) and such as
    hold something `personal`. Raises DataError for a line that is no edit.
    """
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        if not line.strip():
            continue
        try:
            edit = json.loads(line)
            asked = draft(name=name, register=edit["register"], brief=edit["brief"])
            at, chosen, rejected = str(edit["at"]), str(edit["chosen"]), str(edit["rejected"])
        except (ValueError, TypeError, KeyError) as error:
            mend = f"Mend or remove the line; registers are {', '.join(REGISTER_NAMES)}."
            raise DataError("the kept edits can't be read", f"{path} ({error!r})", mend) from error
        pair = Pair(document_id=f"{EDIT}:{at}", source=EDIT, messages=asked, chosen=chosen, rejected=rejected)
        found.judge(pair, _unfit(pair, held_out, personal))


def _unfit(pair: Pair, held_out: Callable[[str], bool], personal: Callable[[str], bool]) -> str:
    if not pair.chosen.strip() or not pair.rejected.strip():
        return "empty"
    if pair.chosen.strip() == pair.rejected.strip():
        return "unchanged"
    if any(map(held_out, (pair.chosen, pair.rejected))):
        return "held_out"
    return "personal" if personal(pair.chosen) else ""
