"""What Feast keeps: chunks of an author's texts with their embeddings, and each author's style in numbers."""

from datetime import timedelta
from typing import NamedTuple

from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.data_format import ParquetFormat
from feast.types import Array, Float32, Float64, Int64, String, UnixTimestamp

FILTERED = {"index": "true"}
DIMENSION = 384


class Declared(NamedTuple):
    """All objects of the repository."""

    chunk: Entity
    author: Entity
    chunk_embeddings: FeatureView
    author_style: FeatureView


def declare(data: str) -> Declared:
    """The objects, with the offline store below `data` (one folder an author)."""
    chunk = Entity(name="chunk", join_keys=["id"], value_type=ValueType.STRING, description="A piece of a text")
    author = Entity(name="author", join_keys=["author"], value_type=ValueType.STRING, description="Whose twin it is")
    chunk_embeddings = FeatureView(
        name="chunk_embeddings",
        entities=[chunk],
        ttl=timedelta(0),
        schema=[
            Field(name="id", dtype=String),
            Field(name="document_id", dtype=String, tags=FILTERED),
            Field(name="author", dtype=String, tags=FILTERED),
            Field(name="register", dtype=String),
            Field(name="source", dtype=String),
            Field(name="url", dtype=String),
            Field(name="title", dtype=String),
            Field(name="ordinal", dtype=Int64),
            Field(name="text", dtype=String, tags={"full_text": "english"}),
            Field(name="start", dtype=Int64),
            Field(name="end", dtype=Int64),
            Field(name="published_at", dtype=UnixTimestamp),
            Field(name="sha256", dtype=String),
            Field(
                name="embedding", dtype=Array(Float32), vector_index=True, vector_length=DIMENSION,
                vector_search_metric="cosine",
            ),
        ],
        source=_source("chunks", data),
    )  # fmt: skip
    author_style = FeatureView(
        name="author_style",
        entities=[author],
        ttl=timedelta(0),
        schema=[
            Field(name="author", dtype=String),
            Field(name="documents", dtype=Int64),
            Field(name="words", dtype=Int64),
            Field(name="names", dtype=Array(String), description="Stylometric measures, in the order of the numbers"),
            Field(name="means", dtype=Array(Float64)),
            Field(name="deviations", dtype=Array(Float64)),
        ],
        source=_source("author_style", data),
    )
    return Declared(chunk, author, chunk_embeddings, author_style)


def _source(name: str, data: str) -> FileSource:
    return FileSource(
        name=name,
        path=f"{data}/*/features/{name}.parquet",
        timestamp_field="event_timestamp",
        file_format=ParquetFormat(),
    )


chunk, author, chunk_embeddings, author_style = declare("../data")
