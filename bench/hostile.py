"""200 hostile inputs, made by code, against the readers: `python -m bench.hostile` says how each ended, in what time."""

from __future__ import annotations

import argparse
import gzip
import io
import json
import os
import resource
import struct
import tarfile
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from twin.errors import TwinError
from twin.params import SourceSpec, loads
from twin.recognise import recognise
from twin.sources import archive
from twin.sources.reading import Skipped
from twin.stages.handed_in import reader

KINDS = ("linkedin", "medium", "substack", "x", "mastodon", "wordpress", "ghost", "files", "jsonl", "paste")
# Where each kind looks for its texts.
PLACES = {
    "linkedin": "Shares.csv", "medium": "posts/2024-01-02_T-0123456789ab.html", "substack": "posts.csv",
    "x": "data/tweets.js", "mastodon": "outbox.json", "wordpress": "site.xml", "ghost": "ghost.json", "files": "a.md",
    "jsonl": "t.jsonl", "paste": "p.txt",
}  # fmt: skip
_BOMB = '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
) + ']><rss xmlns:wp="http://wordpress.org/export/1.2/"><channel><item><title>&j;</title></item></channel></rss>'  # fmt: skip
_OUTSIDE = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><item><title>&x;</title></item></channel></rss>'
_HEADS = {
    "linkedin": "Date,ShareLink,ShareCommentary\n2024-01-01 00:00:00,https://l/1,", "x": "window.YTD.tweets.part0 = ",
    "substack": "post_id,title,is_published\n", "mastodon": '{"orderedItems":', "ghost": '{"posts":', "jsonl": '{"text":',
}  # fmt: skip


@dataclass(frozen=True)
class Hostile:
    """One input: its name, the kind of source it is handed in as, and what writes it to a path."""

    name: str
    kind: str
    ending: str
    write: Callable[[Path], object]


def _contents(kind: str) -> dict[str, bytes]:
    head = _HEADS.get(kind, "").encode()
    wide = b"x y " * 2**18
    return {
        "empty": b"", "nul bytes": b"\0" * 5000, "binary": os.urandom(4096), "half a character": head + b"\xf0\x9f\x98",
        "utf-16 cut": (head.decode() + "text").encode("utf-16")[:-1], "one long record": head + b'"' + wide * 9,
        "a million lines in a record": head + b'"' + b"a\n" * 1_000_000 + b'"', "deep brackets": head + b"[" * 200_000,
        "deep objects": head + b'{"a":' * 100_000, "deep tags": b"<div>" * 200_000 + b"x",
        "open quotes": head + b'"\n' * 100_000, "entity bomb": _BOMB.encode(), "external entity": _OUTSIDE.encode(),
        "wrong types": head + b'[1, null, "x", [], {}, {"tweet": 3}, {"type": "Create", "object": []}]',
    }  # fmt: skip


