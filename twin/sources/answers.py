"""Scrapy's HTTP cache on a source's ledger, by RFC 2616 but for guessing: what a site does not promise is asked again."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

from scrapy.extensions.httpcache import RFC2616Policy

from twin.sources.ledger import Ledger

# A site may promise a page for a year; a person who collects again wants to see what has changed since.
MAX_FRESH_SECONDS = 600

_open: list[Ledger] = []


def use(ledger: Ledger) -> None:
    """Keep answers in this ledger from now on: Scrapy copies its settings, and a connection can't be copied."""
    _open[:] = [ledger]


class Policy(RFC2616Policy):  # type: ignore[misc]
    """RFC 2616's rules without heuristic freshness, so that every page costs one conditional request a run."""

    def should_cache_request(self, request: Any) -> bool:
        """Only GET is kept."""
        return bool(request.method == "GET" and super().should_cache_request(request))

    def is_cached_response_fresh(self, cachedresponse: Any, request: Any) -> bool:
        """Fresh: answered in this very run, or promised by the site and younger than ten minutes."""
        if request.meta.get("twin_run") == _open[0].run:
            return True
        # By this machine's clock alone: where it was set, or differs from the site's, the page is asked again.
        age = time.time() - request.meta.get("cache_timestamp", 0.0)
        return 0 <= age < MAX_FRESH_SECONDS and bool(super().is_cached_response_fresh(cachedresponse, request))

    def _compute_freshness_lifetime(self, response: Any, request: Any, now: float) -> float:
        promised = self._get_max_age(self._parse_cachecontrol(response))
        if promised is None and b"Expires" not in response.headers:
            return 0
        return min(float(super()._compute_freshness_lifetime(response, request, now)), MAX_FRESH_SECONDS)


class Answers:
    """Scrapy's cache storage."""

    def __init__(self, settings: Any) -> None:
        self.ledger = _open[0]

    def open_spider(self, spider: Any) -> None:
        """As Scrapy asks."""

    def close_spider(self, spider: Any) -> None:
        """As Scrapy asks."""

    def retrieve_response(self, spider: Any, request: Any) -> Any:
        """The answer kept for a request, or None."""
        from scrapy.http import Headers
        from scrapy.responsetypes import responsetypes

        key = _key(request)
        found = self.ledger.stored(key)
        if found is None:
            return None
        url, status, headers, body, stored, run = found
        request.meta["twin_run"] = run
        self.ledger.met(key)
        made = Headers({name: [v.encode("latin-1") for v in values] for name, values in json.loads(headers).items()})
        kind = responsetypes.from_args(headers=made, url=url, body=body)
        request.meta["cache_timestamp"] = stored
        return kind(url=url, headers=made, status=status, body=body)

    def store_response(self, spider: Any, request: Any, response: Any) -> None:
        """Keep an answer."""
        headers = {
            name.decode("latin-1"): [v.decode("latin-1") for v in values] for name, values in response.headers.items()
        }
        self.ledger.store(_key(request), response.url, response.status, json.dumps(headers), response.body)


def _key(request: Any) -> str:
    accept = request.headers.get("Accept") or b""
    return hashlib.sha256(b"\0".join((request.method.encode(), request.url.encode(), accept))).hexdigest()[:32]
