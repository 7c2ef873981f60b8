"""Whether a stack is up: a lock that its supervisor holds, and its process number beside it.

The system frees the lock however the supervisor ends. A process number alone proves nothing: another program may have it
by now, and the time a process began moves when the clock is set.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twin.errors import StackError
from twin.files import read_json, write_json

RECORD = "stack.json"
_LOCK = "stack.lock"


def holder(home: Path) -> int | None:
    """The process number of the supervisor whose stack is up, 0 while it is only just starting; None: it is down."""
    try:
        with open(home / _LOCK, "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        pass
    except OSError:
        return None
    try:
        return int(read_json(home / RECORD)["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def stands(home: Path) -> bool:
    """Whether the home of a stack that is up is still there: without its lock nobody can find the supervisor."""
    return (home / _LOCK).exists()


@contextmanager
def held(home: Path) -> Iterator[None]:
    """Be the supervisor of this home's stack; raises StackError when another is."""
    home.mkdir(parents=True, exist_ok=True)
    with open(home / _LOCK, "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StackError("another command is starting the twin", home, "Wait for it, or run `twin down`.") from None
        write_json(home / RECORD, {"pid": os.getpid(), "started": time.time()})
        try:
            yield
        finally:
            (home / RECORD).unlink(missing_ok=True)
