"""Events that wait on disk while the database is away: append-only JSON lines, one file a process, replayed by any.

A file is locked by the process that appends to it, so what a killed one left is free for the next to replay. A torn last
line is all that a kill can cost. The folder is bounded: what does not fit is refused, and the caller counts it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

MOST_BYTES = 64 * 2**20


class Spool:
    """Where one process appends; `folder` is shared by all of one home. Not for several threads at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._handle = -1
        self._path = folder

    def append(self, events: Sequence[dict[str, Any]]) -> int:
        """Write events through to the disk; how many fitted. Raises OSError when the disk takes nothing."""
        room = MOST_BYTES - sum(path.stat().st_size for path in self._paths())
        fitting: list[bytes] = []
        for event in events:
            # Not escaped: forgetting looks for texts in these lines.
            line = json.dumps(event, ensure_ascii=False).encode() + b"\n"
            room -= len(line)
            if room < 0:
                break
            fitting.append(line)
        if fitting:
            self._write(b"".join(fitting))
        return len(fitting)

    def waiting(self) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
        """Each file that no other living process appends to, with its whole lines; the caller calls `done` with it."""
        for path in self._paths():
            with contextlib.ExitStack() as stack:
                if path == self._path or stack.enter_context(_taken(path)):
                    yield path, list(_lines(path))

    def done(self, path: Path) -> None:
        """A file's events are in the database: it goes."""
        path.unlink(missing_ok=True)
        if path == self._path:
            os.close(self._handle)
            self._handle, self._path = -1, self.folder

    def _write(self, data: bytes) -> None:
        handle = self._own()
        start, rest = os.lseek(handle, 0, os.SEEK_END), memoryview(data)
        try:
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)
        except OSError:
            # A full disk took a part of it: cut it off, so that the next line does not join it.
            with contextlib.suppress(OSError):
                os.ftruncate(handle, start)
            raise

    def _own(self) -> int:
        if self._handle >= 0 and not self._path.exists():
            os.close(self._handle)
            self._handle = -1
        if self._handle < 0:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self.folder / f"{uuid.uuid4().hex}.jsonl"
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            self._path = path
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return self._handle

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("*.jsonl")) if self.folder.is_dir() else []


@contextlib.contextmanager
def _taken(path: Path) -> Iterator[bool]:
    """Hold the file's lock; False when a living process appends to it, or another has replayed it meanwhile."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        yield False
        return
    try:
        yield path.exists()
    finally:
        os.close(handle)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_bytes().splitlines():
        with contextlib.suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, dict) and "id" in found:
                yield found
