"""One feature view as one typed PostgreSQL table: its columns, its indexes and its rows.

Feast's stock store keeps a row per feature and an untyped vector, so each search sorts the whole table. Here a row is
an entity and a vector has its length in its type: it can be read in place, and indexed once the table is large.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from twin.errors import StoreError

if TYPE_CHECKING:
    from psycopg import Connection

EXACT_ROWS = 10_000
"""Up to this many rows a full scan is both exact and fast; past it the vectors get an HNSW index."""

LINKS, BUILT_WITH = 16, 128
"""HNSW's m and ef_construction: `bench.store` says what they give."""

_LOOK_SECONDS = 30.0
_INDEXABLE = 4_000  # numbers of a halfvec that HNSW takes
_NAME_BYTES = 63

OPERATORS = {"cosine": "<=>", "l2": "<->", "inner_product": "<#>", "l1": "<+>"}
_CLASSES = {
    "cosine": "halfvec_cosine_ops",
    "l2": "halfvec_l2_ops",
    "inner_product": "halfvec_ip_ops",
    "l1": "halfvec_l1_ops",
}
_INLINE_DIMENSIONS = 1500  # a vector this long still fits on a page, beside its row


@dataclass(frozen=True, slots=True)
class Column:
    """`type` is PostgreSQL's; `metric` marks the vector to search, `full_text` names a text search configuration."""

    name: str
    type: str
    metric: str = ""
    dimensions: int = 0
    full_text: str = ""
    index: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A feature view's table: the entity's serialised key, its join keys, the features."""

    name: str
    keys: tuple[Column, ...]
    columns: tuple[Column, ...]

    @property
    def id(self) -> sql.Identifier:
        """The quoted name."""
        return sql.Identifier(self.name)

    def vector(self) -> Column:
        """The column to search by similarity; raises StoreError when there is none."""
        for column in self.columns:
            if column.metric:
                return column
        raise StoreError(
            "the feature view has no vector", self.name, "Mark a field with vector_index=True and vector_length."
        )

    def full_text(self) -> Column:
        """The column to search by words; raises StoreError when there is none."""
        for column in self.columns:
            if column.full_text:
                return column
        raise StoreError(
            "the feature view has no searchable text", self.name, "Give a String field the tag full_text=english."
        )


def create(connection: Connection[Any], table: Table) -> None:
    """Make the table, or bring an older one to these columns: a column whose type changed is made anew, empty."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [table.name])
        connection.execute(
            sql.SQL(
                "CREATE TABLE IF NOT EXISTS {} "
                "(entity_key bytea PRIMARY KEY, event_ts timestamptz NOT NULL, created_ts timestamptz)"
            ).format(table.id)
        )
        present = _present(connection, table)
        wanted = {c.name: c for c in (*table.keys, *table.columns)}
        for name, kind in present.items():
            if name not in wanted or wanted[name].type != kind:
                connection.execute(
                    sql.SQL("ALTER TABLE {} DROP COLUMN {} CASCADE").format(table.id, sql.Identifier(name))
                )
        for column in wanted.values():
            if present.get(column.name) != column.type:
                _add(connection, table, column)


def _present(connection: Connection[Any], table: Table) -> dict[str, str]:
    rows = connection.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''",
        [table.id.as_string(connection)],
    ).fetchall()
    return {name: kind for name, kind in rows if name not in ("entity_key", "event_ts", "created_ts")}


def _add(connection: Connection[Any], table: Table, column: Column) -> None:
    name = sql.Identifier(column.name)
    connection.execute(sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(table.id, name, sql.SQL(column.type)))
    if column.metric and column.dimensions <= _INLINE_DIMENSIONS:
        # In the row itself: a scan that fetched each vector from the side table would take four times as long.
        connection.execute(sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET STORAGE PLAIN").format(table.id, name))
    if column.index:
        connection.execute(sql.SQL("CREATE INDEX ON {} ({})").format(table.id, name))
    if column.full_text:
        words = sql.Identifier(f"{column.name}_words")
        connection.execute(
            sql.SQL(
                "ALTER TABLE {} ADD COLUMN {} tsvector "
                "GENERATED ALWAYS AS (to_tsvector({}::regconfig, coalesce({}, ''))) STORED"
            ).format(table.id, words, sql.Literal(column.full_text), name)
        )
        # Ranking reads the words of hundreds of rows, an answer the text of ten: it is the text that moves out.
        connection.execute(sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET STORAGE MAIN").format(table.id, words))
        connection.execute(sql.SQL("CREATE INDEX ON {} USING gin ({})").format(table.id, words))


def drop(connection: Connection[Any], name: str) -> None:
    """Remove a table with its rows; nothing happens when there is none."""
    connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name)))


