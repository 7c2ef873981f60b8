"""The crawler connects to public addresses only, whatever a URL or a name server says."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from twin.sources.guard import Guard, Resolver


def resolved(addresses, allow_loopback=False):
    class Inner:
        def resolveHostName(self, receiver, host, *args):
            receiver.resolutionBegan(None)
            for address in addresses:
                receiver.addressResolved(SimpleNamespace(host=address))
            receiver.resolutionComplete()

    found: list[str] = []
    receiver = SimpleNamespace(
        resolutionBegan=lambda _: None,
        addressResolved=lambda address: found.append(address.host),
        resolutionComplete=lambda: None,
    )
    Resolver(SimpleNamespace(nameResolver=Inner()), allow_loopback).resolveHostName(receiver, "name.example")
    return found


def test_a_name_that_stands_for_an_inner_address_is_not_connected_to():
    assert resolved(["93.184.216.34", "1.1.1.1"]) == ["93.184.216.34", "1.1.1.1"]
    assert resolved(["93.184.216.34", "169.254.169.254"]) == []
    assert resolved(["127.0.0.1"]) == []


def test_the_setting_for_tests_adds_this_machine_and_no_other():
    assert resolved(["127.0.0.1", "::1"], allow_loopback=True) == ["127.0.0.1", "::1"]
    assert resolved(["10.0.0.1"], allow_loopback=True) == []
    assert resolved(["169.254.169.254"], allow_loopback=True) == []


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://a.org/x", "http://0x7f000001/", "http://2130706433/", "http://[::1]/", "http://a.org:22/"],
)  # fmt: skip
def test_other_schemes_odd_ports_and_disguised_addresses_are_refused(url):
    from scrapy.exceptions import IgnoreRequest

    with pytest.raises(IgnoreRequest):
        Guard(allow_loopback=False).process_request(SimpleNamespace(url=url))
