"""A forgotten text is found in whatever it was packed into."""

from __future__ import annotations

import gzip
import io
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from twin.stages import erasing
from twin.text.traces import Traces

SAID = "the gulls had eaten my breakfast before seven"
KEPT = "nothing of that kind is in here at all"


def _zip(name: str, data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize(
    "packed",
    [
        lambda text: _zip("post.md", text.encode()),
        lambda text: _zip("inner.zip", _zip("post.md", text.encode())),
        lambda text: _zip("letter.docx", _zip("word/document.xml", f"<w:t>{text}</w:t>".encode())),
        lambda text: _zip("Shares.csv", text.encode("utf-16")),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: _zip("post.md.gz", gzip.compress(text.encode())),
        lambda text: _zip("post.md", text.encode())[:-30],
        lambda text: gzip.compress(text.encode())[:-5],
    ],
    ids=[
        "zip",
        "zip in zip",
        "docx in zip",
        "UTF-16 in zip",
        "UTF-16",
        "UTF-16 without a mark",
        "gzip in zip",
        "cut zip",
        "cut gzip",
    ],
)
def test_packed_text_is_found_and_goes(tmp_path: Path, packed: Callable[[str], bytes]) -> None:
    traces = Traces()
    traces.add(SAID)
    guilty, innocent = tmp_path / "guilty", tmp_path / "innocent"
    guilty.write_bytes(packed(f"Yesterday {SAID}, said nobody."))
    innocent.write_bytes(packed(KEPT))
    assert [erasing.holds(path, traces) for path in (guilty, innocent)] == [True, False]
    assert erasing.erase(guilty, traces) == "file removed"
    assert erasing.erase(innocent, traces) == ""
    assert (guilty.exists(), innocent.exists()) == (False, True)


def test_lines_of_two_bytes_a_letter_go(tmp_path: Path) -> None:
    traces = Traces()
    traces.add(SAID)
    (tmp_path / "a.txt").write_bytes(f"{SAID}\n".encode("utf-16"))
    assert erasing.erase(tmp_path / "a.txt", traces)
    assert not erasing.holds(tmp_path / "a.txt", traces)


def test_a_half_written_table_goes_whole(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / ".raw.abcdefgh" / "raw" / "documents.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.table({"text": [SAID]}), path)
    path.write_bytes(path.read_bytes()[:-9])
    assert erasing.erase(path, Traces()) == "file removed"
    assert not path.exists()


def test_a_killed_collection_leaves_nothing_in_its_database(tmp_path: Path) -> None:
    path = tmp_path / "gathered.sqlite"
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE documents (id TEXT, source INT, row TEXT, PRIMARY KEY (id, source)) WITHOUT ROWID"
        )
        database.executemany("INSERT INTO documents VALUES (?, 1, ?)", [("files:a", SAID), ("files:b", KEPT)])
    database.close()
    traces = Traces()
    traces.add(SAID)
    assert erasing.erase(path, traces)
    assert SAID.encode() not in path.read_bytes()
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT id FROM documents").fetchall() == [("files:b",)]
    database.close()
