"""Tables between stages: Parquet with a schema check at every boundary; a row that fails is kept with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.errors import DataError
from twin.files import replacing
from twin.records import PROVENANCES, REGISTERS, SOURCES, SPLITS, Document

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

_BATCH = 2000

DOCUMENTS = "documents.parquet"
REJECTED = "rejected.parquet"
CHUNKS = "chunks.parquet"
STYLE = "style.parquet"
EXAMPLES = "examples.parquet"
SPLIT_TABLE = "splits.parquet"


def schema(name: str) -> pa.DataFrameSchema:
    """The pandera schema of a table: documents, chunks, examples or splits."""
    import pandera.pandas as pa

    text = pa.Column(str, pa.Check.str_length(min_value=1), nullable=False)
    loose = pa.Column(str, nullable=False)
    moment = pa.Column("datetime64[us, UTC]", nullable=True, coerce=True)
    sha = pa.Column(str, pa.Check.str_length(min_value=64, max_value=64))
    tables: dict[str, dict[str, Any]] = {
        "documents": {
            "id": pa.Column(str, pa.Check.str_length(min_value=3), unique=True),
            "author": text,
            "source": pa.Column(str, pa.Check.isin(SOURCES)),
            "register": pa.Column(str, pa.Check.isin(REGISTERS)),
            "title": loose,
            "text": text,
            "url": loose,
            "published_at": moment,
            "fetched_at": pa.Column("datetime64[us, UTC]", nullable=False, coerce=True),
            "sha256": sha,
            "provenance": pa.Column(str, pa.Check.isin(PROVENANCES)),
            "consent": loose,
            "complete": pa.Column(bool),
            "language": loose,
        },
        "chunks": {
            "id": pa.Column(str, unique=True),
            "document_id": text,
            "author": text,
            "register": pa.Column(str, pa.Check.isin(REGISTERS)),
            "source": pa.Column(str, pa.Check.isin(SOURCES)),
            "url": loose,
            "title": loose,
            "ordinal": pa.Column(int, pa.Check.ge(0)),
            "text": text,
            "start": pa.Column(int, pa.Check.ge(0)),
            "end": pa.Column(int, pa.Check.gt(0)),
            "published_at": moment,
            "sha256": sha,
        },
        "examples": {
            "id": pa.Column(str, unique=True),
            "document_id": text,
            "register": pa.Column(str, pa.Check.isin(REGISTERS)),
            "kind": text,
            "split": pa.Column(str, pa.Check.isin(SPLITS)),
            "messages": text,
            "completion": text,
        },
        "splits": {
            "document_id": pa.Column(str, unique=True),
            "split": pa.Column(str, pa.Check.isin(SPLITS)),
        },
    }
    return pa.DataFrameSchema(tables[name], strict=False, name=name)


def sift(frame: pd.DataFrame, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split rows into those that keep the schema and those that do not (with a `reason` column)."""
    import pandera.pandas as pa

    if frame.empty:
        return frame, frame.assign(reason="")
    frame = frame.reset_index(drop=True)
    try:
        return schema(name).validate(frame, lazy=True), frame.iloc[:0].assign(reason="")
    except pa.errors.SchemaErrors as failures:
        cases = failures.failure_cases
        if cases["index"].isna().any():
            # A whole-column failure (a missing column, a wrong type) is nobody's row: the table itself is wrong.
            first = cases[cases["index"].isna()].iloc[0]
            raise DataError(
                f"table {name}: {first['check']}", first["failure_case"], "Run the stage before it again."
            ) from None
    reasons = cases.groupby("index").apply(
        lambda rows: "; ".join(sorted({f"{r.column}: {r.check}" for r in rows.itertuples()})), include_groups=False
    )
    bad = frame.loc[reasons.index].assign(reason=reasons)
    return schema(name).validate(frame.drop(index=reasons.index)), bad


