"""One web page, fetched safely: public addresses only, checked where the connection is made; bounded in all it costs."""

from __future__ import annotations

import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from twin.errors import NetworkError, SourceError
from twin.sources.addresses import check_url, may_connect

MAX_BYTES = 2_000_000
MAX_PDF_BYTES = 20_000_000
MAX_SECONDS = 10.0
MAX_REDIRECTS = 4
TEXT_KINDS = (
    "text/html", "application/xhtml+xml", "text/plain", "text/markdown", "text/x-markdown", "text/vtt",
    "application/x-subrip", "text/srt",
)  # fmt: skip
PDF_KIND = "application/pdf"
_JSON_KINDS = ("application/json", "application/vnd.github+json", "application/vnd.github.raw+json")
# Servers that know no subtitles call them bytes.
_NAMED = (".vtt", ".srt", ".md", ".txt", ".pdf")
_AGENT = "Mozilla/5.0 (compatible; llm-twin-writer)"
_PASTE = "Paste its text instead."

# (address family, type, protocol, name, (address, …)) as socket.getaddrinfo gives them.
Lookup = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: `url` is where the redirects ended, `kind` its media type, `charset` as its header names it."""

    url: str
    kind: str
    charset: str
    body: bytes


def addresses_of(host: str, port: int) -> list[str]:
    """The addresses a name stands for now. Raises OSError or UnicodeError as the system's resolver does."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def fetch(
    url: str, *, allow_loopback: bool = False, headers: Mapping[str, str] | None = None, lookup: Lookup = addresses_of
) -> Fetched:
    """GET a page and follow at most MAX_REDIRECTS redirects, in MAX_SECONDS altogether; raises SourceError.

    A name is looked up once a connection, all its addresses are checked, and the connection goes to the first of
    those very addresses: a name that changes its mind between check and use leads nowhere. Each redirect passes the
    same gate. Bodies are bounded as they are unpacked, never after.
    """
    until = time.monotonic() + MAX_SECONDS
    for _ in range(MAX_REDIRECTS + 1):
        found = _get(url, until, allow_loopback, headers or {}, lookup)
        if isinstance(found, Fetched):
            return found
        url = urljoin(url, found)
    raise SourceError("a link leads round in circles", url[:200], "Give the address where it ends.")


def _get(url: str, until: float, allow_loopback: bool, headers: Mapping[str, str], lookup: Lookup) -> Fetched | str:
    """The page, or where it has moved to."""
    import httpcore

    place = check_url(url, allow_loopback)
    gate = _backend(until, allow_loopback, lookup, url)
    try:
        with (
            httpcore.ConnectionPool(network_backend=gate, retries=0) as pool,
            pool.stream("GET", _ascii(url, place.host), headers=_headers(place, headers)) as reply,
        ):
            return _answer(reply, url, until, "json" in headers.get("Accept", ""))
    except (
        httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol,
        ssl.SSLError, OSError, ValueError,
    ) as error:  # fmt: skip
        if time.monotonic() >= until:
            raise _slow(url) from None
        raise NetworkError(
            "a link does not answer", f"{url[:200]} ({type(error).__name__})", "Try again later."
        ) from None


def _headers(place: Any, headers: Mapping[str, str]) -> list[tuple[str, str]]:
    shown = f"[{place.host}]" if ":" in place.host else place.host
    host = shown if place.port == {"http": 80, "https": 443}[place.scheme] else f"{shown}:{place.port}"
    own = {"Host": host, "User-Agent": _AGENT, "Accept": ", ".join((*TEXT_KINDS, PDF_KIND)), "Connection": "close"}
    return list((own | {"Accept-Encoding": "gzip, deflate"} | dict(headers)).items())


def _ascii(url: str, host: str) -> str:
    from urllib.parse import quote

    parts = urlsplit(url)
    shown = f"[{host}]" if ":" in host else host
    safe = "!#$%&'()*+,/:;=?@[]~"
    place = shown if parts.port is None else f"{shown}:{parts.port}"
    return urlunsplit((parts.scheme, place, quote(parts.path, safe) or "/", quote(parts.query, safe), ""))


