"""What a collection gathers before it is written: in a temporary SQLite file, so that memory stays flat."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from twin.files import Spool
from twin.records import Document

_TABLE = """
CREATE TABLE documents (
    id TEXT, source INTEGER, complete INTEGER, length INTEGER, sha TEXT, consent TEXT, slug TEXT, title TEXT,
    published TEXT, fetched TEXT, row TEXT, PRIMARY KEY (id, source)
) WITHOUT ROWID;
CREATE INDEX slugs ON documents (slug) WHERE slug <> '';
CREATE INDEX titles ON documents (title) WHERE title <> '';
"""
_EARLIER = 1_000_000


@dataclass(frozen=True, slots=True)
class Seen:
    """What a source showed of itself: whether all it holds, and its oldest date (ISO; '' when none was dated)."""

    whole: bool
    failed: bool
    oldest: str


@contextmanager
def gathering(folder: Path) -> Iterator[Gathered]:
    """An empty Gathered for as long as the block lasts; its file lies in `folder`."""
    with Spool(folder) as inner:
        connection = sqlite3.connect(inner / "gathered.sqlite")
        connection.execute("PRAGMA journal_mode=OFF")
        connection.execute("PRAGMA synchronous=OFF")
        connection.executescript(_TABLE)
        try:
            yield Gathered(connection)
        except sqlite3.OperationalError as error:
            if "full" in str(error):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder)) from error
            raise
        finally:
            connection.close()


class Gathered:
    """Documents by id and the number of their source, from 1 in the order of params.yaml."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.db = connection

    def add(self, source: int, document: Document) -> str:
        """Keep the better copy of an id within a source; why the other was left out, '' when there was none."""
        other = self.db.execute(
            "SELECT complete, length, sha FROM documents WHERE id = ? AND source = ?", (document.id, source)
        ).fetchone()
        if other is None or (document.complete, len(document.text)) > (bool(other[0]), other[1]):
            self._put(source, document)
        if other is None:
            return ""
        same = other[2] == document.sha256
        return "another copy of the same text" if same else "an older copy of the same id"

    def _put(self, source: int, document: Document) -> None:
        row = asdict(document)
        fetched, published = row.pop("fetched_at").isoformat(), document.published_at
        row["published_at"] = published.isoformat() if published else ""
        slug, title = _marks(document)
        self.db.execute("REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (
            document.id, source, document.complete, len(document.text), document.sha256, document.consent, slug, title,
            row["published_at"], fetched, json.dumps(row),
        ))  # fmt: skip

    def found(self, source: int) -> int:
        """How many documents a source gave."""
        return int(self.db.execute("SELECT count(*) FROM documents WHERE source = ?", (source,)).fetchone()[0])

    def oldest(self, source: int) -> str:
        """The date of a source's oldest dated document, ISO, '' when there is none."""
        query = "SELECT min(published) FROM documents WHERE source = ? AND published <> ''"
        return str(self.db.execute(query, (source,)).fetchone()[0] or "")

    def repeated(self) -> Iterator[tuple[int, str]]:
        """Sources and ids that an earlier source gave too."""
        yield from self.db.execute(
            "SELECT source, id FROM documents AS d WHERE source < ? AND EXISTS "
            "(SELECT 1 FROM documents AS o WHERE o.id = d.id AND o.source < d.source)", (_EARLIER,),
        )  # fmt: skip

    def remember(
        self, earlier: Iterable[Document], networked: dict[str, Seen], prune: bool
    ) -> dict[str, dict[str, int]]:
        """Hold what was collected before against what is there now; counts by record of consent.

        A text that is gone from a source on the network stays, unless `prune` is on and the source showed that it is
        gone: all of the source was seen, or the feed's window reaches further back than the text. Unchanged texts keep
        the time of their first fetching, so that nothing after the collection runs again.
        """
        counts: dict[str, dict[str, int]] = {}

        def count(consent: str, what: str) -> None:
            told = counts.setdefault(consent, {})
            told[what] = told.get(what, 0) + 1

        for old in earlier:
            best = self.db.execute(
                "SELECT source, sha, row, consent FROM documents WHERE id = ? "
                "ORDER BY complete DESC, length DESC, source LIMIT 1",
                (old.id,),
            ).fetchone()
            if best is not None:
                count(best[3], "unchanged" if best[1] == old.sha256 else "changed")
                row = asdict(old)
                fetched = row.pop("fetched_at").isoformat()
                row["published_at"] = old.published_at.isoformat() if old.published_at else ""
                if json.loads(best[2]) == row:
                    self.db.execute(
                        "UPDATE documents SET fetched = ? WHERE id = ? AND source = ?", (fetched, old.id, best[0])
                    )
            elif old.consent in networked:
                gone = prune and _is_gone(old, networked[old.consent])
                count(old.consent, "pruned" if gone else "kept from before")
                if not gone:
                    self._put(_EARLIER, old)
        return counts

    def one_for_each_post(self) -> list[tuple[int, str]]:
        """Drop texts known by their address alone (a feed's) where the same post is there by its number."""
        taken: list[tuple[int, str]] = []
        rows = self.db.execute("SELECT source, id, slug, title FROM documents WHERE id GLOB 'substack:p/*'").fetchall()
        for source, name, slug, title in rows:
            other = self.db.execute(
                "SELECT 1 FROM documents WHERE id GLOB 'substack:[0-9]*' AND (slug = ? OR (title = ? AND title <> ''))",
                (slug, title),
            ).fetchone()
            if other:
                self.db.execute("DELETE FROM documents WHERE id = ? AND source = ?", (name, source))
                taken.append((source, name))
        return taken

    def kept(self) -> dict[str, int]:
        """How many documents are kept under each record of consent."""
        counts: dict[str, int] = {}
        for consent, _, _ in self._best():
            counts[consent] = counts.get(consent, 0) + 1
        return counts

    def documents(self) -> Iterator[Document]:
        """The best copy of every id, by id."""
        for _, fetched, row in self._best():
            values: dict[str, Any] = json.loads(row)
            stamp = values.pop("published_at")
            published = datetime.fromisoformat(stamp) if stamp else None
            yield Document(**values, published_at=published, fetched_at=datetime.fromisoformat(fetched))

    def _best(self) -> Iterator[tuple[str, str, str]]:
        last = None
        query = "SELECT id, consent, fetched, row FROM documents ORDER BY id, complete DESC, length DESC, source"
        for name, *values in self.db.execute(query):
            if name != last:
                last = name
                yield values[0], values[1], values[2]


def _is_gone(old: Document, seen: Seen) -> bool:
    if seen.failed:
        return False
    return seen.whole or (old.published_at is not None and "" < seen.oldest <= old.published_at.isoformat())


def _marks(document: Document) -> tuple[str, str]:
    """The end of a Substack post's address and its title as it is matched: what export, API and feed have in common."""
    if document.source != "substack":
        return "", ""
    from twin.text.clean import matching

    native = document.id.removeprefix("substack:")
    path = urlsplit(document.url).path.strip("/")
    slug = native if native.startswith("p/") else (path if path.startswith("p/") or "/p/" in path else "")
    return slug.rpartition("p/")[2], matching(document.title)
