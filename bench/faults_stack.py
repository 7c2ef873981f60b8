"""The whole stack at work (`twin up`), with a desk that asks it for drafts all the while; its parts are killed."""

from __future__ import annotations

import json
import os
import random
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from bench import faults_checks as checks
from bench.faults_checks import Kept
from bench.faults_world import Project

if TYPE_CHECKING:
    from bench.faults import Told

PARTS = ("predictor", "engine", "database", "transformer", "web interface", "supervisor", "everything")
_MODULES = {
    "predictor": "twin.serving.predictor", "engine": "twin.serving.engine", "transformer": "twin.serving.transformer",
    "web interface": "webui.main",
}  # fmt: skip
_READY = {"predictor": "/health", "endpoint": "/v2/health/ready", "webui": "/healthz"}
_START_SECONDS = 600.0
_HEAL_SECONDS = 240.0
# The longest that a request may take: the endpoint's own deadline is longer, a person's patience is not.
_DEADLINE = 60.0


class Stack:
    """`twin up` and a desk; leaves with `twin down`."""

    def __init__(self, made: Project, kept: Kept, chance: random.Random) -> None:
        self.made, self.kept, self.chance = made, kept, chance
        self.heard: list[tuple[float, dict[str, Any]]] = []
        self.up: subprocess.Popen[str] | None = None
        self.desk: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _begin(self) -> None:
        for stage in ("collect", "prepare", "features"):
            if self.made.start("twin", stage, stderr=subprocess.DEVNULL).wait(_START_SECONDS):
                raise SystemExit(f"{stage} does not run at all")
        self.kept.documents |= checks.documents(self.made)
        self._up()
        self.desk = self.made.start("bench.faults_desk", "--endpoint", stdout=subprocess.PIPE)
        threading.Thread(target=self._listen, args=(self.desk,), daemon=True).start()
        if self._until(self._written_since(time.monotonic())) is None:
            raise SystemExit("no draft came out of an untouched stack")

    def __exit__(self, *_: object) -> None:
        if self.desk is not None:
            self.desk.kill()
            self.desk.wait()
        self.made.start("twin", "down", stderr=subprocess.DEVNULL).wait(60)
        if self.up is not None:
            self.up.wait(60)

    def kill(self, name: str, told: Told) -> None:
        """Kill a part at a random moment; wait until it is back and drafts are written again; look at everything."""
        time.sleep(self.chance.uniform(0.0, 3.0))
        began = time.monotonic()
        victims = self._victims(name)
        told.at_work += bool(victims)
        for victim in victims:
            victim.kill()
        if name in ("supervisor", "everything"):
            assert self.up is not None
            self.up.wait(30)
            told.bad += [f"torn: {what}" for what in checks.torn(self.made)]
            self._up()
        else:
            gone = {victim.pid for victim in victims}
            self._until(lambda: not gone & {victim.pid for victim in self._victims(name)} or None)
        back = self._until(lambda: self._ready() or None)
        if back is None or self._until(self._written_since(time.monotonic())) is None:
            told.bad.append(f"not healed: after {_HEAL_SECONDS:.0f} s {self._state()}")
        told.seconds.append(time.monotonic() - began)
        for at, line in list(self.heard):
            if at >= began and line["kind"] == "draft":
                told.answers["done" if line["state"] == "done" else "told" if line["error"] else "hung"] += 1
                told.answers["hung"] += line["seconds"] > _DEADLINE
        told.bad += [f"torn: {what}" for what in checks.torn(self.made)]
        if name == "everything":
            told.bad += [f"litter: {what}" for what in checks.litter(self.made) if "/progress/" not in what]

    def _up(self) -> None:
        logs = self.made.root / "up.log"
        with open(logs, "a") as log:
            self.up = self.made.start("twin", "up", "--no-train", "--no-browser", stdout=log, stderr=log)
        until = time.monotonic() + _START_SECONDS
        while not self._ready():
            if self.up.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"`twin up` did not come up: {logs.read_text()[-600:]}")
            time.sleep(0.2)

    def _victims(self, name: str) -> list[Any]:
        import psutil

        if name == "database":
            pids = self.made.home / "postgres" / "data" / "postmaster.pid"
            try:
                server = psutil.Process(int(pids.read_text().split("\n", 1)[0]))
                return [server] if server.name().startswith("postgres") else []
            except (OSError, ValueError, psutil.Error):
                return []
        assert self.up is not None
        if name == "supervisor":
            return [psutil.Process(self.up.pid)]
        if name == "everything":
            desk = self.desk.pid if self.desk else 0
            found = [one for one in checks.running(self.made) if one.pid not in (desk, os.getpid())]
            return [*found, *self._victims("database")]
        return [one for one in checks.running(self.made) if _MODULES[name] in checks.command(one)]

    def _ready(self) -> bool:
        import httpx

        try:
            return all(
                httpx.get(self.made.url(part) + page, timeout=3.0, trust_env=False).status_code == 200
                for part, page in _READY.items()
            )
        except httpx.HTTPError:
            return False

    def _state(self) -> str:
        last = [line for _, line in self.heard if line["kind"] == "draft"][-1:]
        return f"ready: {self._ready()}, last heard: {last}"

    def _written_since(self, moment: float) -> Any:
        def written() -> float | None:
            found = [at for at, line in list(self.heard) if at > moment and line.get("state") == "done"]
            return found[0] if found else None

        return written

    def _until(self, true: Any) -> Any:
        until = time.monotonic() + _HEAL_SECONDS
        while time.monotonic() < until:
            if (found := true()) is not None:
                return found
            time.sleep(0.1)
        return None

    def _listen(self, desk: subprocess.Popen[str]) -> None:
        for line in desk.stdout or ():
            said = json.loads(line)
            self.kept.note(said)
            self.heard.append((time.monotonic(), said))