def _answer(reply: Any, url: str, until: float, as_json: bool) -> Fetched | str:
    headers: dict[str, str] = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in reply.headers}
    if reply.status in (301, 302, 303, 307, 308) and headers.get("location"):
        return headers["location"]
    if reply.status != 200:
        raise SourceError("a link can't be read", f"{url[:200]} answered {reply.status}", _PASTE)
    kind, _, rest = headers.get("content-type", "").partition(";")
    kind = kind.strip().lower()
    if kind not in (*TEXT_KINDS, PDF_KIND, *(_JSON_KINDS if as_json else ())) and not _by_name(kind, url):
        raise SourceError("a link is no text page", f"{url[:200]} ({kind or 'unknown kind'})", _PASTE)
    charset = rest.lower().partition("charset=")[2].split(";")[0].strip(" \"'")
    most = MAX_PDF_BYTES if kind == PDF_KIND else MAX_BYTES
    if headers.get("content-length", "").isdigit() and int(headers["content-length"]) > most:
        raise _large(url, most)
    body = _unpacked(reply.iter_stream(), headers.get("content-encoding", ""), most, until, url)
    return Fetched(url, kind, charset, body)


def _by_name(kind: str, url: str) -> bool:
    return kind in ("", "application/octet-stream", "binary/octet-stream") and urlsplit(url).path.endswith(_NAMED)


def _unpacked(pieces: Iterable[bytes], coding: str, most: int, until: float, url: str) -> bytes:
    coding = coding.strip().lower()
    if coding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise SourceError("a link's page is packed in an unknown way", f"{url[:200]} ({coding[:40]})", _PASTE)
    unpack = zlib.decompressobj(47) if coding not in ("", "identity") else None
    body = bytearray()
    for piece in pieces:
        if time.monotonic() > until:
            raise _slow(url)
        try:
            # One byte more than fits is enough to know: a bomb is never unpacked.
            body += unpack.decompress(piece, most + 1 - len(body)) if unpack else piece
        except zlib.error:
            raise SourceError("a link's page is damaged", url[:200], _PASTE) from None
        if len(body) > most:
            raise _large(url, most)
    return bytes(body)


def _large(url: str, most: int) -> SourceError:
    return SourceError(f"a link's page is over {most // 1_000_000} MB", url[:200], _PASTE)


def _slow(url: str) -> SourceError:
    return SourceError(f"a link took over {MAX_SECONDS:g} s", url[:200], _PASTE)


def _backend(until: float, allow_loopback: bool, lookup: Lookup, url: str) -> Any:
    """httpcore's way to the network, with the address gate and one deadline for everything, handshakes included."""
    import httpcore

    def left() -> float:
        seconds = until - time.monotonic()
        if seconds <= 0:
            raise httpcore.ReadTimeout("the deadline has passed")
        return seconds

    class Stream(httpcore.NetworkStream):
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
            return bytes(self.inner.read(max_bytes, left()))

        def write(self, buffer: bytes, timeout: float | None = None) -> None:
            self.inner.write(buffer, left())

        def close(self) -> None:
            self.inner.close()

        def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> Any:
            return Stream(self.inner.start_tls(ssl_context, server_hostname, left()))

        def get_extra_info(self, info: str) -> Any:
            return self.inner.get_extra_info(info)

    class Gate(httpcore.NetworkBackend):
        def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> Any:
            address = _looked_up(host.strip("[]"), port, left(), allow_loopback, lookup, url)
            stream = Stream(httpcore.SyncBackend().connect_tcp(address, port, timeout=left()))
            peer = stream.get_extra_info("server_addr")
            if peer and not may_connect(str(peer[0]), allow_loopback):
                stream.close()
                raise _private(url)
            return stream

        def connect_unix_socket(self, path: str, *_: Any, **__: Any) -> Any:
            raise _private(url)

    return Gate()


def _looked_up(host: str, port: int, seconds: float, allow_loopback: bool, lookup: Lookup, url: str) -> str:
    """The address to connect to. One private address among a name's is enough to refuse it."""
    found: list[list[str]] = []

    def ask() -> None:
        try:
            found.append(lookup(host, port))
        except (OSError, UnicodeError):
            found.append([])

    # The system's resolver knows no deadline: a daemon thread may stay behind in it.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    if not found:
        raise _slow(url)
    if not found[0]:
        raise NetworkError("a link's host is not known", host[:200], "Check the address.")
    if not all(may_connect(address, allow_loopback) for address in found[0]):
        raise _private(url)
    return found[0][0]


def _private(url: str) -> SourceError:
    return SourceError("a link leads to a private address", url[:200], "Only public pages are read.")
