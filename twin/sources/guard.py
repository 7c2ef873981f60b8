"""Scrapy parts that keep a crawl on the public internet: every request's spelling and every connection's address."""

from __future__ import annotations

from typing import Any

from twin.errors import SourceError
from twin.sources.addresses import check_url, may_connect


class Guard:
    """Refuses what `check_url` refuses. Redirects pass here again, so a public page can't lead inside."""

    def __init__(self, allow_loopback: bool) -> None:
        self.allow_loopback = allow_loopback

    @classmethod
    def from_crawler(cls, crawler: Any) -> Guard:
        """As Scrapy makes its parts."""
        return cls(crawler.settings.getbool("TWIN_ALLOW_LOOPBACK"))

    def process_request(self, request: Any) -> None:
        """Raise IgnoreRequest for an address that may not be asked."""
        from scrapy.exceptions import IgnoreRequest

        try:
            check_url(request.url, self.allow_loopback)
        except SourceError as error:
            raise IgnoreRequest(error.thing) from None


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
        return self.inner.resolveHostName(_Filter(receiver, self.allow_loopback), hostName, *args, **kwargs)


class _Filter:
    """Hands on a name's addresses when all may be connected to, and none otherwise, as the link reader does."""

    def __init__(self, receiver: Any, allow_loopback: bool) -> None:
        from twisted.internet.interfaces import IResolutionReceiver
        from zope.interface import directlyProvides

        directlyProvides(self, IResolutionReceiver)
        self.receiver, self.allow_loopback = receiver, allow_loopback
        self.resolutionBegan = receiver.resolutionBegan
        self.found: list[Any] = []

    def addressResolved(self, address: Any) -> None:
        self.found.append(address)

    def resolutionComplete(self) -> None:
        if all(may_connect(address.host, self.allow_loopback) for address in self.found):
            for address in self.found:
                self.receiver.addressResolved(address)
        self.receiver.resolutionComplete()