def write(frame: pd.DataFrame, path: Path, name: str | None = None) -> Path:
    """Write Parquet whole; `name` also checks the table's schema and raises DataError when a row breaks it."""
    if name is not None and not frame.empty:
        good, bad = sift(frame, name)
        if len(bad):
            raise DataError(
                f"{len(bad)} rows of {path.name} break the schema",
                bad["reason"].iloc[0],
                "This is a fault of the stage that wrote it.",
            )
        frame = good
    with replacing(path) as fresh:
        frame.to_parquet(fresh, index=False)
    return path


def write_documents(documents: Iterable[Document], path: Path) -> int:
    """Write documents as they come, a few thousand in memory at a time; how many there were. Checks as `write` does."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = iter(documents)
    fields: pa.Schema | None = None
    count = 0
    with replacing(path) as fresh:
        writer: Any = None
        try:
            while (batch := list(islice(source, _BATCH))) or writer is None:
                frame = documents_frame(batch)
                good, bad = sift(frame, "documents")
                if len(bad):
                    raise DataError(
                        f"{len(bad)} rows of {path.name} break the schema", bad["reason"].iloc[0],
                        "This is a fault of the stage that wrote it.",
                    )  # fmt: skip
                fields = fields or _document_fields()
                table = pa.Table.from_pandas(good, schema=fields, preserve_index=False)
                writer = writer or pq.ParquetWriter(fresh, fields)
                writer.write_table(table)
                count += len(batch)
        finally:
            if writer is not None:
                writer.close()
    return count


def iter_documents(path: Path) -> Iterator[Document]:
    """The documents of a table, a few thousand in memory at a time. Raises DataError when it can't be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        for batch in pq.ParquetFile(path).iter_batches(_BATCH):
            yield from documents_from(batch.to_pandas())
    except (OSError, pa.ArrowException) as error:
        raise DataError("a table can't be read", f"{path} ({error})", "Delete it and run its stage again.") from error


def _document_fields() -> Any:
    import pyarrow as pa

    kinds = {"published_at": pa.timestamp("us", "UTC"), "fetched_at": pa.timestamp("us", "UTC"), "complete": pa.bool_()}
    return pa.schema([(name, kinds.get(name, pa.string())) for name in Document.__dataclass_fields__])


def read(path: Path, name: str | None = None) -> pd.DataFrame:
    """Read Parquet and check its schema; raises DataError naming the file and the stage to run."""
    import pandas as pd

    if not path.exists():
        raise DataError(
            "a stage's input is missing",
            path,
            f"Run the stage that writes {path.parent.name} first, or all with `dvc repro`.",
        )
    try:
        frame = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise DataError("a table can't be read", f"{path} ({error})", "Delete it and run its stage again.") from error
    if name is not None and not frame.empty:
        frame, bad = sift(frame, name)
        if len(bad):
            raise DataError(
                f"{len(bad)} rows of {path} break the schema", bad["reason"].iloc[0], "Run its stage again."
            )
    return frame


def documents_frame(documents: Iterable[Document]) -> pd.DataFrame:
    """Documents as a table with the schema's columns and types, also when there are none."""
    import pandas as pd

    columns = list(Document.__dataclass_fields__)
    frame = pd.DataFrame([d.as_row() for d in documents], columns=columns)
    for column in ("published_at", "fetched_at"):
        frame[column] = pd.to_datetime(frame[column], utc=True).astype("datetime64[us, UTC]")
    frame["complete"] = frame["complete"].astype(bool)
    return frame


def documents_from(frame: pd.DataFrame) -> list[Document]:
    """The rows of a documents table as records."""
    import pandas as pd

    rows = frame[list(Document.__dataclass_fields__)].to_dict("records")
    for row in rows:
        stamp = row["published_at"]
        row["published_at"] = None if pd.isna(stamp) else stamp.to_pydatetime()
        row["fetched_at"] = row["fetched_at"].to_pydatetime()
    return [Document(**{str(k): v for k, v in row.items()}) for row in rows]
