"""How long a refusal asks to wait, and what is limited together."""

from __future__ import annotations

import pytest

from twin.sources.politeness import lane, wait_seconds

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


def test_github_s_other_limits_are_known():
    body = b'{"message": "You have exceeded a secondary rate limit."}'
    assert wait_seconds(403, {}, 0, NOW, body) == 60.0
    assert wait_seconds(403, {}, 2, NOW, body) == 240.0
    used_up = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1700000030"}
    assert wait_seconds(200, used_up, 0, NOW, b'{"errors":[{"type":"RATE_LIMITED"}]}') == 30.0
    assert wait_seconds(200, used_up, 0, NOW, b"[]") is None


def test_search_and_graphql_have_limits_of_their_own():
    assert lane("https://api.github.com/search/issues?q=x") != lane("https://api.github.com/users/x")
    assert lane("https://api.github.com/repos/a/b") == lane("https://api.github.com/users/x")
