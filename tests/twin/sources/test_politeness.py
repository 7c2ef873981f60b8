"""How long a refusal asks to wait, and which addresses are public."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from twin.sources.addresses import is_public
from twin.sources.politeness import wait_seconds

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("status", "headers", "waits", "seconds"),
    [
        (200, {"retry-after": "9"}, 0, None),
        (429, {"retry-after": "9"}, 0, 9.0),
        (503, {"retry-after": "Tue, 14 Nov 2023 22:13:50 GMT"}, 0, 30.0),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000060"}, 0, 60.0),
        (403, {"x-ratelimit-remaining": "5", "x-ratelimit-reset": "1700000060"}, 0, None),
        (403, {}, 0, None),
        (503, {}, 0, None),
        (429, {}, 0, 5.0),
        (429, {}, 3, 40.0),
        (429, {"retry-after": "soon"}, 0, 5.0),
    ],
)
def test_wait_that_a_refusal_asks_for(status, headers, waits, seconds):
    assert wait_seconds(status, headers, waits, NOW) == seconds


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "::1",
        "fe80::1",
        "::ffff:127.0.0.1",
        "fd00::1",
        "224.0.0.1",
    ],
)
def test_inner_addresses_are_not_public(address):
    assert not is_public(address)


def test_public_addresses_are():
    assert is_public("1.1.1.1")
    assert is_public("2606:4700::1111")


def test_a_name_that_stands_for_an_inner_address_is_not_connected_to():
    class Inner:
        def resolveHostName(self, receiver, host, *args):
            receiver.resolutionBegan(None)
            for address in ("127.0.0.1", "93.184.216.34", "169.254.169.254"):
                receiver.addressResolved(SimpleNamespace(host=address))
            receiver.resolutionComplete()

    def resolved(allow_loopback):
        found: list[str] = []
        receiver = SimpleNamespace(
            resolutionBegan=lambda _: None,
            addressResolved=lambda address: found.append(address.host),
            resolutionComplete=lambda: None,
        )
        Resolver(SimpleNamespace(nameResolver=Inner()), allow_loopback).resolveHostName(receiver, "rebound.example")
        return found

    assert resolved(False) == ["93.184.216.34"]
    assert len(resolved(True)) == 3


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://a.org/x", "http://0x7f000001/", "http://2130706433/", "http://[::1]/"]
)
def test_other_schemes_and_disguised_addresses_are_refused(url):
    from scrapy.exceptions import IgnoreRequest

    with pytest.raises(IgnoreRequest):
        Guard(allow_loopback=False).process_request(SimpleNamespace(url=url))
