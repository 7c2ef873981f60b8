"""What a source's crawl remembers: answers (its HTTP cache), and what was read out of each page, in one SQLite file."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import time
import zlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from twin.errors import SourceError

RESUME_SECONDS = 24 * 3600.0
_TABLES = """
CREATE TABLE IF NOT EXISTS runs (id INTEGER PRIMARY KEY, started REAL NOT NULL, ended REAL);
CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, url TEXT, status INTEGER, headers TEXT, body BLOB,
                                    stored REAL, run INTEGER);
CREATE TABLE IF NOT EXISTS pages (key TEXT PRIMARY KEY, run INTEGER, digest TEXT, gave BLOB);
"""


def ledger_path(home: Path, author: str, source: str) -> Path:
    """The file of one source (by the name of its record of consent). Deleting it makes the crawl forget the source."""
    return home / "crawls" / author / f"{hashlib.sha256(source.encode()).hexdigest()[:20]}.sqlite"


def forget(home: Path, author: str, source: str) -> bool:
    """Delete all that a source's crawl remembers, bodies of pages and texts read; whether there was anything."""
    path = ledger_path(home, author, source)
    there = path.exists()
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
    return there


class Ledger:
    """One source's memory. Every page is committed as it is read: a crawl that is killed goes on where it was.

    `run` is this run's number: that of the last one when it did not end and is younger than a day (`resumed`). A damaged
    file is begun anew, and what can't be written is asked for again: a memory must not stop what it only hastens.
    """

    def __init__(self, path: Path, marks: str = "") -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.connection = _opened(path)
        self.marks = marks
        last = self.connection.execute("SELECT id, started, ended FROM runs ORDER BY id DESC LIMIT 1").fetchone()
        self.resumed = last is not None and last[2] is None and abs(time.time() - last[1]) < RESUME_SECONDS
        with self.connection:
            made = self.connection.execute("INSERT INTO runs (started) VALUES (?)", (time.time(),))
            # A resumed run keeps its number, so that what it answered before counts as answered now.
            self.run = int(last[0]) if self.resumed else int(made.lastrowid or 0)
            if self.resumed:
                self.connection.execute("DELETE FROM runs WHERE id = ?", (made.lastrowid,))

    def digest(self, status: int, link: str, body: bytes) -> str:
        """What a page's reading depends on: the answer, the reader's code and the source's choices."""
        made = hashlib.sha256(f"{self.marks}\0{status}\0{link}\0".encode())
        made.update(body)
        return made.hexdigest()

    def answered(self, key: str) -> list[Any] | None:
        """What a page gave when this same run has read it already."""
        row = self.connection.execute("SELECT gave FROM pages WHERE key = ? AND run = ?", (key, self.run)).fetchone()
        return _unpacked(row[0]) if row else None

    def unchanged(self, key: str, digest: str) -> list[Any] | None:
        """What a page gave when it was read with this digest, in whichever run; it counts as read in this one."""
        row = self.connection.execute("SELECT gave FROM pages WHERE key = ? AND digest = ?", (key, digest)).fetchone()
        if row is None:
            return None
        with contextlib.suppress(sqlite3.OperationalError), self.connection:
            self.connection.execute("UPDATE pages SET run = ? WHERE key = ?", (self.run, key))
        return _unpacked(row[0])

    def note(self, key: str, digest: str, gave: Iterable[Any]) -> None:
        """Keep what a page gave: pairs of a kind and its JSON-ready value."""
        packed = zlib.compress(json.dumps(list(gave), default=str).encode())
        with contextlib.suppress(sqlite3.OperationalError), self.connection:
            self.connection.execute("REPLACE INTO pages VALUES (?, ?, ?, ?)", (key, self.run, digest, packed))

    def close(self, ended: bool) -> None:
        """Close; a run that has `ended` forgets the pages and answers which it did not meet."""
        with contextlib.suppress(sqlite3.OperationalError), self.connection:
            if ended:
                self.connection.execute("UPDATE runs SET ended = ? WHERE id = ?", (time.time(), self.run))
                self.connection.execute("DELETE FROM runs WHERE id < ?", (self.run,))
                self.connection.execute("DELETE FROM pages WHERE run <> ?", (self.run,))
                self.connection.execute("DELETE FROM answers WHERE run <> ?", (self.run,))
        self.connection.close()

    def stored(self, key: str) -> tuple[str, int, str, bytes, float, int] | None:
        """An answer kept for the HTTP cache: URL, status, headers (JSON), body, when and in which run it was kept."""
        row = self.connection.execute(
            "SELECT url, status, headers, body, stored, run FROM answers WHERE key = ?", (key,)
        ).fetchone()
        try:
            return (row[0], row[1], row[2], zlib.decompress(row[3]), row[4], row[5]) if row else None
        except (zlib.error, TypeError):
            return None

    def store(self, key: str, url: str, status: int, headers: str, body: bytes) -> None:
        """Keep an answer. Request headers, and so tokens, are never written."""
        row = (key, url, status, headers, zlib.compress(body), time.time(), self.run)
        with contextlib.suppress(sqlite3.OperationalError), self.connection:
            self.connection.execute("REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def met(self, key: str) -> None:
        """An answer that was used as it is stays for the next run."""
        with contextlib.suppress(sqlite3.OperationalError), self.connection:
            self.connection.execute("UPDATE answers SET run = ? WHERE key = ?", (self.run, key))


def _opened(path: Path) -> sqlite3.Connection:
    """The file, whole and with its tables; a damaged one is thrown away."""
    try:
        return _checked(path)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise _unwritable(path, error) from error
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
    return _checked(path)


def _checked(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.executescript(_TABLES)
        said = connection.execute("PRAGMA quick_check(1)").fetchone()
        if said != ("ok",):
            raise sqlite3.DatabaseError(str(said))
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _unwritable(path: Path, error: sqlite3.Error) -> SourceError:
    return SourceError(
        "what a crawl remembers can't be written", f"{path} ({error})", "Free some space or mend the folder's rights."
    )


def _unpacked(gave: bytes) -> list[Any] | None:
    try:
        found: list[Any] = json.loads(zlib.decompress(gave))
    except (zlib.error, TypeError, ValueError):
        return None
    return found


@cache
def code_mark() -> str:
    """A hash of the readers' code: when it changes, pages are read again, though not fetched again."""
    here = Path(__file__).parent
    made = hashlib.sha256()
    for path in sorted([*here.glob("*.py"), *(here.parent / "text").glob("markup.py")]):
        made.update(path.read_bytes())
    return made.hexdigest()[:16]
