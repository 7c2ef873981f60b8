"""DVC's own lock, mended: killed while it writes that file, DVC leaves it torn, and would start no pipeline again."""

from __future__ import annotations

import time
from pathlib import Path

from twin.files import read_json

_PAUSE = 0.5


def mend(root: Path) -> bool:
    """Remove the file of read and write locks when it can't be read; True when it was. A living DVC holds its own."""
    path = root / ".dvc" / "tmp" / "rwlock"
    if _readable(path):
        return False
    time.sleep(_PAUSE)  # a DVC that is writing it just now will have done so
    if _readable(path):
        return False
    path.unlink(missing_ok=True)
    return True


def _readable(path: Path) -> bool:
    try:
        return isinstance(read_json(path), dict)
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False
