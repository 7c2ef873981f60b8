"""One crawl: what to ask first and who reads the answers; it runs Scrapy in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import IO, Any

from twin.errors import NetworkError, SourceError
from twin.params import Collect
from twin.records import Document
from twin.settings import Settings
from twin.sources.reading import Item, Skipped

MAX_BODY_BYTES = 32 * 2**20
_STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: `step` tells the reader what the answer is; a `required` one that fails ends the crawl."""

    url: str
    step: str
    carry: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    required: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """One answer. Header names are lower case."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes
    step: str
    carry: dict[str, Any]


@dataclass(slots=True)
class Crawl:
    """A crawl of one source. `reader` is the module of twin.sources whose `follow` turns a Page into Asks and items.

    `stats` is filled when the crawl has run: requests, answers by status, bytes, answers from the cache.
    """

    reader: str
    terms: str
    first: list[Ask]
    context: dict[str, Any] = field(default_factory=dict)
    stats: dict[str, Any] = field(default_factory=dict)

    def run(
        self, author: str, fetched_at: datetime, collect: Collect, settings: Settings, sample: bool = False
    ) -> Iterator[Item]:
        """Crawl and yield items as they come. Raises SourceError or NetworkError when a required request fails.

        robots.txt, Crawl-delay and Retry-After are obeyed; unchanged pages come from the cache below settings.home.
        `sample` allows loopback addresses, as collect.allow_loopback does.
        """
        job = {
            "reader": self.reader, "first": [asdict(ask) for ask in self.first], "context": self.context,
            "author": author, "fetched_at": fetched_at.isoformat(), "contact": collect.contact,
            "delay": collect.delay_seconds, "timeout": collect.timeout_seconds,
            "max_wait": collect.max_wait_seconds, "max_body": MAX_BODY_BYTES,
            "cache": str(settings.home / "http-cache"), "allow_loopback": sample or collect.allow_loopback,
        }  # fmt: skip
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "twin.sources.spider"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )
            try:
                yield from self._items(process, json.dumps(job).encode(), log)
            finally:
                _stop(process)

    def _items(self, process: subprocess.Popen[bytes], job: bytes, log: IO[bytes]) -> Iterator[Item]:
        assert process.stdin is not None and process.stdout is not None
        # The job goes by standard input, so that a token shows in no list of processes.
        process.stdin.write(job)
        process.stdin.close()
        ended = False
        for line in process.stdout:
            kind, value = json.loads(line)
            if kind == "document":
                yield _document(value)
            elif kind == "skipped":
                yield Skipped(**value)
            elif kind == "error":
                raise (NetworkError if value.pop("network") else SourceError)(**value)
            elif kind == "stats":
                self.stats.update(value)
                ended = True
        if process.wait() != 0 or not ended:
            log.seek(0)
            last = log.read().decode("utf-8", "replace").strip().splitlines()[-1:]
            raise SourceError(
                "the crawler stopped before its end", f"{self.first[0].url} ({''.join(last)})", "Run it again."
            )


def _document(value: dict[str, Any]) -> Document:
    for key in ("published_at", "fetched_at"):
        value[key] = datetime.fromisoformat(value[key]) if value[key] else None
    return Document(**value)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.stdout is not None:
        process.stdout.close()
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
