"""Traces of texts that are to be forgotten: runs of words that stand in them and in nothing that is kept."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
)
_TOKEN = re.compile(r"[^\s\"'<>()\[\]{},|\\]+")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|[nrtbf])")
_RUN = 5
_SHORTEST = 8


@dataclass(slots=True)
class Traces:
    """What gives a forgotten text away: 64-bit hashes of runs of five words, and names (ids, addresses).

    No text can be read from it. `lengths` are the runs' lengths: texts and titles below five words are one run.
    """

    names: set[str] = field(default_factory=set)
    runs: set[int] = field(default_factory=set)
    lengths: set[int] = field(default_factory=lambda: {_RUN})
    hashes: set[str] = field(default_factory=set)

    def add(self, text: str, title: str = "", names: Collection[str] = ()) -> None:
        """Take up one text to be forgotten, with its title and the names that lead to it."""
        # A text without a title is known by its first line, in logs and lists.
        first = text.strip().partition("\n")[0]
        for words in (_words(text), _words(title), _words(first)):
            size = min(_RUN, len(words))
            # A single short word is everybody's: as a trace it would take others' texts with it.
            if size >= 2 or (size == 1 and len(words[0]) >= _SHORTEST):
                self.lengths.add(size)
                self.runs.update(_runs(words, size))
        self.names.update(name for name in names if len(name) >= _SHORTEST)

    def keep(self, text: str) -> None:
        """Take out what also stands in a text that is kept: it gives nobody away."""
        words = _words(text)
        for size in self.lengths:
            self.runs.difference_update(_runs(words, size))

    def in_text(self, text: str) -> bool:
        """Whether a text (prose, HTML, JSON, a log) quotes a forgotten one or names it."""
        if self.names and any(t in self.names or t.split("#")[0] in self.names for t in _tokens(text)):
            return True
        if not self.runs:
            return False
        words = _words(_plain(text))
        return any(run in self.runs for size in self.lengths for run in _runs(words, size))

    def in_value(self, value: Any) -> bool:
        """The same for anything that JSON or a table's cell may hold."""
        if isinstance(value, str):
            return value in self.hashes or self.in_text(value)
        if isinstance(value, bytes):
            return self.in_text(value.decode("utf-8", "ignore"))
        if isinstance(value, dict):
            return any(self.in_value(part) for pair in value.items() for part in pair)
        if isinstance(value, list | tuple | set):
            return any(self.in_value(part) for part in value)
        return False

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {name: sorted(getattr(self, name)) for name in ("names", "runs", "lengths", "hashes")}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Traces:
        """From `as_dict`."""
        return cls(*(set(data[name]) for name in ("names", "runs", "lengths", "hashes")))


def _tokens(text: str) -> Iterator[str]:
    for match in _TOKEN.finditer(text):
        yield match[0].rstrip(".;:!?")


def _plain(text: str) -> str:
    """What a reader sees of JSON's and HTML's escapes."""
    if "\\" in text:
        text = _ESCAPE.sub(lambda m: json.loads(f'"{m[0]}"') if m[1] else " ", text)
    return html.unescape(re.sub(r"</?[a-zA-Z][^>]{0,300}>", " ", text)) if "&" in text or "<" in text else text


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _runs(words: list[str], size: int) -> Iterator[int]:
    for start in range(len(words) - size + 1):
        run = " ".join(words[start : start + size]).encode("utf-8", "surrogatepass")
        yield int.from_bytes(blake2b(run, digest_size=8).digest(), "big")
