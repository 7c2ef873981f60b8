"""Which addresses on the network may be asked: the one rule that the crawler and the link reader share."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import urlsplit

from twin.errors import SourceError

PORTS = {"http": 80, "https": 443}
# Besides the schemes' own ports, the two that web servers commonly take. Others are somebody's inner service.
_OTHER_PORTS = (8080, 8443)
_MAX_URL = 4000
_MEND = "Only public pages are read: give another address, or hand the text in as a file."

# What `is_global` lets through and nobody's web page lives at.
_SPECIAL = tuple(
    ipaddress.ip_network(net)
    for net in (
        "192.0.0.0/24",  # protocol assignments, a metadata service among them
        "168.63.129.16/32",  # Azure's wire server, reachable from every machine there
        "192.88.99.0/24",  # 6to4 relays
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "2001::/23",  # Teredo and other protocol assignments
        "3fff::/20",  # documentation
    )
)
_UNICAST = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a checked URL leads: `host` is lower case, in ASCII and without brackets or a closing dot."""

    scheme: str
    host: str
    port: int


def is_public(address: str) -> bool:
    """Whether an IP address lies on the public internet.

    Refused: loopback, private, link-local, carrier-grade NAT, metadata services, multicast, reserved and documentation
    ranges, and IPv6 addresses that stand for such an IPv4 address (mapped, NAT64, 6to4, Teredo).
    """
    found = ipaddress.ip_address(address.split("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped
        if found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is None and found not in _UNICAST:
            return False
        found = inner or found
    return found.is_global and not found.is_multicast and not any(found in net for net in _SPECIAL)


def may_connect(address: str, allow_loopback: bool = False) -> bool:
    """Whether a connection to this IP address may be made; `allow_loopback` adds this machine, nothing else."""
    if is_public(address):
        return True
    found = ipaddress.ip_address(address.split("%")[0])
    inner = getattr(found, "ipv4_mapped", None) or found
    return allow_loopback and inner.is_loopback


def check_url(url: str, allow_loopback: bool = False) -> Place:
    """Where `url` leads, as far as its spelling says. Raises SourceError naming what is wrong with it.

    Refused: other schemes than http and https, user names and passwords, odd ports, control characters and
    backslashes, numbers that are IP addresses in disguise, and names and addresses of inner machines. What a name
    stands for is checked when the connection is made (`may_connect`).
    """
    shown = repr(url[:200])
    if len(url) > _MAX_URL or re.search(r"[\x00-\x20\x7f\\]", url):
        raise SourceError("a link is no proper address (white space, a backslash, or too long)", shown, _MEND)
    try:
        parts = urlsplit(url)
        name, asked = parts.hostname or "", parts.port
    except ValueError as error:
        raise SourceError("a link is no proper address", f"{shown} ({error})", _MEND) from None
    if parts.scheme not in PORTS or not name:
        raise SourceError("a link is not http or https", shown, "Give a web address.")
    if parts.username is not None or parts.password is not None:
        raise SourceError("a link carries a user's name or password", shown.split("//")[0] + "//…", "Leave them out.")
    host = _host(name, shown)
    port = PORTS[parts.scheme] if asked is None else asked
    local = _is_local(host)
    if local and not allow_loopback:
        raise SourceError("a link leads to a private address", shown, _MEND)
    if not local and port not in (*PORTS.values(), *_OTHER_PORTS):
        raise SourceError("a link names an odd port", shown, "Give the page's address on port 80, 443, 8080 or 8443.")
    literal = _literal(host)
    if literal and not may_connect(literal, allow_loopback):
        raise SourceError("a link leads to a private address", shown, _MEND)
    return Place(parts.scheme, host, port)


def _host(name: str, shown: str) -> str:
    """The name as resolvers understand it. Full-width dots and digits are what they look like."""
    host = unicodedata.normalize("NFKC", name).replace("\u3002", ".").lower().removesuffix(".")
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address(host.split("%")[0]))
        except ValueError:
            raise SourceError("a link names no proper host", shown, _MEND) from None
    if not host.isascii():
        import idna

        try:
            host = idna.encode(host, uts46=True).decode("ascii").lower()
        except idna.IDNAError:
            raise SourceError("a link names no proper host", shown, _MEND) from None
    if (
        not re.fullmatch(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?", host)
        or len(host) > 253
    ):
        raise SourceError("a link names no proper host", shown, _MEND)
    if re.fullmatch(r"\d+|0x[0-9a-f]*", host.rpartition(".")[2]) and not _literal(host):
        # 2130706433, 0x7f.1 and 0177.0.0.1 are addresses to a resolver; nobody writes a public page so.
        raise SourceError("a link leads to a private address (a number in disguise)", shown, _MEND)
    return host


def _literal(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith((".localhost", ".internal", ".local", ".home.arpa", ".localdomain")):
        return True
    literal = _literal(host)
    return bool(literal) and not is_public(literal)
