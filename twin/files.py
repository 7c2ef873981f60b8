"""Whole files or none: every write goes to a temporary neighbour and is renamed into place."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import re
import shutil
import sys
import tempfile
import weakref
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SPOOLS = "twin-spool-*"
"""What the folders of `Spool` are called."""

HOLDER = re.compile(r"^\.(.+)\.[a-z0-9_]{8}$")
"""What the folders are called in which `replacing` writes: the name it writes for is the first group."""

_OLD = "old"
# Of renameat2: paths as they are, and both names trade places.
_HERE, _SWAP = -100, 2


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it takes `path`'s place, on any error it vanishes.

    The caller writes either a file or a folder there. A folder that stood at `path` is replaced as a whole, and what
    killed writers of it left behind goes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    holder, alive = _held(path)
    fresh = holder / path.name
    try:
        yield fresh
        if fresh.is_dir():
            sweep(path.parent, f".{path.name}.????????", holder)
        if path.is_dir() and not path.is_symlink():
            _exchange(fresh, path, holder / _OLD)
        else:
            fresh.replace(path)
    finally:
        shutil.rmtree(holder, ignore_errors=True)
        os.close(alive)


def _held(path: Path) -> tuple[Path, int]:
    """A new folder beside `path` and the lock that says its writer lives."""
    while True:
        holder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        # Between the folder and its lock a sweeper may have taken it for a dead one's: then it makes another.
        with contextlib.suppress(FileNotFoundError):
            alive = _lock(holder)
            if holder.exists():
                return holder, alive
            os.close(alive)


def _lock(folder: Path) -> int:
    """A handle whose lock says that the folder's writer lives; the system lets it go when the writer is killed."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:
        pass  # a shared disk without locks: then nothing is swept there
    return handle


def _exchange(fresh: Path, path: Path, aside: Path) -> None:
    """Put the folder `fresh` in the place of the folder `path`, in one step where the system can."""
    if sys.platform == "linux":
        library = ctypes.CDLL(None, use_errno=True)
        names = os.fsencode(fresh), os.fsencode(path)
        if hasattr(library, "renameat2") and not library.renameat2(_HERE, names[0], _HERE, names[1], _SWAP):
            return
    # A folder can't be renamed over a full one: the old one steps aside. A kill between the two is mended by `heal`.
    path.replace(aside)
    try:
        fresh.replace(path)
    except OSError:
        aside.replace(path)
        raise


def heal(folder: Path, leave: Collection[str] = ()) -> list[Path]:
    """Mend what killed writers left anywhere below `folder`, and name it: halves go, a cut exchange is finished.

    Folders named in `leave` are not entered: what is a person's own, or another program's.
    """
    mended = []
    for place, folders, _ in os.walk(folder):
        kept = [name for name in folders if name not in leave]
        left = {name: Path(place, found[1]) for name in kept if (found := HOLDER.match(name))}
        folders[:] = [name for name in kept if name not in left]
        for name, path in left.items():
            holder = Path(place, name)
            with contextlib.suppress(OSError):
                if {inner.name for inner in holder.iterdir()} <= {path.name, _OLD}:
                    mended += [holder] if _ended(holder, path) else []
                else:
                    folders.append(name)  # No writer's: somebody's own folder of such a name.
    return mended


def sweep(folder: Path, pattern: str, own: Path | None = None) -> list[Path]:
    """Remove and name what killed writers left in `folder`, by the names of their folders: it holds a person's texts.

    What a living writer holds stays, and so does `own`.
    """
    gone = []
    for left in folder.glob(pattern):
        if left == own or not left.is_dir() or left.is_symlink():
            continue
        with contextlib.suppress(OSError):
            gone += [left] if _ended(left) else []
    return gone


def ownerless(holder: Path) -> bool:
    """Whether a folder that its writer locks has none that lives."""
    with contextlib.suppress(OSError):
        handle = os.open(holder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        finally:
            os.close(handle)
    return False


def _ended(holder: Path, path: Path | None = None) -> bool:
    """Remove a dead writer's folder, when it is one's; what it had all but put at `path` gets there first."""
    handle = os.open(holder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Only what is whole is ever made room for.
        if path is not None and (holder / _OLD).exists() and not path.exists():
            fresh = holder / path.name
            (fresh if fresh.exists() else holder / _OLD).replace(path)
        shutil.rmtree(holder, ignore_errors=True)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True


class Spool:
    """A folder for texts that are held for a while, `name`; those of killed processes go when the next one is made.

    `folder` is the system's for temporary files where none is given.
    """

    def __init__(self, folder: Path | None = None) -> None:
        place = folder or Path(tempfile.gettempdir())
        place.mkdir(parents=True, exist_ok=True)
        sweep(place, SPOOLS)
        self.name = tempfile.mkdtemp(prefix=SPOOLS[:-1], dir=place)
        self._alive = _lock(Path(self.name))
        self._end = weakref.finalize(self, _given_back, self.name, self._alive)

    def __enter__(self) -> Path:
        return Path(self.name)

    def __exit__(self, *_: object) -> None:
        self.cleanup()

    def cleanup(self) -> None:
        """Remove it with all that is in it; a second time does nothing."""
        self._end()


def _given_back(name: str, alive: int) -> None:
    shutil.rmtree(name, ignore_errors=True)
    os.close(alive)


def write_text(path: Path, text: str) -> Path:
    """Write UTF-8 text whole, newlines as given."""
    with replacing(path) as fresh, open(fresh, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    return path


def write_bytes(path: Path, data: bytes) -> Path:
    """Write bytes whole."""
    with replacing(path) as fresh:
        fresh.write_bytes(data)
    return path


def write_json(path: Path, value: Any, *, private: bool = False) -> Path:
    """Write JSON whole, sorted and indented, so that two runs with one result give one file.

    A `private` one is its owner's alone to read, from its first byte on.
    """
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str) + "\n"
    with replacing(path) as fresh:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT, 0o600 if private else 0o666)
        with open(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    return path


def read_json(path: Path) -> Any:
    """Read JSON; raises OSError or ValueError as the standard library does."""
    return json.loads(path.read_text(encoding="utf-8"))
