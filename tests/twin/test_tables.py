"""Tables are checked at every boundary; a bad row is kept with its reason."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from twin import tables
from twin.errors import DataError
from twin.records import Document, content_hash


def document(number: int, text: str = "Line one.\n\n→ two 🫠") -> Document:
    return Document(
        id=f"files:{number}", author="a", source="files", register="post", title="", text=text, url="",
        published_at=datetime(2024, 1, number + 1, tzinfo=UTC) if number else None,
        fetched_at=datetime(2025, 1, 1, tzinfo=UTC), sha256=content_hash(text), consent="c",
    )  # fmt: skip


def test_documents_come_back_exactly(tmp_path: Path) -> None:
    documents = [document(n) for n in range(3)]
    path = tables.write(tables.documents_frame(documents), tmp_path / "d.parquet", "documents")
    assert tables.documents_from(tables.read(path, "documents")) == documents


def test_a_flipped_bit_in_a_table_is_found_and_the_file_named(tmp_path: Path) -> None:
    whole = tables.write(tables.documents_frame([document(n) for n in range(3)]), tmp_path / "d.parquet").read_bytes()
    ids = pq.ParquetFile(tmp_path / "d.parquet").metadata.row_group(0).column(0)
    at = ids.dictionary_page_offset + ids.total_compressed_size - 1
    (tmp_path / "d.parquet").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    for reading in (lambda: tables.read(tmp_path / "d.parquet"), lambda: list(tables.batches(tmp_path / "d.parquet"))):
        with pytest.raises(DataError, match=r"can't be read: .*d\.parquet.*Delete it and run its stage again"):
            reading()


def test_bad_rows_are_set_aside_with_their_reason() -> None:
    frame = tables.documents_frame([document(n) for n in range(3)])
    frame.loc[1, "register"] = "shout"
    frame.loc[2, "text"] = ""
    good, bad = tables.sift(frame, "documents")
    assert list(good["id"]) == ["files:0"]
    assert list(bad["id"]) == ["files:1", "files:2"]
    assert "register" in bad["reason"].iloc[0] and "text" in bad["reason"].iloc[1]


def test_a_missing_table_names_the_stage_to_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="dvc repro"):
        tables.read(tmp_path / "documents" / "documents.parquet")


def test_a_torn_table_is_said_to_be_torn(tmp_path: Path) -> None:
    path = tmp_path / "documents.parquet"
    path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataError, match="can't be read"):
        tables.read(path)


def test_no_documents_make_an_empty_table(tmp_path: Path) -> None:
    path = tables.write(tables.documents_frame([]), tmp_path / "d.parquet", "documents")
    assert tables.documents_from(tables.read(path, "documents")) == []
