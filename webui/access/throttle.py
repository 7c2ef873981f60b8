"""The brake on guessing passwords: so many failures of a name, an address or both within a quarter of an hour."""

from __future__ import annotations

import time
from collections import deque

WINDOW_SECONDS = 900.0
# Of one name from one address; of one address with any name; of one name from anywhere.
LIMITS = (5, 20, 50)
_MOST_KEYS = 10_000


class Throttle:
    """Failed logins of the last minutes, in memory."""

    def __init__(self) -> None:
        self._failed: dict[tuple[str, str], deque[float]] = {}

    def wait(self, name: str, address: str) -> float:
        """Seconds until the next attempt may be made; 0 when it may be now."""
        now, longest = time.monotonic(), 0.0
        for key, limit in zip(_keys(name, address), LIMITS, strict=True):
            times = self._failed.get(key, deque())
            while times and now - times[0] > WINDOW_SECONDS:
                times.popleft()
            if len(times) >= limit:
                longest = max(longest, times[-limit] + WINDOW_SECONDS - now)
        return longest

    def failed(self, name: str, address: str) -> None:
        """Note a wrong password."""
        for key in _keys(name, address):
            # Moved to the end when touched: what falls out first was quiet the longest.
            times = self._failed.pop(key, deque())
            times.append(time.monotonic())
            self._failed[key] = times
        while len(self._failed) > _MOST_KEYS:
            del self._failed[next(iter(self._failed))]

    def succeeded(self, name: str, address: str) -> None:
        """A right password clears the name's failures from this address."""
        self._failed.pop(_keys(name, address)[0], None)


def _keys(name: str, address: str) -> tuple[tuple[str, str], ...]:
    name = name.lower()[:100]
    return (name, address), ("", address), (name, "")
