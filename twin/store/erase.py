"""Rows taken out of the database for good: out of every table, its statistics and the write-ahead log."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from twin.errors import StoreError

_TABLES = """
SELECT table_schema, table_name, array_agg(column_name::text ORDER BY ordinal_position)
FROM information_schema.columns c JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
AND (c.data_type IN ('text', 'character varying', 'json', 'jsonb') OR c.udt_name IN ('_text', '_varchar'))
GROUP BY 1, 2 ORDER BY 1, 2
"""
_BATCH = 500
_TRIES = 20
_MOST_SEGMENTS = 200


def erase(database_url: str, holds: Callable[[Any], bool]) -> dict[str, int]:
    """Delete every row of every table whose words `holds` is true of; how many, by table. Raises StoreError."""
    import psycopg
    from psycopg import sql

    gone: dict[str, int] = {}
    try:
        with psycopg.connect(database_url, connect_timeout=10) as connection:
            for schema, name, columns in connection.execute(_TABLES).fetchall():
                table = sql.Identifier(schema, name)
                words = sql.SQL(", ").join(map(sql.Identifier, columns))
                rows: list[str] = []
                with connection.cursor(name="forgetting") as cursor:
                    cursor.itersize = _BATCH
                    cursor.execute(sql.SQL("SELECT ctid::text, {} FROM {}").format(words, table))
                    rows = [row[0] for row in cursor if holds(list(row[1:]))]
                for start in range(0, len(rows), _BATCH):
                    query = sql.SQL("DELETE FROM {} WHERE ctid = ANY(%s::tid[])").format(table)
                    connection.execute(query, [rows[start : start + _BATCH]])
                if rows:
                    gone[f"{schema}.{name}"] = len(rows)
    except psycopg.Error as error:
        raise StoreError("the database could not forget", str(error).strip(), "Start it, then run it again.") from error
    return gone


def replace_style(database_url: str, row: dict[str, Any] | None, author: str) -> None:
    """Put an author's style, measured anew, into the online store; None takes it out."""
    import psycopg
    from psycopg import sql

    values = {"author": author, **({} if row is None else row)}
    table = sql.Identifier("twin_author_style")
    query = sql.SQL("DELETE FROM {} WHERE author = %(author)s").format(table)
    if row is not None:
        names = ("documents", "words", "names", "means", "deviations")
        parts = sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(n), sql.Placeholder(n)) for n in names)
        query = sql.SQL("UPDATE {} SET {} WHERE author = %(author)s").format(table, parts)
    try:
        with psycopg.connect(database_url, connect_timeout=10) as connection:
            connection.execute(query, values)
    except psycopg.errors.UndefinedTable:
        return
    except psycopg.Error as error:
        raise StoreError("the database could not forget", str(error).strip(), "Start it, then run it again.") from error


def scour(database_url: str) -> list[str]:
    """Overwrite what deleted rows leave behind; says what this user may not do, for whoever runs the server.

    Tables are written anew (VACUUM FULL) and their statistics, which quote frequent values, with them; then the
    write-ahead log is cut: segments that hold the old rows are unlinked, not recycled.
    """
    import psycopg
    from psycopg import sql

    left: list[str] = []
    try:
        with psycopg.connect(database_url, autocommit=True, connect_timeout=10) as connection:
            for schema, name, _ in connection.execute(_TABLES).fetchall():
                connection.execute(sql.SQL("VACUUM (FULL, ANALYZE) {}").format(sql.Identifier(schema, name)))
            for what, work in (("statistics", _statistics), ("write-ahead log", _cut_log)):
                try:
                    left += filter(None, [work(connection)])
                except psycopg.errors.InsufficientPrivilege as error:
                    left.append(f"the database's {what} may hold old rows until the server reuses them ({error.diag.message_primary})")  # fmt: skip
    except psycopg.Error as error:
        raise StoreError("the database could not forget", str(error).strip(), "Start it, then run it again.") from error
    return left


def _statistics(connection: Any) -> str:
    # Old rows of pg_statistic hold the most frequent values and histogram bounds of text columns, word for word.
    connection.execute("VACUUM FULL pg_catalog.pg_statistic")
    return ""


def _cut_log(connection: Any) -> str:
    """Leave no segment that was written before now; why not, "" when it is done.

    Recycled ones keep their old bytes until written over.
    """
    connection.execute("ALTER SYSTEM SET wal_recycle = off")
    connection.execute("ALTER SYSTEM SET wal_init_zero = on")
    connection.execute("SELECT pg_reload_conf()")
    try:
        # The server hears of its new settings a moment later, on a busy machine seconds: until then it goes on recycling.
        for number in range(_TRIES):
            if _cut(connection):
                return ""
            time.sleep(0.1 * number)
        return "the database's write-ahead log may hold old rows until the server reuses it: run it again"
    finally:
        connection.execute("ALTER SYSTEM RESET wal_recycle")
        connection.execute("ALTER SYSTEM RESET wal_init_zero")
        connection.execute("SELECT pg_reload_conf()")


def _cut(connection: Any) -> bool:
    """Lead the log past all its segments and drop them; False when one was recycled meanwhile."""
    last = max(_segments(connection))
    for _ in range(_MOST_SEGMENTS):
        if _next(connection) > last:
            break
    # The second one makes the first one's redo point the oldest that is needed.
    connection.execute("CHECKPOINT")
    now = _next(connection)
    connection.execute("CHECKPOINT")
    left = _segments(connection)
    return min(left) > last and max(left) <= now


def _next(connection: Any) -> str:
    """Begin a new segment; its name."""
    connection.execute("SELECT pg_logical_emit_message(false, 'twin', 'forget')")
    connection.execute("SELECT pg_switch_wal()")
    return str(connection.execute("SELECT pg_walfile_name(pg_current_wal_insert_lsn())").fetchone()[0])


def _segments(connection: Any) -> list[str]:
    query = "SELECT name FROM pg_ls_waldir() WHERE length(name) = 24"
    return [name for (name,) in connection.execute(query).fetchall()]
