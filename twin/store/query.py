"""Search as one SQL query: by similarity, by words, or by both with their ranks fused."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from twin.store.table import OPERATORS, Table

_RRF = 60  # Cormack, Clarke & Büttcher 2009, "Reciprocal rank fusion"


def depth(limit: int, both: bool) -> int:
    """How many candidates of each kind: fusing needs more than it shows, one kind alone does not."""
    return max(4 * limit, 40) if both else limit


def search(
    table: Table,
    columns: Sequence[str],
    *,
    vector: bool,
    text: bool,
    where: sql.Composable | None = None,
    metric: str = "",
) -> sql.Composed:
    """The query for the best rows; parameters by name.

    Takes `embedding` (if vector), `query` (if text), `limit`, `depth` (candidates of each kind) and those of `where`.
    Returns `columns`, then distance (null when a row was not among the nearest), nearest rank, words rank, score.
    """
    condition = where or sql.SQL("true")
    kinds = [kind for kind, wanted in (("near", vector), ("word", text)) if wanted]
    parts = [_near(table, metric, condition)] if vector else []
    parts += [_word(table, condition)] if text else []
    joined = " FULL JOIN ".join(kinds) + (" USING (entity_key)" if len(kinds) == 2 else "")
    score = " + ".join(f"coalesce(1.0 / ({_RRF} + {kind}.nr), 0)" for kind in kinds)
    return sql.SQL(
        "WITH {ctes} SELECT {cols}, {distance} AS distance, {near} AS near, {word} AS word, {score} AS score "
        "FROM {joined} JOIN {t} AS t USING (entity_key) ORDER BY score DESC, entity_key LIMIT %(limit)s"
    ).format(
        ctes=sql.SQL(", ").join(parts),
        cols=sql.SQL(", ").join(sql.SQL("t.{}").format(sql.Identifier(name)) for name in columns),
        t=table.id,
        joined=sql.SQL(joined),
        score=sql.SQL(score),
        distance=sql.SQL("near.distance" if vector else "NULL::float8"),
        near=sql.SQL("near.nr" if vector else "NULL::bigint"),
        word=sql.SQL("word.nr" if text else "NULL::bigint"),
    )


def _near(table: Table, metric: str, condition: sql.Composable) -> sql.Composed:
    column = table.vector()
    return sql.SQL(
        "near AS MATERIALIZED (SELECT entity_key, distance, row_number() OVER (ORDER BY distance) AS nr FROM ("
        "SELECT entity_key, {v} {op} %(embedding)s::vector AS distance FROM {t} WHERE {v} IS NOT NULL AND {w} "
        "ORDER BY {v} {op} %(embedding)s::vector LIMIT %(depth)s) AS n)"
    ).format(v=sql.Identifier(column.name), op=sql.SQL(OPERATORS[metric or column.metric]), t=table.id, w=condition)


def _word(table: Table, condition: sql.Composable) -> sql.Composed:
    """Any of the query's words may match: briefs are long, and all words at once would match nothing."""
    column = table.full_text()
    return sql.SQL(
        "q AS MATERIALIZED ("
        "SELECT replace(plainto_tsquery({c}::regconfig, %(query)s)::text, '&', '|')::tsquery AS query), "
        "word AS MATERIALIZED (SELECT entity_key, row_number() OVER (ORDER BY rank DESC, entity_key) AS nr FROM ("
        "SELECT entity_key, ts_rank({x}, q.query, 2) AS rank FROM {t}, q WHERE {x} @@ q.query AND {w} "
        "ORDER BY rank DESC, entity_key LIMIT %(depth)s) AS n)"
    ).format(c=sql.Literal(column.full_text), x=sql.Identifier(f"{column.name}_words"), t=table.id, w=condition)
