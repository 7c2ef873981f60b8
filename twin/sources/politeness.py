"""Scrapy's gate to each host: Crawl-delay, Retry-After, and rate limits of APIs, GitHub's two kinds among them."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import urlsplit

MAX_CRAWL_DELAY = 60.0
MAX_WAITS = 5
_SECONDARY_SECONDS = 60.0


class Gate:
    """Lets a host be asked again only when its Crawl-delay, Retry-After or rate limit allows."""

    def __init__(self, crawler: Any) -> None:
        from scrapy import signals

        self.crawler = crawler
        self.max_wait: float = crawler.settings.getfloat("TWIN_MAX_WAIT")
        self.agent: str = crawler.settings["ROBOTSTXT_USER_AGENT"]
        self.delay: dict[str, float] = {}
        self.open_at: dict[str, float] = {}
        crawler.signals.connect(self.robots_parsed, signal=signals.robots_parsed)

    @classmethod
    def from_crawler(cls, crawler: Any) -> Gate:
        """As Scrapy makes its parts."""
        return cls(crawler)

    def robots_parsed(self, robotparser: Any, request: Any) -> None:
        """Note the host's Crawl-delay, a minute at the most."""
        asked = robotparser.rp.crawl_delay(self.agent)
        if asked:
            self.delay[urlsplit(request.url).netloc] = min(float(asked), MAX_CRAWL_DELAY)

    async def process_request(self, request: Any) -> None:
        """Wait until the host may be asked."""
        place = lane(request.url)
        while (left := self.open_at.get(place, 0.0) - time.monotonic()) > 0:
            await asyncio.sleep(left)
        self.open_at[place] = time.monotonic() + self.delay.get(urlsplit(request.url).netloc, 0.0)
        self.crawler.stats.inc_value("twin/requests")

    async def process_response(self, request: Any, response: Any) -> Any:
        """Ask again after the wait that a refusal names; a wait past the bound is handed on as `twin_wait`."""
        self.crawler.stats.inc_value("twin/bytes", len(response.body))
        # Counted from the answer: what leaves us a second apart can reach a host closer together.
        place, pause = lane(request.url), self.delay.get(urlsplit(request.url).netloc, 0.0)
        self.open_at[place] = max(self.open_at.get(place, 0.0), time.monotonic() + pause)
        waits = request.meta.get("twin_waits", 0)
        headers = response.headers.to_unicode_dict()
        wait = wait_seconds(response.status, headers, waits, time.time(), response.body[:2000])
        if wait is None:
            self._note_limit(request.url, headers)
            return response
        if wait > self.max_wait or waits >= MAX_WAITS:
            request.meta["twin_wait"] = wait
            return response
        self.crawler.stats.inc_value("twin/waits")
        self._close(request.url, wait)
        return request.replace(dont_filter=True, meta=request.meta | {"twin_waits": waits + 1})

    def _note_limit(self, url: str, headers: Any) -> None:
        """The last request of a limit was answered: the next would be refused, so it waits where that is short."""
        reset = str(headers.get("x-ratelimit-reset") or "")
        if str(headers.get("x-ratelimit-remaining") or "") == "0" and reset.isdigit():
            wait = float(reset) - time.time() + 1.0
            if 0 < wait <= self.max_wait:
                self._close(url, wait)

    def _close(self, url: str, wait: float) -> None:
        place = lane(url)
        self.open_at[place] = max(self.open_at.get(place, 0.0), time.monotonic() + wait)
        if tell := self.crawler.settings.get("TWIN_TELL"):
            until = time.strftime("%H:%M:%S", time.localtime(time.time() + wait))
            tell(f"{urlsplit(url).netloc} asks to wait {wait:.0f} s (until {until})")


def lane(url: str) -> str:
    """What is limited together: a host, and apart from it an API's search and GraphQL, which have limits of their own."""
    parts = urlsplit(url)
    first = parts.path.split("/")[1:2]
    return parts.netloc + (f"/{first[0]}" if first and first[0] in ("search", "graphql") else "")


def wait_seconds(status: int, headers: Any, waits: int, now: float, body: bytes = b"") -> float | None:
    """Seconds that a refusal asks to wait, None when it is none; `waits` are those before, `now` is seconds since 1970.

    Reads Retry-After (seconds or a date), GitHub's x-ratelimit-reset (GraphQL says so with status 200), its secondary
    limit that names no time (a minute, doubling), and doubles from five seconds for a bare 429.
    """
    used_up = str(headers.get("x-ratelimit-remaining") or "") == "0"
    if status == 200 and used_up and b'"RATE_LIMITED"' in body:
        return _until_reset(headers, now) or _SECONDARY_SECONDS
    if status not in (403, 429, 503):
        return None
    after = _retry_after(str(headers.get("retry-after") or "").strip(), now)
    if after is not None:
        return after
    if used_up and (left := _until_reset(headers, now)):
        return left
    if b"secondary rate limit" in body.lower():
        return float(_SECONDARY_SECONDS * 2**waits)
    return 5.0 * 2**waits if status == 429 else None


def _retry_after(value: str, now: float) -> float | None:
    from email.utils import parsedate_to_datetime

    if value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now) if value else None
    except (ValueError, OverflowError):
        return None


def _until_reset(headers: Any, now: float) -> float | None:
    reset = str(headers.get("x-ratelimit-reset") or "")
    return max(1.0, float(reset) - now) if reset.isdigit() else None
