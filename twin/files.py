"""Whole files or none: every write goes to a temporary neighbour and is renamed into place."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it takes `path`'s place, on any error it vanishes.

    The caller writes either a file or a folder there. A folder that stood at `path` is replaced as a whole.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    holder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    fresh = holder / path.name
    try:
        yield fresh
        if path.is_dir() and not path.is_symlink():
            # A folder can't be renamed over a full one: the old one steps aside first and is then removed.
            path.replace(holder / "old")
        fresh.replace(path)
    finally:
        shutil.rmtree(holder, ignore_errors=True)


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
