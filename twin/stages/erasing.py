"""Files from which traces of forgotten texts are taken: rows of tables, entries of JSON, lines of logs, whole files."""

from __future__ import annotations

import codecs
import io
import json
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from twin.files import read_json, replacing, write_bytes, write_json
from twin.sources.encodings import unmarked_utf16
from twin.stages import erasing_sqlite
from twin.text.traces import Traces

# Weights hold no text that could be cut out: forgetting names them, and removes them when asked.
_WEIGHTS = (".safetensors", ".gguf", ".pt", ".bin", ".so", ".o")
_LINES = (".log", ".jsonl", ".ndjson", ".csv", ".txt", ".out", ".err")
_MOST_BYTES = 512 * 2**20
_PACKED = 64 * 2**20
_DEEP = 3


def erase(path: Path, traces: Traces, whole: bool = False) -> str:
    """Take every trace out of one file; says what was done in a few words, "" when there was nothing.

    `whole` removes the file even where a part could be cut out: a cached object is known by the hash of all its bytes.
    """
    kind = _kind(path)
    if not kind:
        return ""
    if kind == "table" and not whole and not _is_broken(path):
        return _rows(path, traces)
    if not holds(path, traces):
        return ""
    if kind == "sqlite" and not whole and (done := erasing_sqlite.erase(path, traces)):
        return done
    if kind == "json" and not whole and _entries(path, traces):
        return "entries removed"
    if kind == "text" and not whole and (path.suffix in _LINES or path.name == "log") and _lines(path, traces):
        return "lines removed"
    path.unlink()
    return "file removed"


def holds(path: Path, traces: Traces) -> bool:
    """Whether a file holds a trace, looked at as what it is: a table by its cells, compressed data unpacked."""
    kind = _kind(path)
    if kind == "table":
        # What a killed writer left of a table can't be looked into, and is of use to nobody.
        return _is_broken(path) or any(map(traces.in_value, _cells(path)))
    if kind == "json":
        try:
            return traces.in_value(read_json(path))
        except ValueError:
            return traces.in_text(path.read_bytes().decode("utf-8", "ignore"))
    if kind == "sqlite":
        return erasing_sqlite.holds(path, traces)
    if kind == "zip":
        whole = zipfile.is_zipfile(path)
        return any(traces.in_text(text) for text in (_members(path) if whole else _salvaged(path.read_bytes())))
    if kind == "gzip":
        return traces.in_text(_decoded(_gunzipped(path.read_bytes())))
    return bool(kind) and traces.in_text(_decoded(path.read_bytes()))


