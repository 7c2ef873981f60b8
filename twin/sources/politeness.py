"""Scrapy parts that keep a crawl polite and safe: Crawl-delay, Retry-After and rate limits, public addresses only."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from typing import Any
from urllib.parse import urlsplit

MAX_CRAWL_DELAY = 60.0
MAX_WAITS = 5


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
        host = urlsplit(request.url).netloc
        while (left := self.open_at.get(host, 0.0) - time.monotonic()) > 0:
            await asyncio.sleep(left)
        self.open_at[host] = time.monotonic() + self.delay.get(host, 0.0)

    async def process_response(self, request: Any, response: Any) -> Any:
        """Ask again after the wait that a refusal names; a wait past the bound is handed on as `twin_wait`."""
        waits = request.meta.get("twin_waits", 0)
        wait = wait_seconds(response.status, response.headers.to_unicode_dict(), waits, time.time())
        if wait is None:
            return response
        if wait > self.max_wait or waits >= MAX_WAITS:
            request.meta["twin_wait"] = wait
            return response
        self.crawler.stats.inc_value("twin/waits")
        host = urlsplit(request.url).netloc
        self.open_at[host] = max(self.open_at.get(host, 0.0), time.monotonic() + wait)
        return request.replace(dont_filter=True, meta=request.meta | {"twin_waits": waits + 1})


def wait_seconds(status: int, headers: Any, waits: int, now: float) -> float | None:
    """Seconds that a refusal asks to wait, None when it is none; `waits` are those before, `now` is seconds since 1970.

    Reads Retry-After (seconds or a date), GitHub's x-ratelimit-reset, and doubles from five seconds for a bare 429.
    """
    from email.utils import parsedate_to_datetime

    if status not in (403, 429, 503):
        return None
    after = str(headers.get("retry-after") or "").strip()
    if after.isdigit():
        return float(after)
    if after:
        try:
            return max(0.0, parsedate_to_datetime(after).timestamp() - now)
        except ValueError:
            pass
    reset = str(headers.get("x-ratelimit-reset") or "")
    if str(headers.get("x-ratelimit-remaining") or "") == "0" and reset.isdigit():
        return max(1.0, float(reset) - now)
    return 5.0 * 2**waits if status == 429 else None


class Guard:
    """Refuses schemes other than http(s) and, unless allowed, hosts written as a private address."""

    def __init__(self, allow_loopback: bool) -> None:
        self.allow_loopback = allow_loopback

    @classmethod
    def from_crawler(cls, crawler: Any) -> Guard:
        """As Scrapy makes its parts."""
        return cls(crawler.settings.getbool("TWIN_ALLOW_LOOPBACK"))

    def process_request(self, request: Any) -> None:
        """Redirects pass here again, so a public page can't lead inside."""
        from scrapy.exceptions import IgnoreRequest

        parts = urlsplit(request.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise IgnoreRequest(f"only http and https are fetched, not {parts.scheme}")
        if not self.allow_loopback and not _may_be_public(parts.hostname):
            raise IgnoreRequest("a private address (set collect.allow_loopback to allow it)")


class Resolver:
    """The reactor's resolver with private addresses taken out: what is checked is what is connected to."""

    def __init__(self, reactor: Any, allow_loopback: bool) -> None:
        self.reactor, self.allow_loopback, self.inner = reactor, allow_loopback, reactor.nameResolver

    @classmethod
    def from_crawler(cls, crawler: Any, reactor: Any) -> Resolver:
        """As Scrapy makes its resolver."""
        return cls(reactor, crawler.settings.getbool("TWIN_ALLOW_LOOPBACK"))

    def install_on_reactor(self) -> None:
        """As Scrapy asks."""
        from twisted.internet.interfaces import IHostnameResolver
        from zope.interface import directlyProvides  # type: ignore[import-untyped]

        directlyProvides(self, IHostnameResolver)
        self.reactor.installNameResolver(self)

    def resolveHostName(self, receiver: Any, hostName: str, *args: Any, **kwargs: Any) -> Any:
        """Twisted's interface: hand on only addresses that may be connected to."""
        return self.inner.resolveHostName(
            receiver if self.allow_loopback else _Filter(receiver), hostName, *args, **kwargs
        )


class _Filter:
    def __init__(self, receiver: Any) -> None:
        from twisted.internet.interfaces import IResolutionReceiver
        from zope.interface import directlyProvides

        directlyProvides(self, IResolutionReceiver)
        self.resolutionBegan, self.resolutionComplete = receiver.resolutionBegan, receiver.resolutionComplete
        self.pass_on = receiver.addressResolved

    def addressResolved(self, address: Any) -> None:
        if is_public(address.host):
            self.pass_on(address)


def is_public(address: str) -> bool:
    """Whether an IP address lies on the public internet: not loopback, private, link-local, metadata or reserved."""
    found = ipaddress.ip_address(address.split("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_global and not found.is_multicast


def _may_be_public(host: str) -> bool:
    if host == "localhost" or host.endswith((".localhost", ".internal", ".local")):
        return False
    try:
        return is_public(host)
    except ValueError:
        # A name: the resolver looks at what it stands for when the connection is made.
        return not host.replace(".", "").isdigit() and not host.lower().startswith("0x")
