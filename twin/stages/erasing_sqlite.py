"""Traces taken out of a SQLite database (MLflow keeps one): the cells that hold one are emptied, all else stays."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from twin.text.traces import Traces

_Cell = tuple[str, str, int]


def holds(path: Path, traces: Traces) -> bool:
    """Whether a cell of a table holds a trace."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            return any(True for _ in _found(database, traces))
    except sqlite3.Error:
        return traces.in_text(path.read_bytes().decode("utf-8", "ignore"))


def erase(path: Path, traces: Traces) -> str:
    """Empty these cells (a row whose cell must not be empty goes) and pack the file, so that no byte is left in it."""
    with closing(sqlite3.connect(path, timeout=30)) as database:
        cells = list(_found(database, traces))
        for table, column, row in cells:
            try:
                database.execute(f'UPDATE "{table}" SET "{column}" = \'\' WHERE rowid = ?', (row,))  # noqa: S608
            except sqlite3.IntegrityError:
                database.execute(f'DELETE FROM "{table}" WHERE rowid = ?', (row,))  # noqa: S608
        database.commit()
        if cells:
            database.execute("VACUUM")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return f"{len(cells)} cells emptied" if cells else ""


def _found(database: sqlite3.Connection, traces: Traces) -> Iterator[_Cell]:
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        columns = [row[1] for row in database.execute(f'PRAGMA table_info("{table}")')]
        names = ", ".join(f'"{column}"' for column in columns)
        try:
            rows = database.execute(f'SELECT rowid, {names} FROM "{table}"')  # noqa: S608
        except sqlite3.OperationalError:
            continue
        for row, *values in rows:
            for column, value in zip(columns, values, strict=True):
                if isinstance(value, str | bytes) and traces.in_value(value):
                    yield table, column, row
