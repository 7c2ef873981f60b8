"""Links are read from public places only, within bounds, to the end of their redirects."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from twin.errors import SourceError
from twin.sources import fetch, links

PAGE = """<html><head><title>Clickers</title></head><body><nav>Home About</nav><article><h1>Clickers</h1>
<p>The harbour bought forty clickers of steel last week, and every deckhand has one in her pocket now.</p>
<p>They count heads at the ropes, because the ticket scanner misses babies and men who jump the gate.</p>
</article></body></html>"""


class Site(BaseHTTPRequestHandler):
    """A page, redirects that lead to it, inside or nowhere, and pages nobody should read whole."""

    def do_GET(self) -> None:
        moved = {
            "/moved": "/page",
            "/inside": "http://169.254.169.254/latest",
            "/round": "/round",
            "/file": "file:///etc/passwd",
        }
        if self.path in moved:
            return self._head(302, {"Location": moved[self.path], "Content-Length": "0"})
        if self.path == "/huge":
            self._head(200, {"Content-Type": "text/html"})
            try:
                for _ in range(400):
                    self.wfile.write(b"x" * 10_000)
            except OSError:
                pass
        elif self.path == "/slow":
            self._head(200, {"Content-Type": "text/html"})
            try:
                for _ in range(40):
                    self.wfile.write(b"x")
                    time.sleep(0.05)
            except OSError:
                pass
        elif self.path == "/image":
            self._head(200, {"Content-Type": "image/png"})
        elif self.path == "/host":
            self._head(200, {"Content-Type": "text/plain; charset=utf-8"})
            self.wfile.write(f"asked for {self.headers['Host']} ⚓".encode())
        elif self.path == "/page":
            self._head(200, {"Content-Type": "text/html; charset=utf-8"})
            self.wfile.write(PAGE.encode())
        else:
            self._head(404, {})
        return None

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


@pytest.mark.parametrize("path", ["/page", "/moved"])
def test_the_main_text_is_read(site: str, path: str) -> None:
    (page,) = links.read_links([site + path], allow_loopback=True)
    assert page.error == ""
    assert "forty clickers of steel" in page.text
    assert "Home About" not in page.text
    assert page.title == "Clickers"


def test_plain_text_keeps_its_signs_and_the_host_is_the_one_asked_for(site: str) -> None:
    port = site.rpartition(":")[2]
    (page,) = links.read_links([f"http://localhost:{port}/host"], allow_loopback=True)
    assert page.text == f"asked for localhost:{port} ⚓"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/inside", "private address"),
        ("/file", "not http or https"),
        ("/round", "round in circles"),
        ("/huge", "over 2 MB"),
        ("/image", "no text page"),
        ("/nothing", "404"),
    ],
)
def test_what_is_not_read_says_why(site: str, path: str, told: str) -> None:
    (page,) = links.read_links([site + path], allow_loopback=True)
    assert told in page.error
    assert page.text == ""


def test_a_page_that_trickles_is_left(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MAX_SECONDS", 0.4)
    (page,) = links.read_links([f"{site}/slow"], allow_loopback=True)
    assert "0.4 s" in page.error


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost:8080/", "http://[::1]/", "http://2130706433/", "http://0x7f000001/",
        "http://10.0.0.1/", "http://192.168.1.1/", "http://169.254.169.254/latest/meta-data/", "http://[fd00::1]/",
        "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/",
    ],
)  # fmt: skip
def test_private_places_are_never_asked(url: str) -> None:
    with pytest.raises(SourceError, match=r"private address|not known"):
        fetch.fetch(url)


@pytest.mark.parametrize(
    "url",
    ["ftp://x.example/", "file:///etc/passwd", "javascript:alert(1)", "x.example", "http:///x"],
)
def test_other_schemes_are_refused(url: str) -> None:
    with pytest.raises(SourceError, match="not http or https"):
        fetch.fetch(url)


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(SourceError, match="private address"):
        fetch.fetch("http://two-faced.example/", lookup=lambda host, port: ["93.184.216.34", "10.0.0.7"])


def test_a_bad_link_does_not_hide_a_good_one(site: str) -> None:
    pages = links.read_links(["http://10.0.0.1/", f"{site}/page"], allow_loopback=True)
    assert [bool(page.text) for page in pages] == [False, True]
