"""The crawler's own process: a job on standard input, items as JSON lines on standard output, Scrapy in between."""

from __future__ import annotations

import contextlib
import json
import resource
import sys
from pathlib import Path
from typing import Any

from twin import __version__, lifeline, redact
from twin.errors import SourceError
from twin.sources import answers, headers
from twin.sources.carrier import carrier, say
from twin.sources.ledger import Ledger, code_mark

_MEMORY_BYTES = 4 * 2**30
_MIDDLEWARES = {
    "twin.sources.guard.Guard": 50,
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    # Not used, and slow to start.
    "scrapy.downloadermiddlewares.cookies.CookiesMiddleware": None,
    "scrapy.downloadermiddlewares.httpauth.HttpAuthMiddleware": None,
    "twin.sources.robots.Robots": 100,
    # Nearest to the network: what the cache answers by itself waits for nobody.
    "twin.sources.politeness.Gate": 950,
}
# Consoles into the running crawler are nothing a collection needs; the rest is not used either.
_NO_EXTENSIONS = (
    "remote_control.RemoteControl", "telnet.TelnetConsole", "feedexport.FeedExporter", "memdebug.MemoryDebugger",
    "spiderstate.SpiderState",
)  # fmt: skip
_STATS = {
    # What went over the network: Scrapy's own counts hold what its cache answered too.
    "requests": "twin/requests",
    "bytes": "twin/bytes",
    "cached": "httpcache/hit",
    "revalidated": "httpcache/revalidate",
    "waits": "twin/waits",
    "retries": "retry/count",
    "parsed": "twin/parsed",
    "unchanged": "twin/unchanged",
    "resumed": "twin/resumed",
    "failed": "twin/failed",
    "forbidden": "twin/forbidden",
    "instead": "twin/instead",
    "seconds": "elapsed_time_seconds",
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
        "HTTPCACHE_POLICY": "twin.sources.answers.Policy",
        "HTTPCACHE_STORAGE": "twin.sources.answers.Answers",
        # A proxy would look names up by itself, past the guard of addresses.
        "HTTPPROXY_ENABLED": False,
        "DOWNLOADER_MIDDLEWARES": _MIDDLEWARES,
        "DOWNLOAD_HANDLERS": {"file": None, "ftp": None, "s3": None, "data": None},
        "TWISTED_DNS_RESOLVER": "twin.sources.guard.Resolver",
        "TWIN_ALLOW_LOOPBACK": job["allow_loopback"],
        "TWIN_MAX_WAIT": job["max_wait"],
        "TWIN_TELL": _tell,
        "EXTENSIONS": {f"scrapy.extensions.{name}": None for name in _NO_EXTENSIONS},
        "METAREFRESH_ENABLED": False,
        "LOG_LEVEL": "WARNING",
    }


def _tell(what: str) -> None:
    say("note", what)


def main() -> int:
    """Run the job on standard input; 0 also when an error was said, for that is an answer."""
    from scrapy.crawler import CrawlerProcess

    lifeline.follow()
    headers.bound()
    # Whatever else a host may think of: what it may cost is bounded here.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    job = json.load(sys.stdin)
    redact.install()
    redact.learn(*(value.removeprefix("Bearer ") for value in job["secret"].values()))
    marks = json.dumps([code_mark(), job["author"], job["context"]], sort_keys=True)
    try:
        ledger = Ledger(Path(job["ledger"]), marks)
    except SourceError as error:
        say("error", {"thing": error.thing, "value": str(error.value), "mend": error.mend, "network": False})
        return 0
    answers.use(ledger)
    process = CrawlerProcess(settings(job))
    crawler = process.create_crawler(carrier(job, ledger))
    process.crawl(crawler)
    process.start()
    stats = crawler.stats.get_stats() if crawler.stats else {}
    ledger.close(ended=bool(stats.get("twin/ended")))
    say("stats", {name: stats.get(key, 0) for name, key in _STATS.items()} | {"peak_mb": round(_peak_mb())})
    return 0


def _peak_mb() -> float:
    """Peak resident memory of this process in MiB."""
    # On Linux ru_maxrss begins with the size of the process that started this one; the kernel's own mark does not.
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
