"""Crawls of a loopback site through Scrapy: limits honoured, robots obeyed, unchanged pages not fetched again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from twin.errors import NetworkError, SourceError
from twin.params import Collect
from twin.sources import rss
from twin.sources.crawl import Crawl

ITEM = "<item><guid>1</guid><title>T</title><description>&lt;p&gt;Hello there&lt;/p&gt;</description></item>"
FEED = f"<rss><channel>{ITEM}</channel></rss>"
OPEN = Collect(allow_loopback=True, delay_seconds=0, timeout_seconds=5)


@dataclass
class Site:
    """Answers in order, the last one again and again; every request is noted with its time."""

    answers: dict[str, list[tuple[int, dict[str, str], str]]] = field(default_factory=dict)
    seen: list[tuple[str, float, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def paths(self) -> list[str]:
        return [path for path, _, _ in self.seen]


@pytest.fixture
def site() -> Iterator[Site]:
    state = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {k.lower(): v for k, v in self.headers.items()}
            state.seen.append((self.path, time.monotonic(), headers))
            known = state.answers.get(self.path, [(404, {}, "")])
            status, extra, body = known.pop(0) if len(known) > 1 else known[0]
            if "ETag" in extra and headers.get("if-none-match") == extra["ETag"]:
                status, body = 304, ""
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield state
        server.shutdown()


def crawl(site, settings, now, collect=OPEN, path="/feed") -> tuple[list, Crawl]:
    made = rss.crawl(f"{site.url}{path}", None)
    return list(made.run("ann", now, collect, settings)), made


def test_a_feed_is_crawled_and_an_unchanged_one_costs_one_conditional_request(site, settings, now):
    site.answers["/feed"] = [(200, {"ETag": '"1"'}, FEED)]
    (one,), first = crawl(site, settings, now)
    (other,), second = crawl(site, settings, now)
    assert one == other
    assert one.text == "Hello there"
    assert site.seen[-1][2]["if-none-match"] == '"1"'
    assert (first.stats["revalidated"], second.stats["revalidated"]) == (0, 1)
    assert "llm-twin-writer/" in site.seen[0][2]["user-agent"]


def test_robots_txt_is_obeyed(site, settings, now):
    site.answers |= {"/robots.txt": [(200, {}, "User-agent: *\nDisallow: /feed\n")], "/feed": [(200, {}, FEED)]}
    with pytest.raises(SourceError, match=r"robots\.txt forbids"):
        crawl(site, settings, now)
    assert site.paths() == ["/robots.txt"]


def test_crawl_delay_is_honoured(site, settings, now):
    page = '<html><head><link rel="alternate" type="application/rss+xml" href="/rss"></head></html>'
    site.answers |= {
        "/robots.txt": [(200, {}, "User-agent: *\nCrawl-delay: 1\n")],
        "/feed": [(200, {}, page)],
        "/rss": [(200, {}, FEED)],
    }
    crawl(site, settings, now)
    times = {path: at for path, at, _ in site.seen}
    assert times["/rss"] - times["/feed"] >= 0.95


def test_retry_after_is_waited_for(site, settings, now):
    site.answers["/feed"] = [(429, {"Retry-After": "1"}, ""), (200, {}, FEED)]
    (one,), made = crawl(site, settings, now)
    asked = [at for path, at, _ in site.seen if path == "/feed"]
    assert one.text == "Hello there"
    assert asked[1] - asked[0] >= 0.95
    assert made.stats["waits"] == 1


def test_a_wait_past_the_bound_ends_with_the_time_to_come_back(site, settings, now):
    site.answers["/feed"] = [
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 3000)}, "")
    ]
    with pytest.raises(NetworkError, match=r"rate limit is used up.*asks to wait (49|50) minutes.*max_wait_seconds"):
        crawl(site, settings, now, Collect(allow_loopback=True, max_wait_seconds=2))


@pytest.mark.parametrize(("status", "says"), [(404, "there is no such page"), (401, "the site refused")])
def test_a_refusal_names_the_address(status, says, site, settings, now):
    site.answers["/feed"] = [(status, {}, "")]
    with pytest.raises(SourceError, match=f"{says}.*{site.url}/feed .HTTP {status}"):
        crawl(site, settings, now)


def test_a_redirect_loop_ends(site, settings, now):
    site.answers["/feed"] = [(302, {"Location": "/feed"}, "")]
    with pytest.raises(SourceError):
        crawl(site, settings, now)


def test_loopback_is_refused_unless_allowed(site, settings, now):
    site.answers["/feed"] = [(200, {}, FEED)]
    for url in (site.url, site.url.replace("127.0.0.1", "localhost")):
        with pytest.raises(NetworkError, match="private address"):
            list(rss.crawl(f"{url}/feed", None).run("ann", now, Collect(delay_seconds=0), settings))
    assert site.seen == []


def test_a_closed_port_is_a_network_error(site, settings, now):
    with pytest.raises(NetworkError, match="can't be fetched"):
        list(rss.crawl("http://127.0.0.1:9/feed", None).run("ann", now, OPEN, settings))
