"""The sample author's loopback site: `python -m examples.site --port 0` listens on 127.0.0.1, nowhere else."""

from __future__ import annotations

import argparse
import signal
import socketserver
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from examples import github_site, substack_site
from examples.answers import Answer, json_answer, text_answer, unless_known
from examples.author import SAMPLE
from examples.texts import load_repos, load_texts, of_kind
from twin.files import write_text

HOST = "127.0.0.1"
ROBOTS = """User-agent: *
Disallow: /substack/feed/private
Disallow: /substack/p/*/comment/*
Disallow: /substack/inbox/post/*
Disallow: /substack/subscribe
Disallow: /substack/embed
Allow: /
"""


class Seen(NamedTuple):
    """One request as it came and the status it got; `path` has its query, `headers` have lower-case names."""

    method: str
    path: str
    headers: dict[str, str]
    status: int


class Failure(NamedTuple):
    """An answer in the place of the right one, for the next request whose path begins with `under`."""

    answer: Answer
    under: str


class Site(ThreadingHTTPServer):
    """The server with its texts. `requests_seen` grows by one a request; `failures` are used up in order."""

    daemon_threads = True

    def __init__(self, source: Path, port: int = 0) -> None:
        super().__init__((HOST, port), _Handler)
        self.base_url = f"http://{HOST}:{self.server_address[1]}"
        texts = load_texts(source)
        self.letters = of_kind(texts, "letter")
        self.repositories = github_site.Repositories(load_repos(source), texts, f"{self.base_url}/github")
        self.requests_seen: list[Seen] = []
        self.failures: deque[Failure] = deque()
        self.github_used = 0
        self.lock = threading.Lock()

    def server_bind(self) -> None:
        """Bind without the base class's look-up of the host's name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, int(self.server_address[1])

    def answer(self, target: str, asked: dict[str, str]) -> Answer:
        """The answer to GET `target` (path and query) with lower-case header names `asked`."""
        url = urlsplit(target)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        failure = self._next_failure(url.path)
        if failure:
            return failure
        if url.path == "/robots.txt":
            return text_answer(ROBOTS, "text/plain; charset=utf-8")
        if url.path.startswith("/substack/"):
            found = substack_site.answer(self.letters, url.path.removeprefix("/substack"), query, self.base_url)
            return unless_known(found, asked)
        if url.path.startswith("/github/"):
            return self._github(url.path.removeprefix("/github"), query, asked)
        return json_answer({"error": "Not found"}, 404)

    def _github(self, path: str, query: dict[str, str], asked: dict[str, str]) -> Answer:
        found = unless_known(github_site.answer(self.repositories, path, query, asked), asked)
        authorised = "authorization" in asked
        with self.lock:
            # A 304 costs nothing only to those who came with a token.
            self.github_used += not (authorised and found.status == 304)
            used = max(self.github_used, 1)
        return github_site.limited(found, used, authorised)

    def _next_failure(self, path: str) -> Answer | None:
        with self.lock:
            for failure in self.failures:
                if path.startswith(failure.under):
                    self.failures.remove(failure)
                    return failure.answer
        return None


class BaseURL(str):
    """The site's URL, as plain text with the handles a test needs. No slash at the end."""

    site: Site

    @property
    def requests_seen(self) -> list[Seen]:
        """Every request so far, oldest first."""
        return self.site.requests_seen

    def fail_next(
        self, status: int, headers: dict[str, str] | None = None, *, times: int = 1, under: str = "/"
    ) -> None:
        """Answer the next `times` requests whose path begins with `under` by this status and these headers."""
        failure = replace(json_answer({"message": "injected"}, status), headers=dict(headers or {}))
        with self.site.lock:
            self.site.failures.extend([Failure(failure, under)] * times)


@contextmanager
def serve(source: Path = SAMPLE, port: int = 0) -> Iterator[BaseURL]:
    """The site in a thread, for as long as the block lasts; port 0 takes a free one.

    Raises OSError when the port is taken.
    """
    with Site(source, port) as site:
        thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        base = BaseURL(site.base_url)
        base.site = site
        try:
            yield base
        finally:
            site.shutdown()
            thread.join()


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the base URL is printed, and put in --ready-file, once the site answers."""
    parser = argparse.ArgumentParser(prog="python -m examples.site", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--ready-file", type=Path, help="is written when the site listens, and removed when it stops")
    parser.add_argument("--source", type=Path, default=SAMPLE, help="an author's folder of texts")
    args = parser.parse_args(argv)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with serve(args.source, args.port) as base:
            if args.ready_file:
                write_text(args.ready_file, f"{base}\n")
            print(base, flush=True)
            stop.wait()
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        if args.ready_file:
            args.ready_file.unlink(missing_ok=True)
    return 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "sample-site"
    sys_version = ""
    timeout = 30  # seconds a kept connection may stay silent
    disable_nagle_algorithm = True  # head and body go out apart, and the body must not wait for an ACK
    server: Site

    def do_GET(self) -> None:
        asked = {name.lower(): value for name, value in self.headers.items()}
        found = self.server.answer(self.path, asked)
        # Before the answer goes out: whoever has it can already find the request in the list.
        self.server.requests_seen.append(Seen(self.command, self.path, asked, found.status))
        self.send_response(found.status)
        for name, value in found.headers.items():
            self.send_header(name, value)
        if found.status != 304:
            self.send_header("Content-Length", str(len(found.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(found.body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the requests are in the list."""


if __name__ == "__main__":
    sys.exit(main())
