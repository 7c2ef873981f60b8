"""A Feast online store on PostgreSQL + pgvector: `online_store: {type: twin.store.online.PgVectorOnlineStore}`.

Any Feast user may take it: a feature view is one table with a column a feature. A field with `vector_index=True` and a
`vector_length` becomes a typed vector (HNSW past 10,000 rows); the tag `full_text: <configuration>` makes a String
field searchable by words, the tag `index: "true"` gives a field a B-tree for filters. A search says the metric that the
field has: for another one (Feast's own default is L2) every row is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from feast import Entity, FeatureView, RepoConfig
from feast.filter_models import ComparisonFilter, CompoundFilter
from feast.infra.key_encoding_utils import deserialize_entity_key, serialize_entity_key
from feast.infra.online_stores.helpers import compute_table_id
from feast.infra.online_stores.online_store import OnlineStore
from feast.infra.online_stores.vector_store import VectorStoreConfig
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.repo_config import FeastConfigBaseModel
from feast.value_type import ValueType
from psycopg import sql

from twin.errors import StoreError
from twin.store import table as tables
from twin.store.connection import EF_SEARCH, open_pool, speaking
from twin.store.query import listed, search
from twin.store.table import Column, Indexed, Table
from twin.store.values import TYPES, to_cell, to_values, value_types

_COMPARE = {"eq": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}

Row = tuple[EntityKey, dict[str, Value], datetime, datetime | None]
Read = tuple[datetime | None, dict[str, Value] | None]
Found = tuple[datetime | None, EntityKey | None, dict[str, Value] | None]
Filter: TypeAlias = ComparisonFilter | CompoundFilter


class PgVectorOnlineStoreConfig(FeastConfigBaseModel, VectorStoreConfig):  # type: ignore[misc]
    """`database_url` is a libpq URL; `pool_size` bounds this process's connections.

    Up to `exact_rows` rows a search reads every vector; past them it goes through HNSW, which looks at `ef_search`
    candidates: more are slower and miss less.
    """

    type: Literal["twin.store.online.PgVectorOnlineStore"] = "twin.store.online.PgVectorOnlineStore"
    database_url: str
    pool_size: int = 8
    exact_rows: int = tables.EXACT_ROWS
    ef_search: int = EF_SEARCH


class PgVectorOnlineStore(OnlineStore):  # type: ignore[misc]
    """Feast's online store interface over `twin.store.table`."""

    _pool: Any = None

    def __init__(self) -> None:
        super().__init__()
        self._indexed = Indexed()

    def _connect(self, config: RepoConfig) -> Any:
        own = config.online_store
        if self._pool is None:
            self._pool = open_pool(own.database_url, own.pool_size, own.ef_search)
        return self._pool.connection()

    def release(self) -> None:
        """Give this process's connections back; the next call opens new ones."""
        if self._pool is not None:
            self._pool.close()
        self._pool = None

    async def close(self) -> None:
        """What Feast calls when it shuts down."""
        self.release()

    def online_write_batch(
        self, config: RepoConfig, table: FeatureView, data: list[Row], progress: Callable[[int], Any] | None
    ) -> None:
        """Upsert rows in one transaction; builds the vector index when the table has outgrown exact search."""
        shape = table_of(config, table)
        with speaking(config.online_store.database_url), self._connect(config) as connection:
            tables.loosen(connection, shape, len(data))
            tables.upsert(connection, shape, (_to_row(config, shape, row) for row in data))
            tables.tend(connection, shape, len(data), config.online_store.exact_rows)
        self._indexed.forget()
        if progress:
            progress(len(data))

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKey],
        requested_features: list[str] | None = None,
    ) -> list[Read]:
        """Rows in the order of `entity_keys`; (None, None) for a key that is not there."""
        shape = table_of(config, table)
        names = requested_features or [c.name for c in shape.columns]
        keys = [_key(config, key) for key in entity_keys]
        query = sql.SQL("SELECT entity_key, event_ts, {} FROM {} WHERE entity_key = ANY(%s)").format(
            listed(names), shape.id
        )
        with speaking(config.online_store.database_url), self._connect(config) as connection:
            rows = {bytes(row[0]): row[1:] for row in connection.execute(query, [keys], binary=True).fetchall()}
        types = value_types(table)
        return [(rows[key][0], to_values(types, names, rows[key][1:])) if key in rows else (None, None) for key in keys]

    def update(
        self,
        config: RepoConfig,
        tables_to_delete: Sequence[FeatureView],
        tables_to_keep: Sequence[FeatureView],
        entities_to_delete: Sequence[Entity],
        entities_to_keep: Sequence[Entity],
        partial: bool,
    ) -> None:
        """Make, alter and drop tables so that they fit the feature views."""
        with speaking(config.online_store.database_url), self._connect(config) as connection:
            for view in tables_to_delete:
                tables.drop(connection, _name(config, view))
            for view in tables_to_keep:
                tables.create(connection, table_of(config, view))

    def teardown(self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Entity]) -> None:
        """Drop the views' tables."""
        self.update(config, tables, [], entities, [], partial=True)

    def retrieve_online_documents_v2(
        self,
        config: RepoConfig,
        table: FeatureView,
        requested_features: list[str],
        embedding: list[float] | None,
        top_k: int,
        distance_metric: str | None = None,
        query_string: str | None = None,
        filters: Filter | None = None,
        include_feature_view_version_metadata: bool = False,
    ) -> list[Found]:
        """The best rows by similarity, by words, or by both (reciprocal rank fusion), in the order of their keys.

        Beside the requested features each row has `distance` (when among the nearest) and, if words were asked for,
        `text_rank` (the fused score): sort by these. Best first can't be had: Feast 0.67 puts the n-th row it gets
        beside the n-th smallest key (utils._get_unique_entities_from_values), so any other order gives a key the
        features of another.
        """
        import numpy as np

        shape = table_of(config, table)
        parameters: dict[str, Any] = {"query": query_string}
        parameters["embedding"] = None if embedding is None else np.asarray(embedding, dtype=np.float32)
        where = _where(shape, filters, parameters)
        with speaking(config.online_store.database_url), self._connect(config) as connection:
            query = search(
                shape,
                ("event_ts", "entity_key", *requested_features),
                limit=top_k,
                vector=embedding is not None,
                text=bool(query_string),
                where="" if where is None else where.as_string(None),
                metric=(distance_metric or "").lower(),
                indexed=embedding is not None and self._indexed(connection, shape),
            )
            rows = connection.execute(query, parameters, binary=True).fetchall()
        types = value_types(table)
        return sorted((_found(types, requested_features, row, bool(query_string)) for row in rows), key=_by_key)