def upsert(connection: Connection[Any], table: Table, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows (entity_key, event_ts, created_ts, *keys, *columns) in one transaction; a known key is replaced."""
    names = ["entity_key", "event_ts", "created_ts", *(c.name for c in (*table.keys, *table.columns))]
    listed = sql.SQL(", ").join(map(sql.Identifier, names))
    types = ["bytea", "timestamptz", "timestamptz", *(c.type for c in (*table.keys, *table.columns))]
    fresh = sql.SQL(", ").join(
        sql.SQL("{} = excluded.{}").format(sql.Identifier(n), sql.Identifier(n)) for n in names[1:]
    )
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.incoming")
        declared = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(n), sql.SQL(t)) for n, t in zip(names, types, strict=True)
        )
        cursor.execute(sql.SQL("CREATE TEMP TABLE incoming (nr bigserial, {}) ON COMMIT DROP").format(declared))
        with cursor.copy(sql.SQL("COPY incoming ({}) FROM STDIN WITH (FORMAT BINARY)").format(listed)) as copy:
            copy.set_types([kind.partition("(")[0] for kind in types])
            for row in rows:
                copy.write_row(row)
        cursor.execute(
            sql.SQL(
                "INSERT INTO {} ({}) SELECT DISTINCT ON (entity_key) {} FROM incoming "
                "ORDER BY entity_key, event_ts DESC, nr DESC "
                "ON CONFLICT (entity_key) DO UPDATE SET {}"
            ).format(table.id, listed, listed, fresh)
        )


def half(column: Column) -> sql.Composed:
    """A vector in half precision: what the index keeps, in half the memory."""
    return sql.SQL("({}::{})").format(sql.Identifier(column.name), sql.SQL(f"halfvec({column.dimensions})"))


def loosen(connection: Connection[Any], table: Table, coming: int) -> None:
    """Take the vector index away before a load after which making it anew is faster than growing it row by row."""
    column = next((c for c in table.columns if c.metric), None)
    if column is None:
        return
    name = sql.Identifier(_index_name(table, column))
    found = connection.execute(
        "SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s) AND to_regclass(%s) IS NOT NULL",
        [table.id.as_string(connection), name.as_string(connection)],
    ).fetchone()
    # A row costs about three times as much in an index that is there as in one that is being made.
    if found is not None and coming * 2 > found[0]:
        connection.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(name))


def tend(connection: Connection[Any], table: Table, written: int, exact_rows: int = EXACT_ROWS) -> bool:
    """After `written` new rows: fresh statistics if they are many, and the HNSW index once past `exact_rows`.

    True when the index was made now. Vectors of more than 4,000 numbers have none: pgvector can't index them.
    """
    made = _index(connection, table, exact_rows)
    found = connection.execute(
        "SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [table.id.as_string(connection)]
    ).fetchone()
    # Searches are planned by the statistics: after a load the server's own next look may be minutes away.
    if made or (found is not None and written * 5 >= found[0]):
        connection.execute(sql.SQL("ANALYZE {}").format(table.id))
    return made


def _index(connection: Connection[Any], table: Table, exact_rows: int) -> bool:
    column = next((c for c in table.columns if c.metric), None)
    if column is None or column.dimensions > _INDEXABLE:
        return False
    name = _index_name(table, column)
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [table.name])
        few = sql.SQL(
            "SELECT to_regclass(%s) IS NULL AND (SELECT count(*) FROM (SELECT 1 FROM {} LIMIT %s) AS few) > %s"
        )
        found = connection.execute(
            few.format(table.id), [sql.Identifier(name).as_string(connection), exact_rows + 1, exact_rows]
        ).fetchone()
        if found is None or not found[0]:
            return False
        connection.execute(
            sql.SQL("CREATE INDEX {} ON {} USING hnsw ({} {}) WITH (m = {}, ef_construction = {})").format(
                sql.Identifier(name), table.id, half(column), sql.SQL(_CLASSES[column.metric]), LINKS, BUILT_WITH
            )
        )
        # What earlier versions made, over the whole numbers.
        connection.execute(
            sql.SQL("DROP INDEX IF EXISTS {}").format(sql.Identifier(f"{table.name}_{column.name}_hnsw"[:_NAME_BYTES]))
        )
    return True


def _index_name(table: Table, column: Column) -> str:
    name = f"{table.name}_{column.name}_half"
    if len(name.encode()) <= _NAME_BYTES:
        return name
    return f"half_{hashlib.sha256(name.encode()).hexdigest()[:32]}"


class Indexed:
    """Which tables have their vector index, asked at most every half a minute. Threads may share one."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, bool]] = {}

    def __call__(self, connection: Connection[Any], table: Table) -> bool:
        """Whether a search of this table by similarity can go through its index."""
        at, known = self._known.get(table.name, (-1e9, False))
        if time.monotonic() - at > _LOOK_SECONDS:
            column = table.vector()
            row = connection.execute(
                "SELECT to_regclass(%s) IS NOT NULL", [sql.Identifier(_index_name(table, column)).as_string(connection)]
            ).fetchone()
            known = bool(row and row[0])
            self._known[table.name] = (time.monotonic(), known)
        return known

    def forget(self) -> None:
        """Ask again at the next search: something was written."""
        self._known = {}
