"""Collecting by itself, every day or week: one file for each author, looked at by the running server."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from twin import params as twin_params
from twin.errors import StackError, TwinError
from twin.files import read_json, write_json
from twin.settings import Settings
from twin.workspace import Workspace
from webui.client import jobs, state

RHYTHMS = {"never": 0.0, "day": 24 * 3600.0, "week": 7 * 24 * 3600.0}
_FILE = "recollect.json"
_LOOK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often an author's sources are read again (a key of RHYTHMS), and when next: Unix time, 0 for never."""

    every: str = "never"
    next_at: float = 0.0


def rhythm(settings: Settings) -> Rhythm:
    """What was chosen; never, where nothing was or the file can't be read."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        found = Rhythm(**read_json(settings.private / _FILE))
        if found.every in RHYTHMS:
            return found
    return Rhythm()


def choose(settings: Settings, every: str) -> Rhythm:
    """Read the sources again every `every`, first when that time has passed. Raises KeyError for an unknown rhythm."""
    seconds = RHYTHMS[every]
    return _keep(settings, Rhythm(every, time.time() + seconds if seconds else 0.0))


async def run(every: Callable[[], list[Settings]]) -> None:
    """Collect what is due of every author, for ever."""
    while True:
        for settings in every():
            start_due(settings)
        await asyncio.sleep(_LOOK_SECONDS)


def start_due(settings: Settings) -> jobs.Job | None:
    """Start collecting when it is due: once, however many turns the server slept through. Other work goes first."""
    chosen, now = rhythm(settings), time.time()
    seconds = RHYTHMS[chosen.every]
    # A clock that was set back would else make the next turn wait for as long as it was wrong.
    if not seconds or now < chosen.next_at <= now + seconds or not _free(settings):
        return None
    try:
        job = jobs.start(settings, jobs.COLLECT)
    except StackError:
        return None
    _keep(settings, Rhythm(chosen.every, now + seconds))
    return job


def _free(settings: Settings) -> bool:
    """Whether there are sources to read, and nobody works on them at a terminal."""
    try:
        params = twin_params.load(settings.root / "params.yaml")
    except TwinError:
        return False
    job = jobs.running(settings)
    found = state.stages(settings, Workspace(settings.root, params.author.id), job)
    return bool(params.sources) and job is None and not state.outside(found, job)


def _keep(settings: Settings, chosen: Rhythm) -> Rhythm:
    write_json(settings.private / _FILE, {"every": chosen.every, "next_at": chosen.next_at})
    return chosen
