"""Sessions: a random token in the browser's cookie, its hash and its times in a private file, so that a restart keeps them."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from twin.files import read_json, write_json

COOKIE = "twin_session"
IDLE_SECONDS = 12 * 3600.0
LONGEST_SECONDS = 14 * 86400.0
_WRITE_SECONDS = 60.0


@dataclass(slots=True)
class Session:
    """One signed-in browser. Times are Unix seconds; `account` says as what the account stood when it was signed in."""

    name: str
    began: float
    seen: float
    account: float

    def alive(self, now: float) -> bool:
        """Neither idle for too long nor older than the longest."""
        return now - self.seen < IDLE_SECONDS and now - self.began < LONGEST_SECONDS


class Sessions:
    """All sessions of this server; the file holds hashes only, so that reading it opens nothing."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock, self._written = path, threading.Lock(), -_WRITE_SECONDS
        self._known = self._read()

    def begin(self, name: str, account: float) -> str:
        """A new session of an account last changed at `account`; returns its token, which only the browser keeps."""
        token, now = secrets.token_urlsafe(32), time.time()
        with self._lock:
            self._known = {key: s for key, s in self._known.items() if s.alive(now)}
            self._known[_hash(token)] = Session(name, now, now, account)
            self._write()
        return token

    def find(self, token: str, *, touch: bool = True) -> Session | None:
        """The living session of a token; `touch` counts as use, so that it does not go idle."""
        now = time.time()
        session = self._known.get(_hash(token)) if token else None
        if session is None or not session.alive(now):
            return None
        # Where the clock was set back, what lies ahead of it would make a session last for as long again.
        session.began, session.seen = min(session.began, now), min(session.seen, now)
        if touch:
            session.seen = now
            if time.monotonic() - self._written > _WRITE_SECONDS:
                with self._lock:
                    self._write()
        return session

    def renew(self, token: str, account: float) -> None:
        """Let a session count as begun now: its person has just given the password again and changed the account."""
        with self._lock:
            if (session := self._known.get(_hash(token))) is not None:
                session.began = session.seen = time.time()
                session.account = account
                self._write()

    def end(self, token: str) -> None:
        """Sign out: the token opens nothing from now on."""
        with self._lock:
            if self._known.pop(_hash(token), None) is not None:
                self._write()

    def _write(self) -> None:
        self._written = time.monotonic()
        write_json(self._path, {key: asdict(session) for key, session in self._known.items()}, private=True)

    def _read(self) -> dict[str, Session]:
        try:
            return {key: Session(**values) for key, values in read_json(self._path).items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}  # A file that can't be read lets nobody in: everyone signs in again.


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
