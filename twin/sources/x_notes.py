"""X's long posts: the archive cuts them in tweets.js and keeps them whole, without their numbers, in note-tweet.js."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from twin.sources.reading import moment

_SECONDS = 5.0
_SHORT_LINK = re.compile(r"\s*https://t\.co/\w*\s*$")
_NAMES = re.compile(r"^(?:@\w+\s+)+")
_KEY = 24


@dataclass(slots=True)
class Note:
    """One long post, whole."""

    id: str
    text: str
    at: datetime | None
    used: bool = False


@dataclass(slots=True)
class Notes:
    """All long posts by their first characters."""

    by_start: dict[str, list[Note]] = field(default_factory=dict)

    def add(self, record: Any) -> bool:
        """Take one of note-tweet.js's records; False when there are no words in it."""
        note = record.get("noteTweet") if isinstance(record, dict) else None
        core = note.get("core") if isinstance(note, dict) else None
        if not isinstance(note, dict) or not isinstance(core, dict) or not str(core.get("text") or "").strip():
            return False
        text = expanded(unescaped(str(core["text"])), core.get("urls"), "shortUrl", "expandedUrl")
        made = Note(str(note.get("noteTweetId") or ""), text, moment(note.get("createdAt")))
        self.by_start.setdefault(_squeezed(text)[:_KEY], []).append(made)
        return True

    def whole(self, text: str, at: datetime | None) -> str | None:
        """The long post that `text` is the beginning of, None when there is none.

        Both must begin alike; of several the nearest in time is taken, and a short beginning counts only within
        seconds of it.
        """
        start = _squeezed(_SHORT_LINK.sub("", text).rstrip("… "))
        fitting = [n for n in self.by_start.get(start[:_KEY], []) if _squeezed(n.text).startswith(start)]
        near = min(fitting, key=lambda note: _apart(note.at, at), default=None)
        if near is None or (len(start) < _KEY and _apart(near.at, at) > _SECONDS):
            return None
        near.used = True
        return near.text

    def unused(self) -> Iterator[Note]:
        """Long posts whose beginning is in no file: they are the author's all the same."""
        return (note for notes in self.by_start.values() for note in notes if not note.used)


def _apart(one: datetime | None, other: datetime | None) -> float:
    return abs((one - other).total_seconds()) if one and other else 1e12


def _squeezed(text: str) -> str:
    return "".join(_NAMES.sub("", text.lstrip()).split())


def unescaped(text: str) -> str:
    """X escapes three characters and no more."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def expanded(text: str, urls: Any, short: str, long: str) -> str:
    """The text with its short addresses written out."""
    for url in urls if isinstance(urls, list) else []:
        if isinstance(url, dict) and url.get(short) and url.get(long):
            text = text.replace(str(url[short]), str(url[long]))
    return text
