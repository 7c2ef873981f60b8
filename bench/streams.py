"""Memory and speed of long archives: `python -m bench.streams` prints a row for each kind and number of posts.

Posts of 1,200 characters; every third answers the one before it (X, Mastodon), two people write (WordPress, Ghost). Each
row is read in a process of its own, whose peak is that of all it does.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from twin.params import SourceSpec, loads
from twin.records import Document
from twin.sources import archive
from twin.stages.handed_in import reader

_PARAMS = '{"author": {"id": "ann", "name": "Ann"}, "sources": [{"kind": "files", "path": "x"}]}'
_WORDS = "The tide was late again, and nobody at the harbour had a clock that agreed with it. " * 14
_PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
_ME = "https://sea.example/users/ann"


def _x(number: int) -> str:
    answers = {"in_reply_to_status_id_str": str(number - 1), "in_reply_to_user_id_str": "9"} if number % 3 == 2 else {}
    stamp = "Sun Jun 14 12:03:41 +0000 2026"
    return json.dumps(
        {"tweet": {"id_str": str(number), "full_text": f"{number} {_WORDS}", "created_at": stamp} | answers}
    )


def _mastodon(number: int) -> str:
    note = {
        "id": f"{_ME}/statuses/{number}", "type": "Note", "content": f"<p>{number} {_WORDS}</p>", "to": [_PUBLIC],
        "attributedTo": _ME, "inReplyTo": f"{_ME}/statuses/{number - 1}" if number % 3 == 2 else None,
    }  # fmt: skip
    return json.dumps({"type": "Create", "object": note})


def _wordpress(number: int) -> str:
    return (
        f"<item><title>{number}</title><dc:creator>{'ab'[number % 2]}</dc:creator><content:encoded><![CDATA[{number} "
        f"{_WORDS}]]></content:encoded><wp:post_id>{number}</wp:post_id><wp:status>publish</wp:status>"
        "<wp:post_type>post</wp:post_type></item>"
    )


def _ghost(number: int) -> str:
    post = {"uuid": str(number), "title": str(number), "status": "published", "html": f"<p>{number} {_WORDS}</p>"}
    return json.dumps(post | {"author_id": "ab"[number % 2]})


_WXR = (
    '<rss xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:wp="http://wordpress.org/export/1.2/"><channel>'
)
# Each kind's file: its name, beginning, one post, what parts posts, and its end.
KINDS: dict[str, tuple[str, str, Callable[[int], str], str, str]] = {
    "x": ("tweets.js", "window.YTD.tweets.part0 = [", _x, ",", "]"),
    "mastodon": ("outbox.json", '{"orderedItems": [', _mastodon, ",", "]}"),
    "wordpress": ("site.xml", _WXR, _wordpress, "\n", "</channel></rss>"),
    "ghost": ("site.json", '{"db": [{"meta": {}, "data": {"posts": [', _ghost, ",", "]}}]}"),
}


def _written(kind: str, folder: Path, posts: int) -> Path:
    name, begins, made, parted, ends = KINDS[kind]
    path = folder / name
    with open(path, "w", encoding="utf-8") as file:
        file.write(begins)
        for number in range(1, posts + 1):
            file.write((parted if number > 1 else "") + made(number))
        file.write(ends)
    return path


def measured(kind: str, path: Path) -> tuple[int, float, float]:
    """Documents, seconds and this process' peak memory in MB."""
    began = time.monotonic()
    spec = SourceSpec.model_validate(
        {"kind": kind, "path": str(path), "user": "*" if kind in ("wordpress", "ghost") else None}
    )
    with archive.opened(path, 4096) as opened:
        items = reader(spec, opened, "in", loads(_PARAMS), datetime(2026, 1, 2, tzinfo=UTC))[1]()
        documents = sum(isinstance(item, Document) for item in items)
    return documents, time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _rows(kinds: list[str], sizes: list[int]) -> Iterator[str]:
    for kind in kinds:
        for posts in sizes:
            with tempfile.TemporaryDirectory() as folder:
                path = _written(kind, Path(folder), posts)
                spawned = multiprocessing.get_context("spawn")
                with concurrent.futures.ProcessPoolExecutor(1, mp_context=spawned) as pool:
                    documents, seconds, peak = pool.submit(measured, kind, path).result()
                megabytes = path.stat().st_size / 2**20
            yield f"| {kind} | {posts:,} | {megabytes:.0f} MB | {documents:,} | {posts / seconds:,.0f} | {peak:.0f} MB |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    asked = parser.parse_args()
    print("| kind | posts | file | documents | posts/s | peak memory |\n|---|---|---|---|---|---|")
    for row in _rows(asked.kinds, asked.posts):
        print(row, flush=True)


if __name__ == "__main__":
    main()
