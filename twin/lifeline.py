"""A process that must not outlive the one that started it, however that one ends."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

_VARIABLE = "TWIN_LIFELINE"
_LOOK_SECONDS = 0.5
ORPHANED = 143


def tied() -> dict[str, str]:
    """The environment for a child that is to end with this process."""
    return {**os.environ, _VARIABLE: str(os.getpid())}


def follow() -> None:
    """End this process soon after the one that tied it is gone; does nothing where nobody did."""
    starter = os.environ.pop(_VARIABLE, "")  # what this process starts is not the starter's child
    if not starter.isdigit():
        return

    # A killed parent says nothing, but its children get another.
    last_while(lambda: os.getppid() == int(starter))


def last_while(needed: Callable[[], bool]) -> None:
    """End this process, with ORPHANED, soon after `needed` is no longer true."""

    def watch() -> None:
        while needed():
            time.sleep(_LOOK_SECONDS)
        os._exit(ORPHANED)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
