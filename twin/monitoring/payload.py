"""The payload log: every request and its answer as CloudEvents in PostgreSQL, written behind the request's back.

`record` puts what happened into a bounded queue and returns at once; a thread of its own makes events of it and writes
them. While the database is away they go to a spool on disk, which is replayed when it is back, by this process or by the
next one; an event's id keeps it from being written twice. What neither takes is dropped, oldest first, and counted.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twin.monitoring import database, reports
from twin.monitoring.database import events, forget, read
from twin.monitoring.events import FULL, Event, Refused, of
from twin.monitoring.meters import meters
from twin.monitoring.spool import Spool
from twin.records import Draft

__all__ = ["Refused", "dropped", "events", "flush", "forget", "place", "read", "record", "replay"]

QUEUE = 2000
_BATCH = 100
_LONGEST_WAIT = 5.0
_EXIT_SECONDS = 3.0
_TIDY_SECONDS = 120.0

_writers: dict[str, _Writer] = {}
_guard = threading.Lock()


@dataclass(frozen=True, slots=True)
class Happened:
    """One request in the queue: what came of it, how long it took, when it ended and what of its text is kept."""

    what: Draft | Refused
    seconds: float
    at: datetime
    text: str


def record(
    database_url: str,
    what: Draft | Refused,
    seconds: float,
    *,
    text: str = FULL,
    keep_days: int = 365,
    spool: Path | None = None,
) -> None:
    """Log a draft or a refusal that took `seconds`. Returns at once and never raises: better a lost line than a draft.

    `text` is the policy for texts; `spool` a folder for what waits while the database is away (None: memory alone).
    """
    try:
        _writer(database_url, spool, keep_days).put(Happened(what, seconds, datetime.now(UTC), text))
    except Exception as error:  # whatever it is, the request goes on
        _say(f"a request was not logged ({type(error).__name__}: {error})")


def flush(database_url: str, seconds: float = 10.0) -> bool:
    """Wait until all that was recorded is in the database; False when it took longer than `seconds`."""
    return _writer(database_url).wait(seconds)


def dropped(database_url: str) -> int:
    """How many requests this process could log neither in the database nor in the spool."""
    return _writer(database_url).lost


def place(home: Path) -> Path:
    """Where the spool lies below a home folder."""
    return home / "spool"


def replay(database_url: str, spool: Path, keep_days: int) -> int:
    """Write what dead processes left in the spool and let go of what is too old; how many events. Raises StoreError."""
    waiting = Spool(spool)
    with database.asking(database_url) as connection:
        found = _replayed(connection, waiting)
        database.tidy(connection, keep_days)
    return found


class _Writer:
    """One thread and one connection for a database."""

    def __init__(self, url: str, spool: Path | None, keep_days: int) -> None:
        self.url, self.keep_days, self.lost = url, keep_days, 0
        self._spool = Spool(spool) if spool else None
        self._queue: deque[Happened] = deque()
        self._news = threading.Condition()
        self._spooled = bool(spool)  # what an earlier process left is looked for once
        self._tidied = -_TIDY_SECONDS
        threading.Thread(target=self._work, name="payload-log", daemon=True).start()

    def put(self, one: Happened) -> None:
        with self._news:
            if len(self._queue) >= QUEUE // 2 and isinstance(one.what, Refused):
                self._lose()  # a storm of refusals must not push drafts out
                return
            if len(self._queue) >= QUEUE:
                self._queue.popleft()
                self._lose()
            self._queue.append(one)
            self._news.notify_all()

    def wait(self, seconds: float) -> bool:
        with self._news:
            return self._news.wait_for(lambda: not self._queue and not self._spooled, seconds)

    def _work(self) -> None:
        connection, pause = None, 0.1
        while True:
            with self._news:
                self._news.wait_for(lambda: bool(self._queue) or self._spooled, _TIDY_SECONDS)
                batch = list(self._queue)[:_BATCH]
            made = self._made(batch)
            try:
                connection = connection or database.connect(self.url)
                self._write(connection, made)
                self._afterwards(connection)
                pause = 0.1
            except Exception as error:
                if pause <= 0.1:
                    _say(f"the database is away, requests wait to be logged ({type(error).__name__}: {error})")
                if connection is not None:
                    connection.close()
                connection = None
                self._to_disk(made)
                self._pause(pause)
                pause = min(2 * pause, _LONGEST_WAIT)

    def _made(self, batch: list[Happened]) -> list[tuple[Happened, list[Event]]]:
        made = []
        for one in batch:
            try:
                made.append((one, of(one.what, one.seconds, one.at, one.text)))
            except Exception as error:  # an odd draft must not stop those behind it
                _say(f"request {one.what.id} can't be logged ({error})")
                self._lose()
                self._gone([one])
        return made

    def _write(self, connection: Any, made: list[tuple[Happened, list[Event]]]) -> None:
        import psycopg

        try:
            if made:
                database.write(connection, [event for _, pair in made for event in pair])
        except (psycopg.DataError, psycopg.IntegrityError):
            self._one_by_one(connection, made)
        else:
            meters().events.labels("written").inc(2 * len(made))
        # They stay in the queue until they are written, so a crash of the connection can't lose them.
        self._gone([one for one, _ in made])

    def _one_by_one(self, connection: Any, made: list[tuple[Happened, list[Event]]]) -> None:
        """One of them will never go in, however often it is tried: the others must not wait for it."""
        import psycopg

        for one, pair in made:
            try:
                database.write(connection, pair)
                meters().events.labels("written").inc(2)
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                _say(f"request {one.what.id} can't be logged ({error})")
                self._lose()

    def _afterwards(self, connection: Any) -> None:
        if self._spool and self._spooled:
            _replayed(connection, self._spool)
        with self._news:
            self._spooled = False
            self._news.notify_all()
        if time.monotonic() - self._tidied >= _TIDY_SECONDS:
            database.tidy(connection, self.keep_days)
            reports.show(connection)
            self._tidied = time.monotonic()

    def _to_disk(self, made: list[tuple[Happened, list[Event]]]) -> None:
        """Put the batch on disk, where a kill can't reach it; without a spool, or on a bad disk, it stays in memory."""
        if self._spool is None or not made:
            return
        try:
            fitted = self._spool.append([event for _, pair in made for event in pair])
        except OSError as error:
            _say(f"the spool can't be written ({error}); requests wait in memory")
            return
        whole = fitted // 2  # half a request is no use: its other half is written again, and refused by its id
        with self._news:
            self._spooled = self._spooled or fitted > 0
        meters().events.labels("spooled").inc(2 * whole)
        self._gone([one for one, _ in made[:whole]])

    def _pause(self, seconds: float) -> None:
        """Wait before the next attempt, but take to disk what comes meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))
            with self._news:
                batch = list(self._queue)[:_BATCH]
            if self._spool and batch:
                self._to_disk(self._made(batch))

    def _gone(self, done: list[Happened]) -> None:
        with self._news:
            # A full queue may have dropped some of them meanwhile.
            finished = {id(one) for one in done}
            self._queue = deque(one for one in self._queue if id(one) not in finished)
            meters().waiting.set(len(self._queue))
            self._news.notify_all()

    def _lose(self) -> None:
        self.lost += 1
        meters().events.labels("dropped").inc(2)


def _replayed(connection: Any, spool: Spool) -> int:
    found = 0
    for path, lines in spool.waiting():
        for start in range(0, len(lines), _BATCH):
            database.write(connection, lines[start : start + _BATCH])
        spool.done(path)
        found += len(lines)
    return found


def _writer(url: str, spool: Path | None = None, keep_days: int = 365) -> _Writer:
    with _guard:
        if url not in _writers:
            if not _writers:
                atexit.register(_last_words)
            _writers[url] = _Writer(url, spool, keep_days)
        return _writers[url]


def _last_words() -> None:
    for writer in _writers.values():
        writer.wait(_EXIT_SECONDS)


def _say(words: str) -> None:
    import logging

    logging.getLogger(__name__).warning(words)
