"""The environment: what it says is taken, what it can't mean is named."""

from __future__ import annotations

import pytest

from twin import settings
from twin.errors import SettingsError


@pytest.mark.parametrize("text", ["abc", "", "0", "65536", "-1", "80.0", "²"])
def test_a_port_that_is_none_is_named_with_its_value(monkeypatch, text):
    monkeypatch.setenv("TWIN_WEBUI_PORT", text)
    with pytest.raises(SettingsError, match=r"TWIN_WEBUI_PORT: .* from 1 to 65535"):
        settings.load()


def test_the_endpoint_s_address_follows_its_port(monkeypatch):
    monkeypatch.delenv("TWIN_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("TWIN_ENDPOINT_PORT", "9000")
    assert settings.load().endpoint_url == "http://127.0.0.1:9000"
