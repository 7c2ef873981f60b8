"""Search as one SQL query: by similarity, by words, or by both with their ranks fused."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from psycopg import sql

from twin.errors import StoreError
from twin.store.table import OPERATORS, Table, half

_RRF = 60  # Cormack, Clarke & Büttcher 2009, "Reciprocal rank fusion"
_WORDED = 500
"""Rows in which a query's words may stand before its commoner ones call up no more: each such row is read and ranked."""


def depth(limit: int, both: bool) -> int:
    """How many candidates of each kind: fusing needs more than it shows, one kind alone does not."""
    return max(4 * limit, 40) if both else limit


@lru_cache(maxsize=256)
def search(
    table: Table,
    columns: tuple[str, ...],
    *,
    limit: int,
    vector: bool,
    text: bool,
    where: str = "",
    metric: str = "",
    indexed: bool = False,
) -> sql.SQL:
    """The query for the `limit` best rows; parameters by name.

    Takes `embedding` (if vector), `query` (if text) and those of `where`, an SQL condition. `indexed` says that the
    table has its index (`tables.Indexed`); where it is wrong, the query is slow and its answer the same.
    Returns `columns`, then distance (null when a row was not among the nearest), nearest rank, words rank, score.
    Raises StoreError for a metric that pgvector lacks.
    """
    condition = sql.SQL(where or "true")  # type: ignore[arg-type]
    # Limits stand in the text: a plan that does not know them expects a tenth of the table.
    many = depth(limit, both=vector and text)
    kinds = [kind for kind, wanted in (("near", vector), ("word", text)) if wanted]
    parts = [_near(table, metric, condition, many, indexed)] if vector else []
    parts += [_word(table, condition, many)] if text else []
    joined = " FULL JOIN ".join(kinds) + (" USING (entity_key)" if len(kinds) == 2 else "")
    score = " + ".join(f"coalesce(1.0 / ({_RRF} + {kind}.nr), 0)" for kind in kinds)
    text_of_it = (
        sql.SQL(
            "WITH {ctes} SELECT {cols}, {distance} AS distance, {near} AS near, {word} AS word, {score} AS score "
            "FROM {joined} JOIN {t} AS t USING (entity_key) ORDER BY score DESC, entity_key LIMIT {limit}"
        )
        .format(
            ctes=sql.SQL(", ").join(parts),
            cols=sql.SQL(", ").join(sql.SQL("t.{}").format(sql.Identifier(name)) for name in columns),
            t=table.id,
            joined=sql.SQL(joined),
            score=sql.SQL(score),
            limit=sql.Literal(limit),
            distance=sql.SQL("near.distance" if vector else "NULL::float8"),
            near=sql.SQL("near.nr" if vector else "NULL::bigint"),
            word=sql.SQL("word.nr" if text else "NULL::bigint"),
        )
        .as_string(None)
    )
    return sql.SQL(text_of_it)  # type: ignore[arg-type]


def _near(table: Table, metric: str, condition: sql.Composable, many: int, indexed: bool) -> sql.Composed:
    """The nearest rows. The index orders by numbers of half the length; the few it finds are ordered by the whole ones."""
    column = table.vector()
    metric = metric or column.metric
    if metric not in OPERATORS:
        raise StoreError("there is no such distance", metric, f"Known: {', '.join(OPERATORS)}.")
    name, asked = sql.Identifier(column.name), sql.SQL("%(embedding)s::vector")
    distance = sql.SQL("{} {} {}").format(name, sql.SQL(OPERATORS[metric]), asked)
    order = distance
    if indexed and metric == column.metric:
        order = sql.SQL("{} {} {}::{}").format(
            half(column), sql.SQL(OPERATORS[metric]), asked, sql.SQL(f"halfvec({column.dimensions})")
        )
    return sql.SQL(
        "near AS MATERIALIZED (SELECT entity_key, distance, row_number() OVER (ORDER BY distance) AS nr FROM ("
        "SELECT entity_key, {distance} AS distance FROM {t} WHERE {v} IS NOT NULL AND {w} "
        "ORDER BY {order} LIMIT {many}) AS n)"
    ).format(distance=distance, t=table.id, v=name, w=condition, order=order, many=sql.Literal(many))


def _word(table: Table, condition: sql.Composable, many: int) -> sql.Composed:
    """The best rows by words, of which any may match: briefs are long, and all words at once would match nothing.

    Of a large table only rows with one of the query's rarer words are looked at, by PostgreSQL's own statistics, and
    these are ranked by all of its words: ranking a row means reading it, and what stands in every tenth row says little.
    """
    column = table.full_text()
    words = f"{column.name}_words"
    return sql.SQL(
        "asked AS MATERIALIZED (SELECT lexeme, coalesce(share, 0) * greatest((SELECT reltuples FROM pg_class "
        "WHERE oid = {name}::regclass), 0) AS rows FROM unnest(to_tsvector({c}::regconfig, %(query)s)) "
        "LEFT JOIN (SELECT unnest(most_common_elems::text::text[]) AS lexeme, unnest(most_common_elem_freqs) AS share "
        "FROM pg_stats WHERE schemaname = ANY (current_schemas(false)) AND tablename = {table} AND attname = {words}) "
        "AS common USING (lexeme)), "
        "q AS MATERIALIZED (SELECT string_agg(word, '|') FILTER (WHERE nr = 1 OR all_rows <= {worded})::tsquery AS rare, "
        "string_agg(word, '|')::tsquery AS query FROM (SELECT sum(rows) OVER rarest AS all_rows, "
        "row_number() OVER rarest AS nr, "
        "'''' || replace(replace(lexeme, '\\', '\\\\'), '''', '''''') || '''' AS word "
        "FROM asked WINDOW rarest AS (ORDER BY rows, lexeme)) AS l), "
        "word AS MATERIALIZED (SELECT entity_key, row_number() OVER (ORDER BY rank DESC, entity_key) AS nr FROM ("
        "SELECT entity_key, ts_rank({x}, query, 2) AS rank FROM (SELECT entity_key, {x}, q.query FROM {t}, q "
        "WHERE {x} @@ q.rare AND {w} LIMIT {most}) AS m ORDER BY rank DESC, entity_key LIMIT {many}) AS n)"
    ).format(
        name=sql.Literal(table.id.as_string(None)), table=sql.Literal(table.name), words=sql.Literal(words),
        c=sql.Literal(column.full_text), worded=sql.Literal(_WORDED), most=sql.Literal(4 * _WORDED),
        x=sql.Identifier(words), t=table.id, w=condition, many=sql.Literal(many),
    )  # fmt: skip


def listed(names: Sequence[str]) -> sql.Composed:
    """Column names as SQL writes them."""
    return sql.SQL(", ").join(map(sql.Identifier, names))
