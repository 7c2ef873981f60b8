"""Copying: how much of a text stands word for word, in long spans, in the texts that were trained on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_TOKEN = re.compile(r"\w+|[^\w\s]")


def tokens(text: str) -> list[str]:
    """Words and single marks, case kept; white space is nobody's property."""
    return _TOKEN.findall(text)


@dataclass(slots=True)
class Corpus:
    """The texts that may have been copied from, as sets of spans of `span` tokens."""

    span: int
    spans: set[int] = field(default_factory=set)

    def add(self, texts: Iterable[str]) -> Corpus:
        """Take in texts."""
        for text in texts:
            self.spans.update(self._hashes(tokens(text)))
        return self

    def copied(self, text: str) -> tuple[int, int, int]:
        """(tokens inside copied spans, all tokens, longest run of copied tokens)."""
        found = tokens(text)
        inside = [False] * len(found)
        for i, value in enumerate(self._hashes(found)):
            if value in self.spans:
                inside[i : i + self.span] = [True] * self.span
        longest = run = 0
        for hit in inside:
            run = run + 1 if hit else 0
            longest = max(longest, run)
        return sum(inside), len(found), longest

    def _hashes(self, found: list[str]) -> list[int]:
        return [hash(tuple(found[i : i + self.span])) for i in range(len(found) - self.span + 1)]
