"""The stages and the desk, killed while nothing else runs, and run again."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bench import faults_checks as checks
from bench.faults_checks import Kept
from bench.faults_world import Project, judged

if TYPE_CHECKING:
    from bench.faults import Told

STAGES = ("the desk", "collect", "prepare", "features", "train", "register")
_LONGEST = 240.0


class Stages:
    """Kills one stage at a time; each is run once in peace first, to know how long it takes."""

    def __init__(self, made: Project, kept: Kept, chance: random.Random) -> None:
        self.made, self.kept, self.chance = made, kept, chance
        self.lasts: dict[str, float] = {}

    def kill(self, name: str, told: Told) -> None:
        """Kill it somewhere between its start and its end, give the command again, and look at everything."""
        if name == "the desk":
            self._desk(told)
            return
        self._ready(name)
        if name == "collect":
            # Posts come and go at the source; what was seen once stays.
            self.made.shown[:] = sorted(self.chance.sample(range(60), 20))
        process = self.made.start("twin", name, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(self.chance.uniform(0.1, self.lasts[name]))
        told.at_work += process.poll() is None
        how = self.chance.choice(("alone", "with its children", "one child"))
        if _kill(process, how, self.chance) and how == "one child":
            said = _end(process)
            # It may mend itself; if it does not, it says what to do.
            if process.returncode not in (0, 2) or "Traceback" in said:
                told.bad.append(f"not healed: {name} said {said[-300:]!r}")
        else:
            process.communicate()
        told.bad += [f"torn: {what}" for what in checks.torn(self.made)]
        told.bad += [f"orphan: {what}" for what in checks.orphans(self.made)]
        began = time.monotonic()
        if problem := self._whole(name):
            told.bad.append(f"not healed: {problem}")
        told.seconds.append(time.monotonic() - began)
        told.bad += [f"torn: {what}" for what in checks.torn(self.made)]
        told.bad += [f"litter: {what}" for what in checks.litter(self.made)]
        self._note(name)

    def _ready(self, name: str) -> None:
        """The stages before it and itself, each run once in peace."""
        if name in self.lasts:
            return
        for earlier in {"prepare": ("collect",), "features": ("collect", "prepare"), "register": ("train",)}.get(
            name, ()
        ):
            self._ready(earlier)
        if name == "register":
            judged(self.made)
        for _ in range(2):  # the first pays for caches
            began = time.monotonic()
            if problem := self._whole(name):
                raise SystemExit(f"{name} does not run at all: {problem}")
            self.lasts[name] = time.monotonic() - began
        self._note(name)

    def _whole(self, name: str) -> str:
        """Run it to its end; what went wrong."""
        process = self.made.start("twin", name, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        said = _end(process)
        return "" if process.returncode == 0 else f"{name} ended with {process.returncode}: {said[-400:]!r}"

    def _note(self, name: str) -> None:
        if name == "collect":
            self.kept.documents |= checks.documents(self.made)
        elif name == "register":
            self.kept.versions |= checks.versions(self.made)

    def _desk(self, told: Told) -> None:
        process = self.made.start("bench.faults_desk", stdout=subprocess.PIPE)
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(self.chance.uniform(0.0, 0.6))
        told.at_work += process.poll() is None
        process.kill()
        rest = process.communicate()[0]
        for line in (first + rest).splitlines():
            # The last line may be cut.
            if line.endswith("}"):
                self.kept.note(json.loads(line))
        told.bad += [f"torn: {what}" for what in checks.torn(self.made)]
        began = time.monotonic()
        again = self.made.start("bench.faults_desk", stdout=subprocess.PIPE)
        assert again.stdout is not None
        if not again.stdout.readline():
            told.bad.append("not healed: the desk does not begin again")
        told.seconds.append(time.monotonic() - began)
        again.kill()
        for line in again.communicate()[0].splitlines():
            if line.endswith("}"):
                self.kept.note(json.loads(line))


def _end(process: subprocess.Popen[str]) -> str:
    try:
        return process.communicate(timeout=_LONGEST)[1]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return f"still at work after {_LONGEST:.0f} s"


def _kill(process: subprocess.Popen[str], how: str, chance: random.Random) -> bool:
    """Whether somebody else than the process alone was killed."""
    import psutil

    try:
        own = psutil.Process(process.pid)
        children = [child for child in own.children(recursive=True) if not child.name().startswith("postgres")]
        chosen: dict[str, Callable[[], list[Any]]] = {
            "alone": lambda: [own],
            "with its children": lambda: [own, *children],
            "one child": lambda: [chance.choice(children)] if children else [own],
        }
        victims = chosen[how]()
        for one in victims:
            one.kill()
        return victims != [own]
    except psutil.Error:
        return True
