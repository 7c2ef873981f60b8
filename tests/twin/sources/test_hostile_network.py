"""A hostile network: no case crashes, hangs or leads inside, and each is named with its reason."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator

import pytest

from twin.errors import SourceError
from twin.params import Collect
from twin.sources import blog, fetch, links
from twin.sources.reading import Skipped

SPELLINGS = [
    "http://127.0.0.1/", "http://127.1/", "http://127.0.1/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/",
    "http://017700000001/", "http://0177.0.0.1/", "http://127.0.0.01/", "http://127.0.0.1./", "http://0/", "http://0.0.0.0/",
    "http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://x.localhost/", "http://printer.local/",
    "http://db.internal/", "http://metadata.google.internal/", "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/", "http://0xA9FEA9FE/", "http://168.63.129.16/", "http://100.100.100.200/", "http://100.64.0.1/",
    "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/", "http://192.0.0.192/", "http://198.18.0.1/",
    "http://224.0.0.1/", "http://240.0.0.1/", "http://255.255.255.255/", "http://[::1]/", "http://[::]/",
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:a9fe:a9fe]/", "http://[0:0:0:0:0:ffff:7f00:1]/",
    "http://[::127.0.0.1]/", "http://[64:ff9b::127.0.0.1]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[64:ff9b:1::1]/",
    "http://[2002:7f00:1::]/", "http://[2002:a9fe:a9fe::1]/", "http://[2001:0:7f00:1::]/", "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/", "http://[fec0::1]/", "http://[fd00:ec2::254]/", "http://[ff02::1]/", "http://[2001:db8::1]/",
    "http://user@127.0.0.1/", "http://user:word@example.com/", "http://example.com@127.0.0.1/", "http://127.0.0.1#@example.com/",
    "http://example.com\\@127.0.0.1/", "http://127.0.0.1\\.example.com/", "http://127。0。0。1/", "http://127．0．0．1/",
    "http://①②⑦.⓪.⓪.①/", "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "http://%31%32%37.0.0.1/", "http://127.0.0.1%00.example.com/",
    "http://exam ple.com/", "http://example.com\r\nHost: x/", "http://example.com:22/", "http://example.com:6379/",
    "http://example.com:0/", "http://example.com:99999/", "http://example.com:port/", "http:///etc/passwd", "http://[::1/",
    "http://-/", "http://a..b/", "http://" + "a" * 64 + ".example/", "file:///etc/passwd", "FILE:///etc/passwd",
    "ftp://example.com/", "gopher://127.0.0.1:6379/_x", "data:text/html,x", "javascript:alert(1)", "jar:http://x!/",
    "dict://127.0.0.1:11211/", "ldap://127.0.0.1/", "//127.0.0.1/", "http:127.0.0.1", "https://127.0.0.1:443/",
    "http://" + "a" * 5000 + "/",
]  # fmt: skip


@pytest.mark.parametrize("url", SPELLINGS, ids=[f"{n:02}" for n in range(len(SPELLINGS))])
def test_no_spelling_leads_inside(url):
    looked = []
    with pytest.raises(SourceError) as caught:
        fetch.fetch(url, lookup=lambda host, port: looked.append(host) or [])
    assert looked == []
    assert caught.value.thing.startswith("a link") and caught.value.mend
    (page,) = links.read_links([url])
    assert page.error and not page.text


@pytest.mark.parametrize(
    "answers",
    [["10.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:169.254.169.254"], ["64:ff9b::a00:1"], ["0.0.0.0"], ["::"]],
)
def test_a_name_that_stands_for_an_inner_address_is_refused(answers):
    with pytest.raises(SourceError, match="private address"):
        fetch.fetch("http://rebound.example/", lookup=lambda host, port: answers)


def test_a_name_that_changes_its_mind_is_looked_up_once(monkeypatch):
    """The connection goes to the address that was checked: a second look-up, which would lie, never happens."""
    import httpcore

    looked, dialled = [], []

    def lookup(host, port):
        looked.append(host)
        return ["93.184.216.34"] if len(looked) == 1 else ["127.0.0.1"]

    def dial(self, host, port, **_):
        dialled.append(host)
        raise httpcore.ConnectError("far away")

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", dial)
    with pytest.raises(SourceError, match="does not answer"):
        fetch.fetch("http://rebound.example/", lookup=lookup)
    assert (looked, dialled) == (["rebound.example"], ["93.184.216.34"])


def test_a_resolver_that_never_answers_is_left(monkeypatch):
    monkeypatch.setattr(fetch, "MAX_SECONDS", 0.3)
    with pytest.raises(SourceError, match=r"over 0\.3 s"):
        fetch.fetch("http://slow.example/", lookup=lambda host, port: time.sleep(3) or [])


OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
BOMB = gzip.compress(b"\0" * 40_000_000)


def _head(extra: bytes = b"", status: bytes = b"200 OK", kind: bytes = b"text/html") -> bytes:
    return b"HTTP/1.1 " + status + b"\r\nContent-Type: " + kind + b"\r\n" + extra + b"\r\n"


def _to(place: str) -> bytes:
    return b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + place.encode() + b"\r\n\r\n"


def _drip(connection: socket.socket, piece: bytes, every: float = 0.05) -> None:
    while True:
        connection.sendall(piece)
        time.sleep(every)


def _packed(data: bytes, coding: bytes = b"gzip") -> bytes:
    return _head(b"Content-Encoding: " + coding + b"\r\nContent-Length: %d\r\n" % len(data)) + data


def _whole(data: bytes, kind: bytes = b"text/html") -> bytes:
    return _head(b"Content-Length: %d\r\n" % len(data), kind=kind) + data


# What the site answers at each path: bytes, or a function that is given the connection.
ANSWERS: dict[str, bytes | Callable[[socket.socket], None]] = {
    "to-itself": _to("/to-itself"), "to-and": _to("/fro-and"), "fro-and": _to("/to-and"), "to-file": _to("file:///etc/passwd"),
    "to-ftp": _to("ftp://example.com/"), "to-gopher": _to("gopher://127.0.0.1:6379/_x"), "to-data": _to("data:text/html,x"),
    "to-script": _to("javascript:alert(1)"), "to-metadata": _to("http://169.254.169.254/latest/"),
    "to-private": _to("http://10.0.0.1/"), "to-mapped": _to("http://[::ffff:169.254.169.254]/"),
    "to-number": _to("http://2852039166/"), "to-nat64": _to("http://[64:ff9b::a00:1]/"), "to-6to4": _to("http://[2002:a00:1::]/"),
    "to-user": _to("http://root:word@example.com/"), "to-port": _to("http://example.com:6379/"),
    "to-backslash": _to("http://example.com\\@10.0.0.1/"), "to-dots": _to("http://10%E3%80%820.0.1/"),
    "to-nowhere": b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "to-empty": _to(""),
    "to-long": _to("/" + "x" * 6000),
    "drip-body": lambda c: (c.sendall(_head()), _drip(c, b"x"))[0], "drip-head": lambda c: (c.sendall(OK), _drip(c, b"X"))[0],
    "silent": lambda c: time.sleep(4),
    "endless-body": lambda c: (c.sendall(_head()), _drip(c, b"x" * 65536, 0))[0],
    "endless-head": lambda c: (c.sendall(OK), _drip(c, b"X-More: " + b"x" * 8000 + b"\r\n", 0))[0],
    "endless-chunks": lambda c: (c.sendall(_head(b"Transfer-Encoding: chunked\r\n")), _drip(c, b"8000\r\n" + b"x" * 0x8000 + b"\r\n", 0))[0],
    "gzip-bomb": _packed(BOMB), "gzip-in-gzip": _packed(gzip.compress(BOMB)), "gzip-garbage": _packed(b"\x1f\x8bnothing"),
    "gzip-no": _packed(b"plain words"), "deflate-bomb": _packed(zlib.compress(b"\0" * 40_000_000), b"deflate"),
    "coded-br": _packed(b"x", b"br"), "coded-twice": _packed(gzip.compress(gzip.compress(b"x")), b"gzip, gzip"),
    "length-huge": _head(b"Content-Length: 99999999999\r\n") + b"x", "length-minus": _head(b"Content-Length: -5\r\n"),
    "length-word": _head(b"Content-Length: many\r\n") + b"x", "length-short": _head(b"Content-Length: 500\r\n") + b"<p>x",
    "length-two": _head(b"Content-Length: 1\r\nContent-Length: 2\r\n") + b"xx",
    "chunk-bad": _head(b"Transfer-Encoding: chunked\r\n") + b"zz\r\nx", "kind-image": _whole(b"\x89PNG", b"image/png"),
    "kind-exe": _whole(b"MZ", b"application/x-msdownload"), "kind-none": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
    "kind-lies": _whole(bytes(range(256)) * 40), "empty": _whole(b""), "nested": _whole(b"<div>" * 60_000),
    "attribute": _whole(b'<p title="' + b"x" * 1_000_000 + b'">'),
    "entities": _whole(b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><html>&b;</html>', b"application/xhtml+xml"),
    "not-http": b"SSH-2.0-OpenSSH_9.0\r\n", "old-http": b"<html>hello</html>", "closed": b"", "switch": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    "status-999": _head(b"Content-Length: 0\r\n", b"999 No"), "status-none": b"HTTP/1.1 \r\n\r\n", "none": _head(b"", b"204 No Content"),
    "login": _head(b"Content-Length: 0\r\nWWW-Authenticate: Basic\r\n", b"401 No"), "proxy": _head(b"Content-Length: 0\r\n", b"407 No"),
    "gone": _head(b"Content-Length: 0\r\n", b"410 Gone"), "down": _head(b"Content-Length: 0\r\n", b"500 Down"),
    "nul-head": b"HTTP/1.1 200 OK\r\nX-\0: 1\r\nContent-Type: text/html\r\n\r\n<p>x", "pdf-lies": _whole(b"%PDF-1.7 junk", b"application/pdf"),
}  # fmt: skip


@pytest.fixture(scope="module")
def hostile() -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    extra: dict[str, bytes] = {}

    def answer(connection: socket.socket) -> None:
        with connection:
            try:
                connection.settimeout(10)
                asked = connection.recv(65536).split(b" ")
                path = asked[1].decode("latin-1").lstrip("/").split("?")[0] if len(asked) > 1 else ""
                found = extra.get(path) or ANSWERS.get(path, _head(b"Content-Length: 0\r\n", b"404 No"))
                if callable(found):
                    found(connection)
                else:
                    connection.sendall(found)
            except OSError:
                pass

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    links_ = "".join(f"<url><loc>{base}/{name}?2024/01/</loc></url>" for name in ANSWERS)
    extra["sitemap.xml"] = _whole(f"<urlset>{links_}</urlset>".encode(), b"application/xml")
    yield base
    listener.close()


@pytest.mark.parametrize("path", ANSWERS)
def test_no_answer_harms_the_link_reader(path, hostile, monkeypatch):
    monkeypatch.setattr(fetch, "MAX_SECONDS", 1.0)
    began = time.monotonic()
    (page,) = links.read_links([f"{hostile}/{path}"], allow_loopback=True)
    assert page.error.startswith(("a link", "a PDF")) and "a link's page can't be read" not in page.error
    assert not page.text
    assert time.monotonic() - began < 20


def test_https_to_a_plain_server_is_named(hostile):
    (page,) = links.read_links([hostile.replace("http:", "https:") + "/empty"], allow_loopback=True)
    assert "does not answer" in page.error


def test_no_answer_harms_the_crawler(hostile, settings, now):
    """All of them in one crawl, which comes to its end with a reason for each and no document."""
    made = blog.crawl(f"{hostile}/sitemap.xml", None)
    collect = Collect(allow_loopback=True, delay_seconds=0, timeout_seconds=1.5, max_wait_seconds=0)
    items = list(made.run("ann", now, collect, settings))
    named = {item.what.split("?")[0].rpartition("/")[2]: item.reason for item in items if isinstance(item, Skipped)}
    assert set(ANSWERS) <= set(named) | {"to-and", "fro-and", "to-empty"}
    assert all(isinstance(item, Skipped) and item.reason for item in items)
    assert len(items) == len(ANSWERS)
    assert made.stats["peak_mb"] < 400
