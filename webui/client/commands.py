"""Short commands of `twin`, run to their end: the interface's way to what only the command line may import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from twin.errors import StackError
from twin.settings import Settings
from webui.client import jobs

_SECONDS = 180


def twin(settings: Settings, *arguments: str) -> str:
    """What the command said; raises StackError with its own words when it failed or took too long."""
    line = [sys.executable, "-m", "twin", *arguments]
    try:
        done = subprocess.run(
            line, cwd=Path(__file__).parents[2], env=jobs.environment(settings), capture_output=True, text=True,
            timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise StackError("the command took too long", f"twin {arguments[0]}", "Run it on a terminal.") from None
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        words = said[-1].removeprefix(f"twin {arguments[0]}: ") if said else f"exit code {done.returncode}"
        raise StackError(words)
    return done.stdout.strip()
