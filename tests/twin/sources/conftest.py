"""Fixtures of the readers' tests: a moment of fetching, an archive made of names and texts, and all that it gives."""

from __future__ import annotations

import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from twin.records import Document
from twin.sources.reading import Item, Skipped

Answer = tuple[int, dict[str, str], str | bytes]
Pack = Callable[[Mapping[str, bytes | str]], Path]


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """Write a ZIP of these names and contents and give its path."""

    def write(files: Mapping[str, bytes | str]) -> Path:
        path = tmp_path / "export.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path

    return write


@pytest.fixture
def sort_out() -> Callable[[Iterable[Item]], tuple[list[Document], list[Skipped]]]:
    """Documents and skipped items apart."""

    def apart(items: Iterable[Item]) -> tuple[list[Document], list[Skipped]]:
        found = list(items)
        return [i for i in found if isinstance(i, Document)], [i for i in found if isinstance(i, Skipped)]

    return apart


@dataclass
class Site:
    """Answers in order, the last one again and again; `anything` answers what has none."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    seen: list[tuple[str, float, dict[str, str]]] = field(default_factory=list)
    url: str = ""
    anything: Callable[[str, dict[str, str]], Answer] | None = None
    # Called when an answer has gone out, with the number of requests so far.
    after: Callable[[int], None] | None = None

    def paths(self) -> list[str]:
        return [path for path, _, _ in self.seen]

    def answer(self, path: str, headers: dict[str, str]) -> Answer:
        known = self.answers.get(path)
        if known is None:
            return self.anything(path, headers) if self.anything else (404, {}, "")
        return known.pop(0) if len(known) > 1 else known[0]


@pytest.fixture
def site() -> Iterator[Site]:
    """A loopback site without answers, on a free port. An ETag that the caller knows is answered by 304."""
    state = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {k.lower(): v for k, v in self.headers.items()}
            state.seen.append((self.path, time.monotonic(), headers))
            status, extra, body = state.answer(self.path, headers)
            if "ETag" in extra and headers.get("if-none-match") == extra["ETag"]:
                status, body = 304, ""
            data = body.encode() if isinstance(body, str) else body
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            if state.after:
                state.after(len(state.seen))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.do_GET()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield state
        server.shutdown()
