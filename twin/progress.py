"""What a long step is doing, how far it is and how long it takes: on the terminal and in a file for the web page."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from twin.files import read_json, write_json
from twin.redact import struck

_EVERY_SECONDS = 1.0


@dataclass(slots=True)
class Step:
    """One running step. `advance` and `note` may be called as often as one likes: output is rate-limited."""

    stage: str
    name: str
    total: int
    file: Path | None
    done: int = 0
    detail: str = ""
    started: float = field(default_factory=time.time)
    # Lengths of time are measured by a clock that nobody sets.
    began: float = field(default_factory=time.monotonic)
    shown: float = -_EVERY_SECONDS

    def advance(self, count: int = 1, detail: str = "") -> None:
        """Say that `count` more of `total` are done."""
        self.done += count
        self.detail = detail or self.detail
        if time.monotonic() - self.shown >= _EVERY_SECONDS:
            self.show("running")

    def show(self, state: str, error: str = "") -> None:
        """Write the progress file and one terminal line."""
        self.shown = time.monotonic()
        self.detail, error = struck(self.detail), struck(error)
        seconds = self.shown - self.began
        if self.file is not None:
            write_json(
                self.file,
                {
                    "stage": self.stage, "step": self.name, "done": self.done, "total": self.total,
                    "detail": self.detail, "state": state, "error": error, "pid": os.getpid(),
                    "started_at": self.started, "updated_at": time.time(), "eta_seconds": self._left(seconds),
                },
            )  # fmt: skip
        print(self._line(state, seconds), file=sys.stderr, flush=True)

    def _left(self, seconds: float) -> float | None:
        if not self.total or not self.done:
            return None
        return max(0.0, seconds / self.done * (self.total - self.done))

    def _line(self, state: str, seconds: float) -> str:
        far = f" {self.done}/{self.total}" if self.total else (f" {self.done}" if self.done else "")
        left = self._left(seconds) if state == "running" else None
        ahead = f", about {left:.0f} s left" if left is not None else ""
        detail = f" · {self.detail}" if self.detail else ""
        mark = {"running": "…", "done": "✓", "failed": "✗"}[state]
        return f"{mark} {self.stage}: {self.name}{far}{detail} ({seconds:.0f} s{ahead})"


class Progress:
    """Makes the steps of one stage; `folder` None writes to the terminal alone."""

    def __init__(self, stage: str, folder: Path | None = None) -> None:
        self.stage = stage
        self.file = folder / f"{stage}.json" if folder else None

    @contextmanager
    def step(self, name: str, total: int = 0) -> Iterator[Step]:
        """Run a step; a failure is shown as such and raised on."""
        step = Step(self.stage, name, total, self.file)
        step.show("running")
        try:
            yield step
        except BaseException as error:
            step.show("failed", str(error) or type(error).__name__)
            raise
        step.show("done")


def read(folder: Path) -> list[dict[str, object]]:
    """All stages' last words, oldest first; a file that is not there or not whole yet is left out."""
    found = []
    for path in folder.glob("*.json"):
        try:
            found.append(read_json(path))
        except (OSError, ValueError):
            continue
    return sorted(found, key=lambda item: float(item["updated_at"]))
