"""Traces taken out of a SQLite database (MLflow keeps one): the cells that hold one are emptied, all else stays."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from twin.text.traces import Traces

# Table, column, and what its row is known by.
_Cell = tuple[str, str, dict[str, Any]]


def holds(path: Path, traces: Traces) -> bool:
    """Whether a cell of a table holds a trace."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            return any(True for _ in _found(database, traces))
    except sqlite3.Error:
        return traces.in_text(path.read_bytes().decode("utf-8", "ignore"))


def erase(path: Path, traces: Traces) -> str:
    """Empty these cells (a row whose cell must not be empty goes) and pack the file, so that no byte is left in it.

    A row known by its words alone goes whole. "" for a file that is damaged: nothing can be taken out of it.
    """
    try:
        with closing(sqlite3.connect(path, timeout=30)) as database:
            cells = list(_found(database, traces))
            for table, column, row in cells:
                _empty(database, table, column, row)
            database.commit()
            if cells:
                database.execute("VACUUM")
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return ""
    return f"{len(cells)} cells emptied" if cells else ""


def _empty(database: sqlite3.Connection, table: str, column: str, row: dict[str, Any]) -> None:
    where = " AND ".join(f'"{key}" IS ?' if key != "rowid" else "rowid = ?" for key in row)
    if "rowid" in row:
        try:
            database.execute(f'UPDATE "{table}" SET "{column}" = \'\' WHERE {where}', [*row.values()])  # noqa: S608
            return
        except sqlite3.IntegrityError:
            pass
    database.execute(f'DELETE FROM "{table}" WHERE {where}', [*row.values()])  # noqa: S608


def _found(database: sqlite3.Connection, traces: Traces) -> Iterator[_Cell]:
    tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        told = list(database.execute(f'PRAGMA table_info("{table}")'))
        columns = [row[1] for row in told]
        names = ", ".join(f'"{column}"' for column in columns)
        keys = ["rowid"]
        try:
            rows = database.execute(f'SELECT rowid, {names} FROM "{table}"')  # noqa: S608
        except sqlite3.OperationalError:
            # A table without row numbers.
            keys = [row[1] for row in told if row[5]]
            if not keys:
                continue
            key_names = ", ".join(f'"{key}"' for key in keys)
            rows = database.execute(f'SELECT {key_names}, {names} FROM "{table}"')  # noqa: S608
        for values in rows:
            for column, value in zip(columns, values[len(keys) :], strict=True):
                if isinstance(value, str | bytes) and traces.in_value(value):
                    yield table, column, dict(zip(keys, values, strict=False))
