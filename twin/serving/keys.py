"""Clients' keys: kept as hashes, each with the authors whose twin it may ask."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twin import tracing
from twin.errors import ServingError
from twin.files import read_json, write_json
from twin.serving import http

GUARDED = ("/openai/", "/v1/", "/v2/models")
_LOOK_SECONDS = 1.0

client: ContextVar[Client | None] = ContextVar("twin_client", default=None)
"""Who asks, as the guard found; None where no key is needed."""


@dataclass(frozen=True, slots=True)
class Client:
    """A named client; no `authors` means all."""

    name: str
    authors: tuple[str, ...] = ()

    def may(self, author: str) -> bool:
        """Whether the client may ask this author's twin."""
        return not self.authors or author in self.authors


def grant(path: Path, name: str, authors: Sequence[str] = ()) -> str:
    """Make a key for a client and return it: it is shown this once, the file holds its hash."""
    key = f"twin-{secrets.token_urlsafe(24)}"
    entries = [*_entries(path), {"client": name, "sha256": _hash(key), "authors": list(authors)}]
    write_json(path, {"keys": entries})
    path.chmod(0o600)
    return key


def revoke(path: Path, name: str) -> int:
    """Take all keys of a client back; how many there were. The file stays: an empty one lets nobody in."""
    entries = _entries(path)
    kept = [entry for entry in entries if entry["client"] != name]
    if len(kept) < len(entries):
        write_json(path, {"keys": kept})
        path.chmod(0o600)
    return len(entries) - len(kept)


def _entries(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        return list(read_json(path)["keys"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ServingError(
            "the clients' keys can't be read", f"{path} ({error})", "Mend the file or remove it."
        ) from error


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


@dataclass(slots=True)
class Keys:
    """The keys file as it is now: read again at most once a second, and only when it changed."""

    path: Path
    stamp: tuple[int, int] | None = None
    known: dict[str, Client] = field(default_factory=dict)
    looked: float = -1e9

    def needed(self) -> bool:
        """Whether there is a file of keys at all."""
        self._look()
        return self.stamp is not None

    def find(self, key: str) -> Client | None:
        """The client of a key; None for one that is nobody's."""
        self._look()
        return self.known.get(_hash(key))

    def _look(self) -> None:
        if time.monotonic() - self.looked < _LOOK_SECONDS:
            return
        self.looked = time.monotonic()
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            self.stamp, self.known = None, {}
            return
        stamp = (stat.st_mtime_ns, stat.st_size)
        if stamp != self.stamp:
            try:
                self.known = {
                    e["sha256"]: Client(e["client"], tuple(e.get("authors", ()))) for e in _entries(self.path)
                }
            except (ServingError, KeyError, TypeError):
                # A file that can't be read lets nobody in: an open door is not what its owner wanted.
                self.known = {}
            self.stamp = stamp


class Guard:
    """ASGI middleware: asks for a key where there are keys, and notes the client and the trace of a request."""

    def __init__(self, app: Any, keys: Keys) -> None:
        self.app, self.keys = app, keys

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Let a request pass, or answer 401."""
        if scope["type"] == "http":
            given = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
            tracing.incoming.set(given.get(tracing.HEADER, ""))
            if scope["path"].startswith(GUARDED) and self.keys.needed():
                found = self.keys.find(given.get("authorization", "").removeprefix("Bearer ").strip())
                if found is None:
                    await http.error(401, "a key is needed: send `Authorization: Bearer KEY`")(scope, receive, send)
                    return
                client.set(found)
        await self.app(scope, receive, send)
