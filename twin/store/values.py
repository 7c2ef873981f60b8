"""Feast's values as cells of PostgreSQL, and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from feast import FeatureView
from feast.protos.feast.types.Value_pb2 import Value
from feast.type_map import feast_value_type_to_python_type, python_values_to_proto_values
from feast.value_type import ValueType

from twin.store.table import Column

TYPES = {
    ValueType.STRING: "text",
    ValueType.INT32: "bigint",
    ValueType.INT64: "bigint",
    ValueType.FLOAT: "real",
    ValueType.DOUBLE: "double precision",
    ValueType.BOOL: "boolean",
    ValueType.BYTES: "bytea",
    ValueType.UNIX_TIMESTAMP: "timestamp with time zone",
    ValueType.STRING_LIST: "text[]",
    ValueType.INT32_LIST: "bigint[]",
    ValueType.INT64_LIST: "bigint[]",
    ValueType.FLOAT_LIST: "real[]",
    ValueType.DOUBLE_LIST: "double precision[]",
    ValueType.BOOL_LIST: "boolean[]",
}
# What has one field of its own in Feast's Value: set directly, since Feast's way to it takes ten times as long.
_PLAIN = {
    ValueType.STRING: "string_val",
    ValueType.INT32: "int32_val",
    ValueType.INT64: "int64_val",
    ValueType.FLOAT: "float_val",
    ValueType.DOUBLE: "double_val",
    ValueType.BOOL: "bool_val",
}
_PLAIN_FIELDS = frozenset(_PLAIN.values())


def value_types(view: FeatureView) -> dict[str, ValueType]:
    """Feast's type of each field of a view, keys too."""
    return {field.name: field.dtype.to_value_type() for field in (*view.entity_columns, *view.features)}


def to_cell(value: Value | None, column: Column) -> Any:
    """A value as its column takes it."""
    kind = None if value is None else value.WhichOneof("val")
    if value is None or kind in (None, "null_val"):
        return None
    if column.type == "bytea" and kind != "bytes_val":
        return value.SerializeToString()
    if column.metric:
        import numpy as np

        return np.fromiter(getattr(value, kind).val, dtype=np.float32)
    if column.type == "timestamp with time zone":
        return _moment(value.unix_timestamp_val)
    if kind in _PLAIN_FIELDS:
        return getattr(value, kind)
    return feast_value_type_to_python_type(value)


def _moment(seconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OSError, OverflowError, ValueError):  # pandas' NaT reaches Feast as a number beyond all time
        return None


def to_values(types: dict[str, ValueType], names: Sequence[str], cells: Sequence[Any]) -> dict[str, Value]:
    """Cells of a row as Feast's values, by their names."""
    return {name: _to_value(types[name], cell) for name, cell in zip(names, cells, strict=True)}


def _to_value(kind: ValueType, cell: Any) -> Value:
    if cell is None:
        return Value()
    if kind in _PLAIN:
        return Value(**{_PLAIN[kind]: cell})
    if kind not in TYPES:
        return Value.FromString(bytes(cell))  # type: ignore[no-any-return]
    if kind in (ValueType.FLOAT_LIST, ValueType.DOUBLE_LIST):
        value = Value()
        getattr(value, "float_list_val" if kind is ValueType.FLOAT_LIST else "double_list_val").val.extend(
            cell.to_list() if hasattr(cell, "to_list") else cell
        )
        return value
    if kind is ValueType.BYTES:
        cell = bytes(cell)
    return python_values_to_proto_values([cell], kind)[0]  # type: ignore[no-any-return]
