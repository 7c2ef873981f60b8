"""Crawl speed: a loopback publication of 5,000 posts through the collect stage, then unchanged, then a little changed.

`python -m bench.crawl` prints the table of docs/results/collection-crawl.md. `--posts N` takes another size.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import dataclasses
import json
import multiprocessing
import random
import resource
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_WORDS = [
    "the",
    "harbour",
    "tide",
    "ferry",
    "night",
    "clock",
    "rope",
    "seal",
    "count",
    "heads",
    "rain",
    "wind",
    "late",
    "early",
    "bread",
    "tin",
    "map",
    "key",
]
_PAGE = 25


def _post(number: int, version: int) -> dict[str, Any]:
    dice = random.Random(number * 31 + version)
    paragraphs = [" ".join(dice.choices(_WORDS, k=60)).capitalize() + "." for _ in range(8)]
    body = "".join(f"<p>{text}</p>" for text in paragraphs)
    return {
        "id": number, "slug": f"post-{number}", "title": f"Post {number}", "type": "newsletter", "audience": "everyone",
        "post_date": f"20{10 + number % 16}-0{1 + number % 9}-1{number % 9}T00:00:00.000Z", "wordcount": 480,
        "canonical_url": f"https://bench.example/p/post-{number}", "body_html": body,
    }  # fmt: skip


def _serve(posts: int, changed: int, pipe: Any) -> None:
    """The site in a process of its own. The first `changed` posts say something else than at first."""
    seen = {"requests": 0, "conditional": 0, "bytes": 0}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            status, body, tag = 200, b"", ""
            if self.path.startswith("/api/v1/archive"):
                offset = int(self.path.split("offset=")[1].split("&")[0])
                rows = [{"id": n, "slug": f"post-{n}"} for n in range(offset, min(offset + _PAGE, posts))]
                body, tag = json.dumps(rows).encode(), f'"a{offset}"'
            elif self.path.startswith("/api/v1/posts/"):
                number = int(self.path.rpartition("-")[2])
                version = int(number < changed)
                body, tag = json.dumps(_post(number, version)).encode(), f'"p{number}-{version}"'
            else:
                status = 404
            seen["requests"] += 1
            if tag and self.headers.get("If-None-Match"):
                seen["conditional"] += 1
                if self.headers["If-None-Match"] == tag:
                    status, body = 304, b""
            seen["bytes"] += len(body)
            self.send_response(status)
            if tag:
                self.send_header("ETag", tag)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        pipe.send(server.server_address[1])
        pool = concurrent.futures.ThreadPoolExecutor(1)
        pool.submit(server.serve_forever, 0.05)
        pipe.recv()
        server.shutdown()
        pipe.send(seen)


@contextlib.contextmanager
def _site(posts: int, changed: int) -> Any:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(posts, changed, theirs), daemon=True)
    process.start()
    told: dict[str, int] = {}
    try:
        yield f"http://127.0.0.1:{ours.recv()}", told
    finally:
        ours.send("stop")
        told.update(ours.recv())
        process.join(10)


def _collect(root: str, url: str, pipe: Any) -> None:
    """One collection in a process of its own, for its peak of memory."""
    from twin import settings
    from twin.params import loads
    from twin.progress import Progress
    from twin.stages.collect import collect

    folder = Path(root)
    found = dataclasses.replace(settings.load(), root=folder, home=folder / ".twin")
    # The record of consent names the address: one name for the ports of all runs.
    params = loads(
        "author: {id: bench, name: Bench}\ncollect: {allow_loopback: true, delay_seconds: 0}\n"
        f"sources: [{{kind: substack, url: '{url}'}}]\n"
    )
    with open("/dev/null", "w") as quiet, contextlib.redirect_stderr(quiet):
        metrics = collect(folder / "inbox", folder / "raw", params, found, Progress("collect"))
    record = json.loads((folder / "raw" / "sources.json").read_text())["sources"][0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    pipe.send({"metrics": metrics, "crawl": record["crawl"], "since": record["since"], "peak_mb": round(peak)})


def run(root: str, url: str) -> dict[str, Any]:
    """Collect once below `root`; metrics, the crawl's stats and the peak of memory of both processes."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_collect, args=(root, url, theirs))
    process.start()
    found: dict[str, Any] = ours.recv()
    process.join()
    return found


def _bare(url: str, posts: int) -> float:
    """The peer: the same answers fetched by httpx with eight threads, nothing parsed, nothing kept."""
    import httpx

    started = time.monotonic()
    with httpx.Client(timeout=30) as client, concurrent.futures.ThreadPoolExecutor(8) as pool:
        paths = [f"/api/v1/archive?sort=new&search=&offset={n}&limit=25" for n in range(0, posts + _PAGE, _PAGE)]
        paths += [f"/api/v1/posts/post-{n}" for n in range(posts)]
        list(pool.map(lambda path: client.get(url + path).raise_for_status(), paths))
    return time.monotonic() - started


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=5000)
    args = parser.parse_args()
    small = max(args.posts // 10, 50)
    print("| run | posts | seconds | posts/s | requests | bytes | parsed | crawler's peak MB | collect's peak MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for posts in (small, args.posts):
        with tempfile.TemporaryDirectory() as root, _site(posts, 0) as (url, told):
            _row("first", posts, run(root, url))
            _row("second, unchanged", posts, run(root, url))
            if posts == args.posts:
                seconds = _bare(url, posts)
                print(
                    f"| httpx, 8 threads, nothing parsed | {posts:,} | {seconds:.1f} | {posts / seconds:.0f} | | | | | |"
                )
        print(f"<!-- the site saw {told} -->")


def _row(name: str, posts: int, found: dict[str, Any]) -> None:
    crawl, seconds = found["crawl"], found["metrics"]["seconds"]
    print(
        f"| {name} | {posts:,} | {seconds:.1f} | {posts / seconds:.0f} | {crawl['requests']:,} | {crawl['bytes']:,} | "
        f"{crawl['parsed']:,} | {crawl['peak_mb']} | {found['peak_mb']} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
