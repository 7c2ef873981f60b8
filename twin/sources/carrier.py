"""The one Scrapy spider: it carries pages to a source's reader, remembers what each gave, and asks what follows."""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from twin.errors import NetworkError, SourceError
from twin.records import Document
from twin.sources.crawl import Ask, Page, Remark, read_page
from twin.sources.ledger import Ledger
from twin.sources.reading import Skipped

# What Scrapy holds at a time; the rest waits as plain records, which cost a tenth of its requests.
_IN_FLIGHT = 24
_NOTE_SECONDS = 2.0
_CHALLENGE = (b"<title>Just a moment...", b"cf-challenge", b"challenge-platform", b"Attention Required! | Cloudflare")


def say(kind: str, value: Any) -> None:
    """Write one line for the waiting parent."""
    sys.stdout.write(json.dumps([kind, value], default=str) + "\n")
    sys.stdout.flush()


def carrier(job: dict[str, Any], ledger: Ledger) -> Any:
    """The spider of a job, as a class because Scrapy makes the instance."""
    import scrapy
    from scrapy.exceptions import CloseSpider

    fetched_at = datetime.fromisoformat(job["fetched_at"])

    class Carrier(scrapy.Spider):  # type: ignore[misc]
        name = "twin"

        async def start(self) -> AsyncIterator[Any]:
            self.waiting: deque[Ask] = deque()
            self.asked: set[str] = set()
            self.in_flight, self.pages, self.told_at, self.broken = 0, 0, time.monotonic(), False
            for ask in job["first"]:
                self.put(Ask(**ask))
            for request in self.pump():
                yield request

        def put(self, ask: Ask) -> None:
            if ask.key not in self.asked:
                self.asked.add(ask.key)
                self.waiting.append(ask)

        def pump(self) -> Iterator[Any]:
            """The next requests. Pages that this run has answered before it was cut off are not asked again."""
            while self.waiting and self.in_flight < _IN_FLIGHT and not self.broken:
                ask = self.waiting.popleft()
                gave = ledger.answered(ask.key) if ledger.resumed else None
                if gave is None:
                    self.in_flight += 1
                    yield self.request(ask)
                else:
                    self.count("resumed")
                    self.hand_on(gave)
            if not self.waiting and not self.in_flight and not self.broken:
                self.crawler.stats.set_value("twin/ended", True)

        def request(self, ask: Ask) -> Any:
            headers = dict(ask.headers)
            if job["secret"] and origin(ask.url) == job["secret_origin"]:
                headers |= job["secret"]
            # Scrapy's own filter of repeated requests would drop a redirect to a page seen before without a word.
            return scrapy.Request(
                ask.url, self.parse, method="POST" if ask.body else "GET", body=ask.body, headers=headers,
                errback=self.failed, dont_filter=True, cb_kwargs={"ask": ask},
                meta={"ask": ask, "dont_obey_robotstxt": ask.api, "download_maxsize": ask.most},
            )  # fmt: skip

        def parse(self, response: Any, ask: Ask) -> Iterator[Any]:
            self.in_flight -= 1
            headers = {k.decode().lower(): b", ".join(v).decode("latin-1") for k, v in response.headers.items()}
            page = Page(response.url, response.status, headers, response.body, ask.step, ask.carry)
            try:
                if not (gone(page, ask) and (ask.instead or not ask.required)):
                    _refuse(page, ask, response.meta.get("twin_wait"), job["mend"])
                self.hand_on(self.read(page, ask))
            except SourceError as error:
                # A limit that is used up and a token that is not taken concern all that would still be asked.
                hopeless = response.meta.get("twin_wait") is not None or (ask.api and page.status == 401)
                self.give_up(ask, error, hopeless)
            yield from self.pump()

        def read(self, page: Page, ask: Ask) -> list[Any]:
            """What a page gives: from the ledger when neither it nor its reader has changed."""
            digest = ledger.digest(page.status, f"{page.url} {page.headers.get('link', '')} {ask.carry}", page.body)
            gave = ledger.unchanged(ask.key, digest)
            self.count("parsed" if gave is None else "unchanged")
            if gave is None:
                if gone(page, ask):
                    gave = _next(ask) or [("skipped", asdict(Skipped(what=page.url, reason=ask.missing)))]
                else:
                    found = read_page(job["reader"], page, job["author"], fetched_at, job["context"])
                    gave = [_plain(each) for each in found]
                ledger.note(ask.key, digest, gave)
            return gave

        def hand_on(self, gave: list[Any]) -> None:
            self.pages += 1
            for kind, value in gave:
                if kind == "ask":
                    self.put(Ask(**value))
                else:
                    say(kind, value)
            if time.monotonic() - self.told_at > _NOTE_SECONDS:
                self.told_at = time.monotonic()
                say("note", f"{self.pages} pages read, {len(self.waiting) + self.in_flight} known to come")

        def failed(self, failure: Any) -> Iterator[Any]:
            self.in_flight -= 1
            ask = failure.request.meta["ask"]
            why = failure.getErrorMessage() or failure.type.__name__
            if why == "Forbidden by robots.txt":
                mend = "The site forbids programs there: use the person's own export, or another address."
                self.give_up(ask, SourceError("robots.txt forbids this address", ask.url, mend), counts="forbidden")
            else:
                mend = "Check the address and the network, then run it again."
                self.give_up(ask, NetworkError("a page can't be fetched", f"{ask.url} ({why})", mend))
            yield from self.pump()

        def give_up(self, ask: Ask, error: SourceError, end: bool = False, counts: str = "failed") -> None:
            if ask.instead and not end:
                self.count("instead")
                return self.hand_on(_next(ask))
            self.count(counts)
            if not ask.required and not end:
                return say("skipped", asdict(Skipped(what=ask.url, reason=error.thing)))
            self.broken = True
            say("error", {
                "thing": error.thing, "value": str(error.value), "mend": error.mend,
                "network": isinstance(error, NetworkError),
            })  # fmt: skip
            raise CloseSpider(error.thing)

        def count(self, what: str) -> None:
            self.crawler.stats.inc_value(f"twin/{what}")

    return Carrier


