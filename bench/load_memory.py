"""Memory of the stack's processes over time: what each has of its own, and how fast it grows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

_EVERY_SECONDS = 5.0
_PARTS = 5


class Memory:
    """Samples of every process (with its children) in MB; `processes` maps names to what has a `pid`."""

    def __init__(self, processes: Mapping[str, Any]) -> None:
        self.pids = {name: process.pid for name, process in processes.items()}
        self.at: list[float] = []
        self.sizes: dict[str, list[float]] = {name: [] for name in [*self.pids, "database"]}

    async def follow(self) -> None:
        """Sample for ever."""
        while True:
            found = await asyncio.to_thread(self._sample)
            self.at.append(time.monotonic())
            for name, size in found.items():
                self.sizes[name].append(size)
            await asyncio.sleep(_EVERY_SECONDS)

    def table(self) -> str:
        """A row for each process: its size over the run, and its growth over the last three quarters."""
        marks = np.linspace(0, 100, _PARTS)
        lines = [
            "| process | " + " | ".join(f"{mark:.0f} %" for mark in marks) + " | growth over the last 3/4 |",
            "|---|" + "---|" * (_PARTS + 1),
        ]
        for name, sizes in self.sizes.items():
            shown = " | ".join(f"{sizes[round((len(sizes) - 1) * mark / 100)]:.0f}" for mark in marks)
            lines.append(f"| {name} | {shown} | {growth(sizes):+.1%} |")
        return "\n".join(lines)

    def _sample(self) -> dict[str, float]:
        import psutil

        found = {}
        for name, pid in self.pids.items():
            process = psutil.Process(pid)
            found[name] = sum(map(_own, [process, *process.children(recursive=True)]))
        found["database"] = sum(map(_own, self._database()))
        return found

    def _database(self) -> list[Any]:
        """The server with its backends: they share the buffers, which count for nobody."""
        import psutil

        home = psutil.Process(next(iter(self.pids.values()))).environ()["TWIN_HOME"]
        pid = int(Path(home, "postgres", "data", "postmaster.pid").read_text().split("\n", 1)[0])
        return [psutil.Process(pid), *psutil.Process(pid).children()]


def growth(sizes: list[float]) -> float:
    """By how much the line through the last three quarters of the samples rises, of where it begins."""
    kept = sizes[len(sizes) // 4 :]
    if len(kept) < 3:
        return 0.0
    slope, start = np.polyfit(np.arange(len(kept)), kept, 1)
    return float(slope * (len(kept) - 1) / start)


def _own(process: Any) -> float:
    import psutil

    try:
        return float(process.memory_full_info().uss) / 2**20
    except psutil.Error:
        return 0.0
