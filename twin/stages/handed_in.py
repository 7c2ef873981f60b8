"""The readers of what a person hands in as a file or folder, by the source's kind, and the terms each falls under."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath

from twin.errors import SourceError
from twin.params import Params, SourceSpec
from twin.sources import files, ghost, jsonl, linkedin, mastodon, medium, paste, rss, substack, wordpress, x
from twin.sources.archive import Archive
from twin.sources.reading import Item

_TEXTS = {".md", ".markdown", ".docx", ".pdf"}

Read = Callable[[], Iterator[Item]]


def reader(spec: SourceSpec, opened: Archive, name: str, params: Params, now: datetime) -> tuple[str, Read]:
    """The terms and the reader of an opened archive; `name` is what its texts' ids begin with.

    Raises SourceError for a kind that is only collected over the network.
    """
    author, writer, user = params.author.id, params.author.name, spec.user or ""
    readers: dict[str, tuple[str, Read]] = {
        "linkedin": (linkedin.TERMS, partial(linkedin.read_export, opened, author, now)),
        "medium": (medium.TERMS, partial(medium.read_export, opened, author, now)),
        "substack": (substack.TERMS, partial(substack.read_export, opened, author, now, spec.url or "")),
        "x": (x.TERMS, partial(x.read_export, opened, author, now)),
        "mastodon": (mastodon.TERMS, partial(mastodon.read_export, opened, author, now)),
        "wordpress": (wordpress.TERMS, partial(wordpress.read_export, opened, author, now, user, writer)),
        "ghost": (ghost.TERMS, partial(ghost.read_export, opened, author, now, user, writer)),
        "rss": (rss.FILE_TERMS, partial(rss.read_files, opened, author, now, user)),
        "files": (files.TERMS, partial(files.read_files, opened, author, now, name or "inbox")),
        "jsonl": (jsonl.TERMS, partial(jsonl.read_rows, opened, author, now, spec.columns)),
        "paste": (paste.TERMS, partial(paste.read_paste, opened, author, now)),
    }
    if spec.kind not in readers:
        raise SourceError(
            "this source has no export that could be read from a path",
            spec.path,
            "Name a user instead: `user: NAME`.",
        )
    return readers[spec.kind]


def beside(kind: str, opened: Archive) -> list[str]:
    """Texts that lie in an export's folder or archive and are no part of it."""
    if kind in ("files", "jsonl", "rss", "paste"):
        return []
    return [
        name for name in opened.names if name not in opened.digests and PurePosixPath(name).suffix.lower() in _TEXTS
    ]  # fmt: skip
