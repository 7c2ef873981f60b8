"""The fictional sample author: tried with one click, and taken away again without a trace."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from twin import params as twin_params
from twin.errors import ParamsError, StackError
from twin.files import write_text
from twin.settings import Settings
from webui.client import jobs, training

SAMPLE = "juno-marsh"
_STOP_SECONDS = 20.0


def begin(settings: Settings) -> None:
    """Make params.yaml the sample's and lay its exports into the inbox; a former params.yaml is put aside.

    Raises StackError with the command's last words.
    """
    mend = "Look at the log of the web interface, then try again."
    try:
        done = training.command(settings, "init", "--sample", timeout=120.0)
    except subprocess.TimeoutExpired:
        raise StackError("the sample author could not be made ready", "it took too long", mend) from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise StackError("the sample author could not be made ready", said, mend)


def left_behind(settings: Settings, author: str) -> bool:
    """Whether the sample's files are still here though the twin is somebody else's now."""
    return author != SAMPLE and (settings.root / "data" / SAMPLE).is_dir()


async def remove(settings: Settings) -> None:
    """Stop what runs, put the former params.yaml back (or none) and forget the sample in the background.

    Raises StackError when the running work does not stop.
    """
    await _still(settings)
    if (settings.root / "data" / SAMPLE).is_dir():
        line = [sys.executable, "-m", "twin", "forget", "--author", SAMPLE, "--yes"]
        jobs.start(settings, jobs.FORGET, lines=[line])
    _restore(settings)


async def _still(settings: Settings) -> None:
    jobs.stop(settings)
    for _ in range(int(_STOP_SECONDS / 0.1)):
        if jobs.running(settings) is None:
            return
        await asyncio.sleep(0.1)
    raise StackError("the work has not stopped", f"after {_STOP_SECONDS:.0f} s", "Wait a moment, then try again.")


def _restore(settings: Settings) -> None:
    now, former = settings.root / "params.yaml", settings.root / "params.previous.yaml"
    if _author(now) != SAMPLE:
        return
    if former.exists() and _author(former) not in (SAMPLE, None):
        write_text(now, former.read_text(encoding="utf-8"))
    else:
        now.unlink(missing_ok=True)


def _author(path: Path) -> str | None:
    try:
        return twin_params.load(path).author.id
    except (ParamsError, OSError):
        return None