def walk(folder: Path, skip: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Every plain file below a folder, without those below `skip`."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path in skip or path.is_symlink():
            continue
        if path.is_dir():
            yield from walk(path, skip)
        elif path.is_file():
            yield path


def remove(path: Path) -> bool:
    """Remove a file or a folder; False when it was not there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
        return True
    if path.exists() or path.is_symlink():
        path.unlink()
        return True
    return False


def keep_rows(path: Path, column: str, wanted: set[str]) -> int:
    """Keep only the rows of a table whose `column` is in `wanted`; how many went."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    kept = table.filter(pc.is_in(table[column], value_set=pa.array(sorted(wanted), pa.string())))
    if gone := len(table) - len(kept):
        with replacing(path) as fresh:
            pq.write_table(kept, fresh)
    return int(gone)


def _kind(path: Path) -> str:
    """table, sqlite, json, zip, gzip, text, or "" for what holds no text (weights) or is too large to be any."""
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            head = file.read(16)
    except OSError:
        return ""
    if head[:4] == b"PAR1":
        return "table"
    if head[:15] == b"SQLite format 3":
        return "sqlite"
    # safetensors begin with a length of eight bytes, then JSON.
    weights = path.suffix in _WEIGHTS or head[:4] in (b"GGUF", b"\x7fELF") or head[8:10] == b'{"'
    if not size or weights or size > _MOST_BYTES:
        return ""
    if head[:2] == b"PK":
        return "zip"
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    # A file of lines is no JSON, though each of its lines may be.
    return "json" if head.lstrip()[:1] in (b"{", b"[") and path.suffix not in _LINES else "text"


def _rows(path: Path, traces: Traces) -> str:
    """The table without the rows that hold a trace, row group by row group."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    gone = 0
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        names = _worded(schema)
        with replacing(path) as fresh:
            with pq.ParquetWriter(fresh, schema) as writer:
                for batch in file.iter_batches(1000):
                    columns = [batch.column(name).to_pylist() for name in names]
                    mask = [not traces.in_value(_opened(cells)) for cells in zip(*columns, strict=True)]
                    gone += mask.count(False) if names else 0
                    kept = batch.filter(pa.array(mask, pa.bool_())) if names else batch
                    if len(kept):
                        writer.write_batch(kept)
            if not gone:
                # Bytes that need no change stay what they were, and with them the hash by which others know them.
                fresh.unlink()
                shutil.copyfile(path, fresh)
    return f"{gone} rows removed" if gone else ""


def _is_broken(path: Path) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pq.ParquetFile(path).close()
    except (pa.ArrowInvalid, OSError):
        return True
    return False


def _cells(path: Path) -> Iterator[Any]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        names = _worded(file.schema_arrow)
        for batch in file.iter_batches(1000, columns=names) if names else ():
            for cells in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                yield _opened(cells)


def _worded(schema: Any) -> list[str]:
    import pyarrow as pa

    def wordy(kind: Any) -> bool:
        if pa.types.is_list(kind) or pa.types.is_large_list(kind):
            return wordy(kind.value_type)
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_struct(kind))

    return [field.name for field in schema if wordy(field.type)]


def _opened(cells: tuple[Any, ...]) -> list[Any]:
    """Cells, with those that are JSON (an example's messages) as what they say: escapes would part words."""
    return [_loaded(cell) if isinstance(cell, str) and cell[:1] in "[{" else cell for cell in cells]


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _entries(path: Path, traces: Traces) -> bool:
    """The JSON file without the entries that hold a trace; False when nothing else is left of it."""
    try:
        pruned = _pruned(read_json(path), traces)
    except ValueError:
        return False
    if not pruned or traces.in_value(pruned):
        return False
    write_json(path, pruned)
    return True


def _pruned(value: Any, traces: Traces) -> Any:
    if isinstance(value, dict):
        found = {k: _pruned(v, traces) for k, v in value.items() if not traces.in_value(k)}
        return {k: v for k, v in found.items() if v is not None}
    if isinstance(value, list):
        return [kept for item in value if (kept := _item(item, traces)) is not None]
    return None if traces.in_value(value) else value


def _item(item: Any, traces: Traces) -> Any:
    """An entry of a list goes as a whole when one of its own words is a trace: a half of it would be no record."""
    own = item.values() if isinstance(item, dict) else [item]
    if any(isinstance(part, str) and traces.in_value(part) for part in own):
        return None
    return _pruned(item, traces)


def _lines(path: Path, traces: Traces) -> bool:
    lines = path.read_bytes().split(b"\n")
    kept = b"\n".join(line for line in lines if not traces.in_text(line.decode("utf-8", "ignore")))
    if traces.in_text(_decoded(kept)):
        kept = b""
    if path.suffix == ".log" or path.name == "log":
        # A running process goes on writing into its log: the file is emptied and filled, not replaced.
        path.write_bytes(kept)
    else:
        write_bytes(path, kept)
    return True


def _members(file: Path | BinaryIO, deep: int = _DEEP) -> Iterator[str]:
    """The texts of a ZIP, those of a ZIP within it (an export within an export, a .docx) among them."""
    try:
        with zipfile.ZipFile(file) as archive:
            for info in archive.infolist():
                if info.file_size > _PACKED or info.is_dir():
                    continue
                data = archive.read(info)
                if data[:2] == b"PK" and deep:
                    yield from _members(io.BytesIO(data), deep - 1)
                else:
                    yield _decoded(_gunzipped(data) if data[:2] == b"\x1f\x8b" else data)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError):
        return


def _salvaged(data: bytes) -> Iterator[str]:
    """The texts of a ZIP that was cut short and lacks its list: each begins with a header of its own."""
    starts = [found.start() for found in re.finditer(rb"PK\x03\x04", data)]
    for at, end in zip(starts, [*starts[1:], len(data)], strict=True):
        begin = (
            at
            + 30
            + int.from_bytes(data[at + 26 : at + 28], "little")
            + int.from_bytes(data[at + 28 : at + 30], "little")
        )
        inner = data[begin:end]
        yield _decoded(_gunzipped(inner, -15) if data[at + 8] == zipfile.ZIP_DEFLATED else inner)


def _gunzipped(data: bytes, kind: int = 47) -> bytes:
    """What is packed, as far as it can be read: a file that was cut short holds text all the same."""
    made, rest = bytearray(), data
    while rest and len(made) < _PACKED:
        unpack, at = zlib.decompressobj(kind), 0
        try:
            while at < len(rest) and not unpack.eof and len(made) < _PACKED:
                made += unpack.decompress(rest[at : at + 2**16])
                at += 2**16
        except zlib.error:
            break
        rest = unpack.unused_data + rest[at:] if kind > 0 else b""
    return bytes(made)


def _decoded(data: bytes) -> str:
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return data.decode("utf-16", "ignore")
    if wide := unmarked_utf16(data):
        # Some binary files have as many zeros: they say nothing either way.
        return data.decode(wide, "ignore") + data.decode("utf-8", "ignore")
    return data.decode("utf-8", "ignore")
