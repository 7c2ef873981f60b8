"""The log's tables in PostgreSQL: events written once by id, read back as drafts, kept as long as the policy says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from twin.errors import StoreError
from twin.monitoring.events import RESPONSE, Event

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 400_000
COLUMNS = (
    "id", "at", "author", "register", "adapter", "brief", "text", "seconds", "scores", "citations", "chunks", "measures",
    "brief_words", "words", "prompt_hash",
)  # fmt: skip
_ABOVE = """
DELETE FROM payload_events WHERE time <= (SELECT time FROM payload_events ORDER BY time DESC OFFSET %s LIMIT 1)
"""
# Statements sent together are one transaction. The lock is for two at once: both find nothing, and one of them would fail.
_TABLES = """
SELECT pg_advisory_xact_lock(hashtext('payload_events'));
CREATE TABLE IF NOT EXISTS payload_events (
    id text PRIMARY KEY, request text NOT NULL, type text NOT NULL, time timestamptz NOT NULL, author text NOT NULL,
    status integer, event jsonb NOT NULL
);
CREATE INDEX IF NOT EXISTS payload_events_author_time ON payload_events (author, time DESC);
CREATE INDEX IF NOT EXISTS payload_events_time ON payload_events (time);
CREATE TABLE IF NOT EXISTS drift_reports (
    author text NOT NULL, at timestamptz NOT NULL, sections jsonb NOT NULL, retrain boolean NOT NULL DEFAULT false,
    PRIMARY KEY (author, at)
);
"""
_MISSING = "SELECT to_regclass('payload_events') IS NULL OR to_regclass('drift_reports') IS NULL"
_INSERT = (
    "INSERT INTO payload_events (id, request, type, time, author, status, event) VALUES (%s, %s, %s, %s, %s, %s, %s) "
    "ON CONFLICT (id) DO NOTHING"
)
_DRAFTS = """
SELECT a.request, a.time, a.author, q.event->'data'->>'register', coalesce(a.event->>'adapter', ''),
       coalesce(q.event->'data'->>'brief', ''), coalesce(a.event->'data'->>'text', ''),
       (a.event->'data'->>'seconds')::float8, a.event->'data'->'scores', a.event->'data'->'citations',
       a.event->'data'->'chunks', a.event->'data'->'measures', (q.event->'data'->>'words')::int,
       (a.event->'data'->>'words')::int, coalesce(a.event->>'prompthash', '')
FROM payload_events a JOIN payload_events q ON q.id = a.request || '-request'
WHERE a.author = %s AND a.type = %s AND a.status = 200 ORDER BY a.time DESC LIMIT %s
"""


def connect(url: str) -> Any:
    """A connection that never waits long, with the tables made. Raises psycopg's own errors."""
    import psycopg

    connection = psycopg.connect(
        url, autocommit=True, connect_timeout=5, options="-c statement_timeout=10000 -c lock_timeout=5000",
        tcp_user_timeout=10_000,
    )  # fmt: skip
    # A role that may only write must not be asked to make what is there.
    if connection.execute(_MISSING).fetchone() == (True,):
        connection.execute(_TABLES)
    return connection


def write(connection: Any, events: Sequence[Event]) -> None:
    """Insert all or none; an event whose id is there already is passed over."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(_INSERT, [_row(event) for event in events])


def tidy(connection: Any, keep_days: int) -> int:
    """Delete events older than `keep_days` and the oldest above MOST_ROWS; how many."""
    gone = int(
        connection.execute("DELETE FROM payload_events WHERE time < now() - make_interval(days => %s)", [keep_days]).rowcount
    )  # fmt: skip
    return gone + int(connection.execute(_ABOVE, [MOST_ROWS]).rowcount)


def read(url: str, author: str, limit: int) -> pd.DataFrame:
    """The author's newest `limit` drafts as COLUMNS, newest first; empty when nothing was logged. Raises StoreError.

    Where the policy kept texts out, `brief` and `text` are empty; their measures and lengths are there all the same.
    """
    import pandas as pd

    with asking(url) as connection:
        rows = connection.execute(_DRAFTS, [author, RESPONSE, limit]).fetchall()
    return pd.DataFrame(rows, columns=list(COLUMNS))


def events(url: str, author: str, limit: int = 1000) -> list[Event]:
    """The author's newest events as they were logged, newest first. Raises StoreError."""
    query = "SELECT event FROM payload_events WHERE author = %s ORDER BY time DESC, type DESC LIMIT %s"
    with asking(url) as connection:
        return [row[0] for row in connection.execute(query, [author, limit]).fetchall()]


def forget(url: str, author: str) -> int:
    """Delete all the author's events and reports; how many events. Raises StoreError."""
    with asking(url) as connection:
        connection.execute("DELETE FROM drift_reports WHERE author = %s", [author])
        return int(connection.execute("DELETE FROM payload_events WHERE author = %s", [author]).rowcount)


@contextmanager
def asking(url: str) -> Iterator[Any]:
    """A connection for one question; what goes wrong is a StoreError."""
    import psycopg

    try:
        with connect(url) as connection:
            yield connection
    except psycopg.Error as error:
        raise StoreError(
            "the payload log can't be read", str(error).strip(), "Start the database with `twin up`."
        ) from error


def _row(event: Event) -> tuple[Any, ...]:
    from psycopg.types.json import Jsonb

    status = event["data"].get("status")
    return (event["id"], event["requestid"], event["type"], event["time"], event["author"], status, Jsonb(event))
