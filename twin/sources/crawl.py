"""One crawl: what to ask first and who reads the answers; it runs Scrapy in a process of its own."""

from __future__ import annotations

import hashlib
import importlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

from twin import lifeline
from twin.errors import NetworkError, SourceError
from twin.records import Document
from twin.sources.ledger import ledger_path
from twin.sources.reading import Item, Skipped

if TYPE_CHECKING:
    from twin.params import Collect
    from twin.settings import Settings

MAX_BODY_BYTES = 16 * 2**20
_STOP_SECONDS = 10.0
_EXPORT = "Run it again later, or use the person's export."

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: `step` tells the reader what the answer is; a `required` one that fails ends the crawl.

    `body` makes it a POST. An `api` answers by its own terms and limits, which stand in the place of robots.txt.
    `missing` is the reason given when there is nothing at the address (404, 410) and the request is not required.
    `most` bounds the answer's bytes, unpacked. `instead` lists addresses and their steps to try in order when this one
    fails or holds nothing.
    """

    url: str
    step: str
    carry: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    required: bool = True
    body: str = ""
    api: bool = False
    missing: str = "not there"
    instead: list[tuple[str, str]] = field(default_factory=list)
    most: int = MAX_BODY_BYTES

    @property
    def key(self) -> str:
        """What makes two requests the same: method, address, body and the form asked for."""
        parts = ("POST" if self.body else "GET", self.url, self.body, self.headers.get("Accept", ""))
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Page:
    """One answer. Header names are lower case."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes
    step: str
    carry: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Remark:
    """What a person should know about the source as a whole: it goes into the record of consent."""

    text: str


# What a reader runs into where an answer is not of the form its interface promises.
_UNEXPECTED = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


def read_page(
    reader: str, page: Page, author: str, fetched_at: datetime, context: dict[str, Any]
) -> list[Ask | Item | Remark]:
    """What the reader module's `follow` finds in a page. Raises SourceError, whatever the page holds."""
    follow = importlib.import_module(f"twin.sources.{reader}").follow
    try:
        return list(follow(page, author, fetched_at, context))
    except _UNEXPECTED as error:
        told = f"{page.url} ({type(error).__name__}: {str(error)[:100]})"
        raise SourceError("a page is not of the form it should have", told, "Check the source's address.") from error


@dataclass(slots=True)
class Crawl:
    """A crawl of one source. `reader` is the module of twin.sources whose `follow` turns a Page into Asks and items.

    `secret` holds headers (a token) that go to requests at `secret_origin` alone; they are never written anywhere.
    `whole` says that the crawl meets all that the source holds; a feed meets its newest entries only.
    `mend` is what to do when the site refuses. `stats` is filled when the crawl has run: requests, answers, bytes,
    pages parsed, unchanged and resumed, waits, failures, seconds and peak memory.
    """

    reader: str
    terms: str
    first: list[Ask]
    context: dict[str, Any] = field(default_factory=dict)
    secret: dict[str, str] = field(default_factory=dict)
    secret_origin: str = ""
    whole: bool = False
    mend: str = _EXPORT
    stats: dict[str, Any] = field(default_factory=dict)

    def run(
        self, author: str, fetched_at: datetime, collect: Collect, settings: Settings, sample: bool = False,
        source: str = "", tell: Tell | None = None,
    ) -> Iterator[Item]:  # fmt: skip
        """Crawl and yield items as they come. Raises SourceError or NetworkError when a required request fails.

        robots.txt, Crawl-delay and Retry-After are obeyed; what was answered before lies in a ledger below
        settings.home, named by `source`: unchanged pages are neither sent nor read again, and a run that was cut off
        goes on where it was. `sample` allows loopback addresses, as collect.allow_loopback does. `tell` is told what
        the crawl does and why it waits.
        """
        name = source or f"{self.reader} {self.first[0].url}"
        job = {
            "reader": self.reader, "first": [asdict(ask) for ask in self.first], "context": self.context,
            "author": author, "fetched_at": fetched_at.isoformat(), "contact": collect.contact,
            "delay": collect.delay_seconds, "timeout": collect.timeout_seconds, "mend": self.mend,
            "max_wait": collect.max_wait_seconds, "max_body": MAX_BODY_BYTES, "secret": self.secret,
            "secret_origin": self.secret_origin, "ledger": str(ledger_path(settings.home, author, name)),
            "allow_loopback": sample or collect.allow_loopback,
        }  # fmt: skip
        with tempfile.TemporaryFile() as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "twin.sources.spider"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=log, env=lifeline.tied(),
            )  # fmt: skip
            try:
                yield from self._items(process, json.dumps(job).encode(), log, tell or (lambda _: None))
            finally:
                _stop(process)

    def _items(self, process: subprocess.Popen[bytes], job: bytes, log: IO[bytes], tell: Tell) -> Iterator[Item]:
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
            elif kind == "note":
                tell(value)
            elif kind == "remark":
                self.stats["remarks"] = sorted({*self.stats.get("remarks", []), value})
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
