"""The main text of web pages that a brief names: public addresses only, small, quick, redirects checked again."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from twin.errors import SourceError
from twin.sources.politeness import is_public

MAX_BYTES = 2_000_000
MAX_SECONDS = 10.0
MAX_REDIRECTS = 4
_AGENT = "Mozilla/5.0 (compatible; llm-twin-writer)"
_KINDS = ("text/html", "application/xhtml+xml", "text/plain", "text/markdown")


@dataclass(frozen=True, slots=True)
class Page:
    """What a link says: `text` is its main part, in lines; `error` is why there is none."""

    url: str
    title: str = ""
    text: str = ""
    error: str = ""


def read_links(urls: Sequence[str], *, allow_loopback: bool = False) -> list[Page]:
    """Read each page in order. A page that can't be read has an `error` and no text; nothing is raised for it."""
    pages = []
    for url in urls:
        try:
            pages.append(_page(url, *fetch(url, allow_loopback=allow_loopback)))
        except SourceError as error:
            pages.append(Page(url, error=str(error)))
    return pages


def fetch(url: str, *, allow_loopback: bool = False) -> tuple[bytes, str]:
    """The body (at most MAX_BYTES) and content type of a page; raises SourceError.

    The name is resolved once, every address is checked, and the connection goes to that very address: a name that
    changes its mind between check and use leads nowhere. Each redirect passes the same gate.
    """
    until = time.monotonic() + MAX_SECONDS
    for _ in range(MAX_REDIRECTS + 1):
        status, location, kind, body = _get(url, until, allow_loopback)
        if location and status in (301, 302, 303, 307, 308):
            url = urljoin(url, location)
            continue
        if status != 200:
            raise SourceError("a link can't be read", f"{url} answered {status}", "Paste its text instead.")
        if kind not in _KINDS:
            raise SourceError("a link is no text page", f"{url} ({kind or 'unknown kind'})", "Paste its text instead.")
        return body, kind
    raise SourceError("a link leads round in circles", url, "Give the address where it ends.")


def _get(url: str, until: float, allow_loopback: bool) -> tuple[int, str, str, bytes]:
    import httpx

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SourceError("a link is not http or https", url[:200], "Give a web address.")
    host = parts.hostname
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise SourceError("a link names no valid port", url[:200], "Give a web address.") from None
    address = _resolve(host, port, url, allow_loopback)
    target = httpx.URL(url).copy_with(host=address, username="", password="")
    shown = f"[{host}]" if ":" in host else host
    shown = shown if parts.port is None else f"{shown}:{port}"
    headers = {"Host": shown, "User-Agent": _AGENT, "Accept": ", ".join(_KINDS)}
    left = max(0.1, until - time.monotonic())
    try:
        with (
            httpx.Client(timeout=left, follow_redirects=False, trust_env=False) as client,
            client.stream("GET", target, headers=headers, extensions={"sni_hostname": host}) as reply,
        ):
            kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
            body = _bounded(reply, until, url) if reply.status_code == 200 and kind in _KINDS else b""
            return reply.status_code, reply.headers.get("location", ""), kind, body
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SourceError("a link does not answer", f"{url} ({type(error).__name__})", "Try again later.") from error


def _bounded(reply: object, until: float, url: str) -> bytes:
    import httpx

    assert isinstance(reply, httpx.Response)
    body = bytearray()
    for piece in reply.iter_bytes():
        body += piece
        if len(body) > MAX_BYTES:
            raise SourceError("a link's page is over 2 MB", url, "Paste its text instead.")
        if time.monotonic() > until:
            raise SourceError("a link took over 10 s", url, "Paste its text instead.")
    return bytes(body)


def _resolve(host: str, port: int, url: str, allow_loopback: bool) -> str:
    try:
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise SourceError("a link's host is not known", host, "Check the address.") from None
    for address in found:
        if not is_public(address) and not (allow_loopback and address in ("127.0.0.1", "::1")):
            raise SourceError("a link leads to a private address", url[:200], "Only public pages are read.")
    return found[0]


def _page(url: str, body: bytes, kind: str) -> Page:
    import trafilatura

    if kind in ("text/plain", "text/markdown"):
        return Page(url, text=body.decode("utf-8", "replace").strip())
    text = trafilatura.extract(body, url=url, favor_recall=True, include_comments=False, output_format="markdown")
    if not text:
        raise SourceError("a link's page holds no text", url, "Paste its text instead.")
    found = trafilatura.extract_metadata(body)
    return Page(url, title=(found.title or "") if found else "", text=text.strip())
