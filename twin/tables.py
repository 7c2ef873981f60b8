"""Tables between stages: Parquet with a schema check at every boundary; a row that fails is kept with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.errors import DataError
from twin.files import replacing
from twin.records import PROVENANCES, REGISTERS, SOURCES, SPLITS, Document

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

DOCUMENTS = "documents.parquet"
REJECTED = "rejected.parquet"
CHUNKS = "chunks.parquet"
STYLE = "style.parquet"
EXAMPLES = "examples.parquet"
SPLIT_TABLE = "splits.parquet"
PAIRS = "pairs.parquet"


def schema(name: str) -> pa.DataFrameSchema:
    """The pandera schema of a table: documents, chunks, examples, splits or pairs."""
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
        "pairs": {
            "document_id": text,
            "source": text,
            "messages": text,
            "chosen": text,
            "rejected": text,
            "ends": pa.Column(bool),
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
        frame.to_parquet(fresh, index=False, write_page_checksum=True)
    return path


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
        frame = pd.read_parquet(path, page_checksum_verification=True)
    except (OSError, ValueError) as error:
        raise DataError("a table can't be read", f"{path} ({error})", "Delete it and run its stage again.") from error
    if name is not None and not frame.empty:
        frame, bad = sift(frame, name)
        if len(bad):
            raise DataError(
                f"{len(bad)} rows of {path} break the schema", bad["reason"].iloc[0], "Run its stage again."
            )
    return frame


class Writer:
    """A documents table written batch by batch, a row group each; use it in a `with`. `reasoned` adds `reason`.

    Every batch of a table without reasons is checked against the schema, DataError when a row breaks it; unless it is
    a `passing` one, that no other stage will see.
    """

    def __init__(self, path: Path, reasoned: bool = False, passing: bool = False) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        moment = pa.timestamp("us", tz="UTC")
        kinds = {"published_at": moment, "fetched_at": moment, "complete": pa.bool_()}
        names = [*Document.__dataclass_fields__, *(["reason"] if reasoned else [])]
        self.path, self.rows, self._checked = path, 0, not (reasoned or passing)
        self._schema = pa.schema([(name, kinds.get(name, pa.string())) for name in names])
        self._writer = pq.ParquetWriter(path, self._schema, write_page_checksum=True)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, frame: pd.DataFrame) -> None:
        """Append a frame with this table's columns as one row group; an empty one adds nothing."""
        import pyarrow as pa

        if frame.empty:
            return
        if self._checked:
            _, bad = sift(frame, "documents")
            if len(bad):
                raise DataError(
                    f"{len(bad)} rows of {self.path.name} break the schema",
                    bad["reason"].iloc[0],
                    "This is a fault of the stage that wrote it.",
                )
        try:
            table = pa.Table.from_pandas(frame, schema=self._schema, preserve_index=False)
        except (pa.ArrowInvalid, pa.ArrowTypeError, KeyError):
            # Rejected rows may hold anything: what is not of the column's type is kept as words, or left empty.
            table = pa.Table.from_arrays([_forced(frame, field) for field in self._schema], schema=self._schema)
        self._writer.write_table(table)
        self.rows += len(frame)


def _forced(frame: pd.DataFrame, field: Any) -> Any:
    import pyarrow as pa

    values = list(frame[field.name]) if field.name in frame.columns else [None] * len(frame)
    made = []
    for value in values:
        try:
            made.append(pa.scalar(value, field.type).as_py())
        except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError):
            made.append(str(value) if pa.types.is_string(field.type) else None)
    return pa.array(made, field.type)


def batches(path: Path, size: int = 1000, columns: list[str] | None = None) -> Iterator[pd.DataFrame]:
    """The table in pieces of at most `size` rows, unchecked; raises DataError as `read` does."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.exists():
        read(path)
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for batch in file.iter_batches(size, columns=columns):
                yield batch.to_pandas()
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError("a table can't be read", f"{path} ({error})", "Delete it and run its stage again.") from error


def count(path: Path) -> int:
    """How many rows a table has, by its footer alone; raises DataError as `read` does."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.exists():
        read(path)
    try:
        return int(pq.ParquetFile(path).metadata.num_rows)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError("a table can't be read", f"{path} ({error})", "Delete it and run its stage again.") from error


def documents_frame(documents: Iterable[Document]) -> pd.DataFrame:
    """Documents as a table with the schema's columns and types, also when there are none."""
    import pandas as pd

    columns = list(Document.__dataclass_fields__)
    frame = pd.DataFrame([d.as_row() for d in documents], columns=columns)
    for column in ("published_at", "fetched_at"):
        frame[column] = pd.to_datetime(frame[column], utc=True).astype("datetime64[us, UTC]")
    frame["complete"] = frame["complete"].astype(bool)
    return frame


def reasoned_frame(documents: Iterable[tuple[Document, str]]) -> pd.DataFrame:
    """Documents that were set aside, with the column `reason`."""
    pairs = list(documents)
    return documents_frame(document for document, _ in pairs).assign(reason=[reason for _, reason in pairs])


def documents_from(frame: pd.DataFrame) -> list[Document]:
    """The rows of a documents table as records."""
    import pandas as pd

    rows = frame[list(Document.__dataclass_fields__)].to_dict("records")
    for row in rows:
        stamp = row["published_at"]
        row["published_at"] = None if pd.isna(stamp) else stamp.to_pydatetime()
        row["fetched_at"] = row["fetched_at"].to_pydatetime()
    return [Document(**{str(k): v for k, v in row.items()}) for row in rows]