def table_of(config: RepoConfig, view: FeatureView) -> Table:
    """The typed table of a feature view."""
    keys = tuple(Column(c.name, TYPES.get(c.dtype.to_value_type(), "text")) for c in view.entity_columns)
    return Table(_name(config, view), keys, tuple(_column(field) for field in view.features))


def _name(config: RepoConfig, view: FeatureView) -> str:
    return str(compute_table_id(config.project, view, config.registry.enable_online_feature_view_versioning))


def _column(field: Any) -> Column:
    index = field.tags.get("index") == "true"
    if not field.vector_index:
        kind = TYPES.get(field.dtype.to_value_type(), "bytea")
        return Column(field.name, kind, full_text=field.tags.get("full_text", ""), index=index)
    metric = (field.vector_search_metric or "cosine").lower()
    if not field.vector_length or metric not in tables.OPERATORS:
        raise StoreError(
            f"the vector {field.name} has no usable vector_length or vector_search_metric",
            f"{field.vector_length}, {metric}",
            f"Give both; metrics are {', '.join(tables.OPERATORS)}.",
        )
    return Column(field.name, f"vector({field.vector_length})", metric=metric, dimensions=field.vector_length)


def _key(config: RepoConfig, key: EntityKey) -> bytes:
    return bytes(serialize_entity_key(key, entity_key_serialization_version=config.entity_key_serialization_version))


def _to_row(config: RepoConfig, table: Table, row: Row) -> list[Any]:
    key, values, event, created = row
    joins = dict(zip(key.join_keys, key.entity_values, strict=True))
    cells = [to_cell(joins.get(c.name), c) for c in table.keys] + [
        to_cell(values.get(c.name), c) for c in table.columns
    ]
    return [_key(config, key), _aware(event), None if created is None else _aware(created), *cells]


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _found(types: dict[str, ValueType], names: Sequence[str], row: Sequence[Any], worded: bool) -> Found:
    event, key, *cells = row
    *features, distance, _, _, score = cells
    values = to_values(types, names, features)
    if distance is not None:
        values["distance"] = Value(double_val=float(distance))
    if worded:
        values["text_rank"] = Value(double_val=float(score))
    return event, deserialize_entity_key(bytes(key)), values


def _by_key(found: Found) -> tuple[Any, ...]:
    key = found[1]
    return tuple(getattr(value, value.WhichOneof("val")) for value in key.entity_values) if key is not None else ()


def _where(table: Table, filters: Filter | None, parameters: dict[str, Any]) -> sql.Composable | None:
    """A filter as SQL; its values go into `parameters`. Raises StoreError for a field that the table lacks."""
    if filters is None:
        return None
    if isinstance(filters, CompoundFilter):
        parts = [part for inner in filters.filters if (part := _where(table, inner, parameters)) is not None]
        return sql.SQL("({})").format(sql.SQL(f" {filters.type.upper()} ").join(parts)) if parts else None
    known = {c.name for c in (*table.keys, *table.columns)}
    if filters.key not in known:
        raise StoreError("there is no such field to filter on", filters.key, f"Known: {', '.join(sorted(known))}.")
    name = f"filter_{len(parameters)}"
    parameters[name] = list(filters.value) if filters.type in ("in", "nin") else filters.value
    template = {"in": "{} = ANY({})", "nin": "{} <> ALL({})"}.get(filters.type) or f"{{}} {_COMPARE[filters.type]} {{}}"
    return sql.SQL(template).format(sql.Identifier(filters.key), sql.Placeholder(name))