def origin(url: str) -> str:
    """Scheme, host and port of a URL: what a token is sent to, and nothing else."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def gone(page: Page, ask: Ask) -> bool:
    """Whether there is nothing at an address: APIs also say so of what is empty (409) or withdrawn by law (451)."""
    if page.status in (404, 410):
        return True
    return ask.api and (page.status in (409, 451) or (page.status >= 400 and b"no data found" in page.body.lower()))


def _next(ask: Ask) -> list[tuple[str, Any]]:
    if not ask.instead:
        return []
    (url, step), *rest = ask.instead
    return [("ask", asdict(replace(ask, url=url, step=step, instead=[(u, s) for u, s in rest])))]


def _plain(found: Ask | Document | Skipped | Remark) -> tuple[str, Any]:
    if isinstance(found, Ask):
        return "ask", asdict(found)
    if isinstance(found, Remark):
        return "remark", found.text
    if isinstance(found, Skipped):
        return "skipped", asdict(found)
    return "document", asdict(found) | {
        "published_at": found.published_at and found.published_at.isoformat(),
        "fetched_at": found.fetched_at.isoformat(),
    }


def _refuse(page: Page, ask: Ask, wait: float | None, mend: str) -> None:
    if wait is not None:
        minutes = max(1, round(wait / 60))
        raise NetworkError(
            "the site's rate limit is used up", f"{page.url} (it asks to wait {minutes} minutes)",
            f"Run it again in {minutes} minutes: it goes on where it stopped. Or raise collect.max_wait_seconds; at "
            "GitHub, set GITHUB_TOKEN.",
        )  # fmt: skip
    if page.status in (403, 429, 503) and any(mark in page.body[:20_000] for mark in _CHALLENGE):
        raise NetworkError(
            "the site asks for a browser (Cloudflare's check), which this is not",
            f"{page.url} (HTTP {page.status})",
            mend,
        )
    if page.status in (429, 401, 403) or page.status >= 500:
        raise NetworkError("the site refused", f"{page.url} (HTTP {page.status})", mend)
    if page.status >= 400 and (ask.required or page.status not in (404, 410)):
        raise SourceError(
            "there is no such page", f"{page.url} (HTTP {page.status})", "Check the address or the user's name."
        )
