"""Sites that stall, break off and come back, a memory that is damaged, a clock that was set: nothing is half kept."""

from __future__ import annotations

import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from twin.errors import NetworkError
from twin.params import Collect
from twin.sources import rss
from twin.sources.ledger import Ledger, ledger_path

SHORT = Collect(allow_loopback=True, timeout_seconds=1.0)
FEED = (
    '<rss version="2.0"><channel><item><title>One</title><guid>1</guid><description>'
    + "The tide was late. " * 40
    + "</description></item></channel></rss>"
)


class Wire:
    """A server of bare bytes: how each connection goes is told in turn, the last one again and again."""

    def __init__(self, ways: list[str]) -> None:
        self.ways, self.met = ways, 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.over = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while not self.over.is_set():
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            asked = connection.recv(65536)
            body = FEED.encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            if b"/feed" not in asked:
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            way = self.ways.pop(0) if len(self.ways) > 1 else self.ways[0]
            self.met += 1
            if way == "stall":
                connection.sendall(head.encode() + body[:100])
                self.over.wait(30)
            elif way == "cut":
                connection.sendall(head.encode() + body[: len(body) // 2])
            elif way == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            else:
                connection.sendall(head.encode() + body)


@pytest.fixture
def wire() -> Iterator[Callable[[list[str]], Wire]]:
    """`wire(ways)` is a running server."""
    made: list[Wire] = []

    def start(ways: list[str]) -> Wire:
        made.append(Wire(ways))
        return made[-1]

    yield start
    for one in made:
        one.over.set()
        one.socket.close()


def crawl(url, settings, now):
    return list(rss.crawl(f"{url}/feed", None).run("ann", now, SHORT, settings, source="rss:test"))


def test_a_flapping_site_is_asked_again_until_it_answers_whole(wire, settings, now):
    site = wire(["reset", "stall", "cut", "whole"])
    (document,) = crawl(site.url, settings, now)
    assert document.text.count("The tide was late.") == 40, "and never half of it"
    assert site.met == 4


def test_a_site_that_never_answers_whole_is_named_and_nothing_of_it_is_kept(wire, settings, now):
    site = wire(["cut"])
    with pytest.raises(NetworkError, match=r"can't be fetched: .*/feed.*run it again"):
        crawl(site.url, settings, now)
    with sqlite3.connect(ledger_path(settings.home, "ann", "rss:test")) as ledger:
        assert ledger.execute("SELECT count(*) FROM answers WHERE url LIKE '%/feed'").fetchone() == (0,)
        assert ledger.execute("SELECT count(*) FROM pages").fetchone() == (0,)
    ledger.close()
    site.ways[:] = ["whole"]
    assert len(crawl(site.url, settings, now)) == 1


@pytest.mark.parametrize("damage", ["cut", "a flipped body"])
def test_a_damaged_memory_is_begun_anew_or_asked_for_again(damage, site, settings, now):
    site.answers["/feed"] = [(200, {"ETag": '"1"', "Content-Type": "application/rss+xml"}, FEED)]
    assert len(crawl(site.url, settings, now)) == 1
    path = ledger_path(settings.home, "ann", "rss:test")
    if damage == "a flipped body":
        with sqlite3.connect(path) as ledger:
            ledger.execute("UPDATE answers SET body = CAST(x'00' || substr(body, 2) AS BLOB)")
            ledger.execute("UPDATE pages SET gave = CAST(x'00' || substr(gave, 2) AS BLOB)")
        ledger.close()
    else:
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) * 2 // 3])
    assert len(crawl(site.url, settings, now)) == 1
    assert len(crawl(site.url, settings, now)) == 1
    assert site.seen[-1][2]["if-none-match"] == '"1"', "and remembered again"


def test_what_cannot_be_remembered_stops_no_crawl(settings, monkeypatch):
    ledger = Ledger(ledger_path(settings.home, "ann", "rss:test"))
    ledger.connection.execute("PRAGMA query_only = ON")  # as on a full disk: every write is refused
    ledger.store("key", "https://a.example", 200, "{}", b"body")
    ledger.note("key", "digest", [])
    ledger.met("key")
    assert ledger.stored("key") is None
    ledger.close(ended=True)


def test_a_page_that_was_promised_to_stay_is_asked_for_again_when_the_clock_was_set(site, settings, now):
    promised = {"ETag": '"1"', "Cache-Control": "max-age=31536000", "Content-Type": "application/rss+xml"}
    promised["Date"] = (datetime.now(UTC) + timedelta(days=30)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    site.answers["/feed"] = [(200, promised, FEED)]
    assert len(crawl(site.url, settings, now)) == 1
    asked = site.paths().count("/feed")
    with sqlite3.connect(ledger_path(settings.home, "ann", "rss:test")) as ledger:
        ledger.execute("UPDATE answers SET stored = stored + 400 * 86400")
    ledger.close()
    assert len(crawl(site.url, settings, now)) == 1
    assert site.paths().count("/feed") == asked + 1
