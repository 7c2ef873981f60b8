"""robots.txt as RFC 9309 has it: none there means yes, a server in trouble means no. Only the crawler imports this."""

from __future__ import annotations

from typing import Any

from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest

FORBIDDEN = "Forbidden by robots.txt"
UNREACHABLE = "robots.txt can't be reached, so nothing may be asked"
_MAX_BYTES = 512_000


class Robots(RobotsTxtMiddleware):  # type: ignore[misc]
    """Scrapy's own, with the answers that it leaves open decided as the standard does."""

    def __init__(self, crawler: Any) -> None:
        super().__init__(crawler)
        self.unreachable: dict[str, str] = {}

    async def process_request(self, request: Any, spider: Any = None) -> None:
        """Raise IgnoreRequest where the site's robots.txt forbids the request or could not be read."""
        await super().process_request(request)
        from urllib.parse import urlsplit

        why = self.unreachable.get(urlsplit(request.url).netloc)
        if why and not request.meta.get("dont_obey_robotstxt"):
            raise IgnoreRequest(f"{UNREACHABLE} ({why})")

    async def _parse_robots(self, response: Any, netloc: str, request: Any) -> None:
        if response.status >= 500:
            self.unreachable[netloc] = f"HTTP {response.status}"
        # A page that says "not found" is no list of rules.
        body = response.body[:_MAX_BYTES] if response.status < 400 else b""
        await super()._parse_robots(response.replace(body=body), netloc, request)

    def _robots_error(self, exc: Exception, netloc: str) -> None:
        if not isinstance(exc, IgnoreRequest):
            self.unreachable[netloc] = type(exc).__name__
        super()._robots_error(exc, netloc)