def _entry(name: str, content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr(name, content)

    return write


def _tar(name: str, kind: bytes, target: str = "") -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with tarfile.open(path, "w:gz") as tar:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            tar.addfile(info)

    return write


def _twice(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a.md", "first")
        packed.writestr("./a.md", "second")


def _nested(path: Path) -> None:
    inner = b"\0" * 2**22
    for level in range(5):
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr(f"level{level}.zip", inner)
        inner = held.getvalue()
    path.write_bytes(inner)


def _inner(content: bytes, name: str = "Shares.csv") -> Callable[[Path], None]:
    def write(path: Path) -> None:
        _entry(name, content)(path)
        _entry("inner.zip", path.read_bytes())(path)

    return write


def _link(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        info = zipfile.ZipInfo("a.md")
        info.external_attr = 0o120777 << 16
        packed.writestr(info, "/etc/passwd")


def _cut(share: float, kind: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        _entry(PLACES[kind], (_HEADS.get(kind, "") + "some words " * 2000).encode())(path)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])

    return write


def _claims(path: Path) -> None:
    _entry("a.md", b"words")(path)
    data = bytearray(path.read_bytes())
    place = data.index(b"PK\x01\x02")
    data[place + 20 : place + 28] = struct.pack("<II", 2**31, 2**31)
    path.write_bytes(bytes(data))


def inputs() -> Iterator[Hostile]:
    """All inputs: 14 contents for each of ten kinds, and sixty archives, pages and tables."""
    for kind in KINDS:
        for name, content in _contents(kind).items():
            yield Hostile(f"{kind}: {name}", kind, ".zip", _entry(PLACES[kind], content))
        yield Hostile(f"{kind}: flat bomb", kind, ".zip", _entry(PLACES[kind], b"\0" * (64 * 2**20)))
        for share in (0.3, 0.9, 0.99):
            yield Hostile(f"{kind}: archive cut at {share:.0%}", kind, ".zip", _cut(share, kind))
    for name in ("../out.md", "a/../../out.md", "/out.md", "..\\out.md", "C:\\out.md", "\\\\host\\out.md"):
        yield Hostile(f"zip: {name}", "files", ".zip", _entry(name, b"words"))
    for name in ("../out.md", "/out.md"):
        yield Hostile(f"tar: {name}", "files", ".tar.gz", _tar(name, tarfile.REGTYPE))
    for label, device in (("symlink", tarfile.SYMTYPE), ("hard link", tarfile.LNKTYPE), ("device", tarfile.CHRTYPE)):
        yield Hostile(f"tar: {label}", "files", ".tar.gz", _tar("a.md", device, "/etc/passwd"))
    yield Hostile("tar: bomb", "files", ".tar.gz", lambda path: path.write_bytes(gzip.compress(b"\0" * 2**27)))
    yield Hostile("tar: not packed right", "files", ".tar.gz", lambda path: path.write_bytes(b"\x1f\x8bjunk"))
    yield Hostile("zip: link", "files", ".zip", _link)
    yield Hostile("zip: one name twice", "files", ".zip", _twice)
    yield Hostile("zip: nested bomb", "files", ".zip", _nested)
    yield Hostile("zip: a bomb in an inner archive", "linkedin", ".zip", _inner(b" " * (64 * 2**20)))
    yield Hostile("zip: an inner archive that is none", "x", ".zip", _entry("inner.zip", b"\0" * (64 * 2**20)))
    yield Hostile("zip: an inner archive points outside", "mastodon", ".zip", _inner(b"{}", "../outbox.json"))
    for times, label, piece in (
        (60_000, "breaks", b"x<br>\n"), (60_000, "bold breaks", b"<b>x<br></b>\n"), (60_000, "comments", b"<!-- x -->\n"),
        (4_000, "tags within tags", b"<pre>x"), (4_000, "tags within tags, none closed", b"<footer><p>By <a x>"),
    ):  # fmt: skip
        page = b"<p>" + piece * times
        yield Hostile(f"html: {times:,} {label}", "files", ".html", partial(Path.write_bytes, data=page))
    rows = b"text," + b"x" * 40_000 + b"\n" + b"a,b\n" * 2_000
    yield Hostile("csv: a column's name of 40 KB", "jsonl", ".csv", partial(Path.write_bytes, data=rows))
    yield Hostile("zip: claims 2 GB", "files", ".zip", _claims)
    yield Hostile("zip: 50,000 entries", "files", ".zip", _many)
    yield Hostile("word: no document", "files", ".docx", lambda path: path.write_bytes(b"PK\x03\x04junk"))
    yield Hostile("word: bomb", "files", ".docx", _entry("word/document.xml", b" " * (64 * 2**20)))
    yield Hostile("word: entities", "files", ".docx", _entry("word/document.xml", _BOMB.encode()))
    yield Hostile("yaml aliases", "files", ".md", lambda path: path.write_text(_aliases()))


def _many(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as packed:
        for number in range(50_000):
            packed.writestr(f"{number}.png", b"")


def _aliases() -> str:
    rows = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    rows += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    return "---\n" + "\n".join(rows) + "\n---\nwords\n"


def run(hostile: Hostile, folder: Path) -> tuple[str, float]:
    """How it ended (`error: …`, `named: …` or `read`) and in how many seconds; anything but a TwinError is raised."""
    path = folder / f"in{hostile.ending}"
    hostile.write(path)
    params = loads(json.dumps({"author": {"id": "ann", "name": "Ann"}, "sources": [{"kind": "files", "path": "x"}]}))
    began = time.monotonic()
    ended = "read"
    try:
        spec = SourceSpec.model_validate({"kind": hostile.kind, "path": str(path)})
        with archive.opened(path, 256) as opened:
            items = list(reader(spec, opened, "in", params, datetime.now(UTC))[1]())
            reasons = [i.reason for i in items if isinstance(i, Skipped)] + [reason for _, reason in opened.passed]
        ended = f"named: {reasons[0]}" if reasons else "read"
        recognise(str(path))
    except TwinError as error:
        ended = f"error: {error.thing}" if ended == "read" else ended
    finally:
        path.unlink(missing_ok=True)
    return ended, time.monotonic() - began


def main() -> None:
    """Print how the inputs ended, the slowest, and the process' peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="only inputs whose name holds this")
    only = parser.parse_args().only
    ends: Counter[str] = Counter()
    slowest: list[tuple[float, str]] = []
    crashed = escaped = 0
    with tempfile.TemporaryDirectory() as holder:
        folder = Path(holder) / "inner"
        folder.mkdir()
        for hostile in (one for one in inputs() if only in one.name):
            try:
                ended, seconds = run(hostile, folder)
            except Exception as error:  # what is measured: anything that is no clear error
                crashed += 1
                print(f"CRASHED {hostile.name}: {type(error).__name__}: {str(error)[:200]}")
                continue
            ends[ended.split(":")[0]] += 1
            slowest.append((seconds, hostile.name))
            escaped += len(list(Path(holder).iterdir())) - 1 + len(list(folder.iterdir()))
    print("| inputs | clear error | named and left out | read as text | crashed | written outside | peak memory |")
    print("|---|---|---|---|---|---|---|")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    total = ends.total() + crashed
    print(f"| {total} | {ends['error']} | {ends['named']} | {ends['read']} | {crashed} | {escaped} | {peak:.0f} MB |")
    print("\nSlowest: " + "; ".join(f"{name} {seconds:.1f} s" for seconds, name in sorted(slowest)[-4:][::-1]))


if __name__ == "__main__":
    main()
