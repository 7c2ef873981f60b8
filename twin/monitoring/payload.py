"""The payload log: every draft the twin gave, in PostgreSQL, written behind the request's back.

`record` puts the draft into a bounded queue and returns at once; a thread of its own writes it, waits while the
database is away, and never raises into a request. When the queue is full the oldest entry goes first.
"""

from __future__ import annotations

import atexit
import json
import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from twin.errors import StoreError
from twin.records import Draft

if TYPE_CHECKING:
    import pandas as pd

QUEUE = 2000
KEEP_ROWS = 100_000
_LONGEST_WAIT = 5.0
_EXIT_SECONDS = 3.0
_TIDY_EVERY = 500

_TABLE = """
CREATE TABLE IF NOT EXISTS payload_log (
    id text PRIMARY KEY, at timestamptz NOT NULL, author text NOT NULL, register text NOT NULL, adapter text NOT NULL,
    brief text NOT NULL, text text NOT NULL, seconds double precision NOT NULL, scores jsonb NOT NULL,
    citations jsonb NOT NULL
);
CREATE INDEX IF NOT EXISTS payload_log_author_at ON payload_log (author, at DESC);
"""
_INSERT = (
    "INSERT INTO payload_log (id, at, author, register, adapter, brief, text, seconds, scores, citations) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING"
)
_TIDY = "DELETE FROM payload_log WHERE at < (SELECT at FROM payload_log ORDER BY at DESC OFFSET %s LIMIT 1)"
_COLUMNS = ("id", "at", "author", "register", "adapter", "brief", "text", "seconds", "scores", "citations")

_writers: dict[str, _Writer] = {}
_guard = threading.Lock()


def record(database_url: str, draft: Draft, seconds: float) -> None:
    """Log a draft that took `seconds`. Returns at once and never raises: better a lost line than a lost draft."""
    try:
        _writer(database_url).put(_row(draft, seconds))
    except Exception as error:  # whatever it is, the request goes on
        _say(f"a draft was not logged ({type(error).__name__}: {error})")


def flush(database_url: str, seconds: float = 10.0) -> bool:
    """Wait until all that was recorded is written; False when it took longer than `seconds`."""
    return _writer(database_url).wait(seconds)


def dropped(database_url: str) -> int:
    """How many entries this process gave up because the queue was full or PostgreSQL refused them."""
    return _writer(database_url).lost


def read(database_url: str, author: str, limit: int) -> pd.DataFrame:
    """The author's newest `limit` entries, newest first; empty when nothing was logged. Raises StoreError when away."""
    import pandas as pd
    import psycopg

    query = f"SELECT {', '.join(_COLUMNS)} FROM payload_log WHERE author = %s ORDER BY at DESC LIMIT %s"  # noqa: S608
    try:
        with psycopg.connect(database_url, connect_timeout=5) as connection:
            rows = connection.execute(query, [author, limit]).fetchall()
    except psycopg.errors.UndefinedTable:
        rows = []
    except psycopg.Error as error:
        raise StoreError(
            "the payload log can't be read", str(error).strip(), "Start the database with `twin up`."
        ) from error
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def forget(database_url: str, author: str) -> int:
    """Delete all the author's entries; how many. Raises StoreError when the database is away."""
    import psycopg

    try:
        with psycopg.connect(database_url, connect_timeout=5) as connection:
            return connection.execute("DELETE FROM payload_log WHERE author = %s", [author]).rowcount
    except psycopg.errors.UndefinedTable:
        return 0
    except psycopg.Error as error:
        raise StoreError(
            "the payload log can't be changed", str(error).strip(), "Start the database with `twin up`."
        ) from error


class _Writer:
    """One thread and one connection for a database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.lost = 0
        self._queue: deque[tuple[Any, ...]] = deque()
        self._news = threading.Condition()
        self._written = 0
        threading.Thread(target=self._work, name="payload-log", daemon=True).start()

    def put(self, row: tuple[Any, ...]) -> None:
        with self._news:
            if len(self._queue) >= QUEUE:
                self._queue.popleft()
                self.lost += 1
            self._queue.append(row)
            self._news.notify_all()

    def wait(self, seconds: float) -> bool:
        with self._news:
            return self._news.wait_for(lambda: not self._queue, seconds)

    def _work(self) -> None:
        connection, pause = None, 0.1
        while True:
            with self._news:
                self._news.wait_for(lambda: bool(self._queue))
                row = self._queue[0]
            try:
                connection = connection or _connect(self.url)
                self._write(connection, row)
                pause = 0.1
            except Exception as error:
                if pause <= 0.1:
                    _say(f"the database is away, drafts wait to be logged ({type(error).__name__})")
                if connection is not None:
                    connection.close()
                connection = None
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_WAIT)

    def _write(self, connection: Any, row: tuple[Any, ...]) -> None:
        import psycopg

        try:
            connection.execute(_INSERT, row)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            # This row will never go in, however often it is tried: those behind it must not wait for it.
            self.lost += 1
            _say(f"draft {row[0]} can't be logged ({error})")
        with self._news:
            # The row stays first in the queue until it is written, so a crash of the connection can't lose it;
            # it may have been dropped meanwhile by a full queue.
            if self._queue and self._queue[0] is row:
                self._queue.popleft()
            self._news.notify_all()
        self._written += 1
        if self._written % _TIDY_EVERY == 0:
            connection.execute(_TIDY, [KEEP_ROWS - 1])


def _writer(url: str) -> _Writer:
    with _guard:
        if url not in _writers:
            if not _writers:
                atexit.register(_last_words)
            _writers[url] = _Writer(url)
        return _writers[url]


def _last_words() -> None:
    for writer in _writers.values():
        writer.wait(_EXIT_SECONDS)


def _connect(url: str) -> Any:
    import psycopg

    connection = psycopg.connect(url, autocommit=True, connect_timeout=5)
    connection.execute(_TABLE)
    return connection


def _row(draft: Draft, seconds: float) -> tuple[Any, ...]:
    whole = draft.as_dict()
    return (
        draft.id, datetime.now(UTC), draft.author, draft.register, draft.adapter, _storable(draft.brief),
        _storable(draft.text), float(seconds), _storable(json.dumps(_finite(whole["scores"]))),
        _storable(json.dumps(whole["citations"])),
    )  # fmt: skip


def _storable(text: str) -> str:
    """PostgreSQL takes neither NUL nor lone surrogates."""
    return text.replace("\x00", "").replace("\\u0000", "").encode("utf-8", "replace").decode("utf-8")


def _finite(scores: dict[str, float]) -> dict[str, float | None]:
    return {name: value if abs(value) < float("inf") else None for name, value in scores.items()}


def _say(words: str) -> None:
    import logging

    logging.getLogger(__name__).warning(words)
