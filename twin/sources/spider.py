"""The crawler's own process: a job on standard input, items as JSON lines on standard output, Scrapy in between."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any, ClassVar

from twin import __version__
from twin.errors import NetworkError, SourceError
from twin.records import Document
from twin.sources.crawl import Ask, Page
from twin.sources.reading import Skipped

_MIDDLEWARES = {
    "twin.sources.politeness.Guard": 50,
    # Nearest to the network: what the cache answers by itself waits for nobody.
    "twin.sources.politeness.Gate": 950,
}


def settings(job: dict[str, Any]) -> dict[str, Any]:
    """Scrapy's settings for a job. On one's own machine there is nobody to be slow for, unless robots.txt says so."""
    delay = 0.0 if job["allow_loopback"] else job["delay"]
    contact = job["contact"] or "a person collecting their own texts; no contact was set"
    return {
        "USER_AGENT": f"llm-twin-writer/{__version__} (+{contact})",
        "ROBOTSTXT_OBEY": True,
        "ROBOTSTXT_USER_AGENT": "llm-twin-writer",
        "DOWNLOAD_DELAY": delay,
        "AUTOTHROTTLE_ENABLED": not job["allow_loopback"],
        "AUTOTHROTTLE_START_DELAY": delay,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 8 if job["allow_loopback"] else 2,
        "DOWNLOAD_TIMEOUT": job["timeout"],
        "DOWNLOAD_MAXSIZE": job["max_body"],
        "REDIRECT_MAX_TIMES": 5,
        "RETRY_TIMES": 3,
        "RETRY_HTTP_CODES": [500, 502, 503, 504, 522, 524, 408],
        "HTTPERROR_ALLOW_ALL": True,
        "HTTPCACHE_ENABLED": True,
        "HTTPCACHE_POLICY": "scrapy.extensions.httpcache.RFC2616Policy",
        "HTTPCACHE_DIR": job["cache"],
        "HTTPCACHE_GZIP": True,
        "DOWNLOADER_MIDDLEWARES": _MIDDLEWARES,
        "DOWNLOAD_HANDLERS": {"file": None, "ftp": None, "s3": None, "data": None},
        "TWISTED_DNS_RESOLVER": "twin.sources.politeness.Resolver",
        "TWIN_ALLOW_LOOPBACK": job["allow_loopback"],
        "TWIN_MAX_WAIT": job["max_wait"],
        "COOKIES_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "LOG_LEVEL": "WARNING",
    }


def say(kind: str, value: Any) -> None:
    """Write one line for the waiting parent."""
    sys.stdout.write(json.dumps([kind, value], default=str) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run the job on standard input; 0 also when an error was said, for that is an answer."""
    from scrapy.crawler import CrawlerProcess

    job = json.load(sys.stdin)
    process = CrawlerProcess(settings(job), install_root_handler=True)
    crawler = process.create_crawler(_spider_class(job))
    process.crawl(crawler)
    process.start()
    stats = crawler.stats.get_stats() if crawler.stats else {}
    say("stats", {name: stats.get(key, 0) for name, key in _STATS.items()})
    return 0


_STATS = {
    "requests": "downloader/request_count",
    "answers": "downloader/response_count",
    "bytes": "downloader/response_bytes",
    "cached": "httpcache/hit",
    "revalidated": "httpcache/revalidate",
    "waits": "twin/waits",
    "seconds": "elapsed_time_seconds",
}


def _spider_class(job: dict[str, Any]) -> Any:
    """The spider of a job, as a class because Scrapy makes the instance; it only carries pages to the reader."""
    import scrapy
    from scrapy.exceptions import CloseSpider

    follow = importlib.import_module(f"twin.sources.{job['reader']}").follow
    fetched_at = datetime.fromisoformat(job["fetched_at"])

    class Carrier(scrapy.Spider):  # type: ignore[misc]
        name = "twin"
        asked: ClassVar[set[str]] = set()

        async def start(self) -> AsyncIterator[Any]:
            for ask in job["first"]:
                yield self.request(Ask(**ask))

        def request(self, ask: Ask) -> Any:
            # Scrapy's own filter of repeated requests would drop a redirect to a page seen before without a word.
            self.asked.add(ask.url)
            return scrapy.Request(
                ask.url, self.parse, headers=ask.headers, errback=self.failed, dont_filter=True,
                cb_kwargs={"ask": ask}, meta={"ask": ask},
            )  # fmt: skip

        def parse(self, response: Any, ask: Ask) -> Iterator[Any]:
            headers = {k.decode().lower(): b", ".join(v).decode("latin-1") for k, v in response.headers.items()}
            page = Page(response.url, response.status, headers, response.body, ask.step, ask.carry)
            try:
                _refuse(page, ask, response.meta.get("twin_wait"))
                for found in follow(page, job["author"], fetched_at, job["context"]):
                    if isinstance(found, Ask):
                        if found.url not in self.asked:
                            yield self.request(found)
                    elif isinstance(found, Document):
                        say("document", asdict(found) | {
                            "published_at": found.published_at and found.published_at.isoformat(),
                            "fetched_at": found.fetched_at.isoformat(),
                        })  # fmt: skip
                    else:
                        say("skipped", asdict(found))
            except SourceError as error:
                self.give_up(ask, error)

        def failed(self, failure: Any) -> None:
            ask = failure.request.meta["ask"]
            why = failure.getErrorMessage() or failure.type.__name__
            if "robots.txt" in why:
                mend = "The site forbids programs there: use the person's own export, or another address."
                return self.give_up(ask, SourceError("robots.txt forbids this address", ask.url, mend))
            mend = "Check the address and the network, then run it again."
            return self.give_up(ask, NetworkError("a page can't be fetched", f"{ask.url} ({why})", mend))

        def give_up(self, ask: Ask, error: SourceError) -> None:
            if not ask.required:
                return say("skipped", asdict(Skipped(what=ask.url, reason=error.thing)))
            say("error", {
                "thing": error.thing, "value": str(error.value), "mend": error.mend,
                "network": isinstance(error, NetworkError),
            })  # fmt: skip
            raise CloseSpider(error.thing)

    return Carrier


def _refuse(page: Page, ask: Ask, wait: float | None) -> None:
    if wait is not None:
        minutes = max(1, round(wait / 60))
        mend = f"Run it again in {minutes} minutes or raise collect.max_wait_seconds; at GitHub, set GITHUB_TOKEN."
        raise NetworkError("the site's rate limit is used up", f"{page.url} (it asks to wait {minutes} minutes)", mend)
    if page.status in (429, 401, 403) or page.status >= 500:
        raise NetworkError(
            "the site refused", f"{page.url} (HTTP {page.status})", "Run it again later, or use the person's export."
        )
    if page.status >= 400 and ask.required:
        raise SourceError(
            "there is no such page", f"{page.url} (HTTP {page.status})", "Check the address or the user's name."
        )


if __name__ == "__main__":
    sys.exit(main())
