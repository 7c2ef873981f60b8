"""Child processes of the local stack: started in groups of their own, watched, and stopped to the last descendant."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

_TERM_SECONDS = 8.0
_PR_SET_CHILD_SUBREAPER = 36


class Child:
    """One process: `arguments` follow the interpreter; `url` answers 200 once it is ready (None: no such page).

    `echo` repeats its output on the terminal; the log keeps it all in either case.
    """

    def __init__(
        self, name: str, arguments: list[str], env: dict[str, str], logs: Path, url: str | None, echo: bool = False
    ) -> None:
        self.name, self.arguments, self.url, self.echo = name, arguments, url, echo
        self.env = {**os.environ, **env, "PYTHONUNBUFFERED": "1"}
        # DVC starts `twin` by name: this environment's must come first.
        self.env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), self.env.get("PATH", "")])
        self.log = logs / f"{name.replace(' ', '-')}.log"
        self.process: subprocess.Popen[str] | None = None
        self.began = 0.0
        self.again: float | None = None
        self.pause = 0.5

    def start(self) -> Child:
        """Start it; returns itself."""
        self.began, self.again = time.monotonic(), None
        file = self._log()
        out: IO[str] | int = subprocess.PIPE if self.echo else file
        self.process = subprocess.Popen(
            [sys.executable, *self.arguments], env=self.env, stdout=out, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, start_new_session=True, text=True,
        )  # fmt: skip
        if self.echo:
            threading.Thread(target=self._repeat, args=(self.process, file), daemon=True).start()
        else:
            file.close()
        return self

    def revive(self) -> bool:
        """Start it again if it has ended; True when it did. One that keeps dying is given ever longer pauses.

        Never waits: the pause, half a second to half a minute, passes between one call and another.
        """
        if self.code() is None:
            return False
        now = time.monotonic()
        if self.again is None:
            self.pause = min(30.0, self.pause * 2) if now - self.began < 30 else 0.5
            self.again = now + self.pause
            return True
        if now >= self.again:
            try:
                self.start()
            except OSError:  # no memory or no room for a process: it may come back as well as the service
                self.again = now + self.pause
        return False

    def code(self) -> int | None:
        """The exit code, or None while it runs."""
        return self.process.poll() if self.process else None

    def ready(self) -> bool:
        """True once its page answers 200."""
        import httpx

        if self.url is None:
            return True
        try:
            return httpx.get(self.url, timeout=2.0).status_code == 200
        except httpx.HTTPError:
            return False

    def last_words(self) -> str:
        """The log's last lines, joined."""
        try:
            lines = [
                x.strip() for x in self.log.read_text(encoding="utf-8", errors="replace").splitlines() if x.strip()
            ]
        except OSError:
            return ""
        return " / ".join(lines[-3:])[-600:]

    def _log(self) -> IO[str]:
        """The log, begun anew; nowhere when the disk takes no file: a service must not stay down for its log."""
        try:
            return open(self.log, "w", encoding="utf-8")
        except OSError:
            return open(os.devnull, "w", encoding="utf-8")

    def _repeat(self, process: subprocess.Popen[str], file: IO[str]) -> None:
        """Copy what it says until it ends. Whatever can't be written is lost: a full pipe would stop the process."""
        for line in process.stdout or ():
            with contextlib.suppress(OSError, ValueError):
                file.write(line)
                file.flush()
            with contextlib.suppress(OSError, ValueError):
                print(line, end="", file=sys.stderr, flush=True)
        with contextlib.suppress(OSError):
            file.close()


def adopt_orphans() -> None:
    """Grandchildren whose parent dies become ours (Linux): what we started, we can stop."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def bury(own: Iterable[Child]) -> int:
    """Take note of adopted processes that have ended, which stay as zombies until then. Returns how many."""
    import psutil

    known = {child.process.pid for child in own if child.process is not None}
    count = 0
    for process in psutil.Process().children():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid not in known and process.status() == psutil.STATUS_ZOMBIE:
                count += os.waitpid(process.pid, os.WNOHANG)[0] == process.pid
    return count


def stop_descendants() -> int:
    """End every descendant but the database: asked first, killed after a few seconds. Returns how many there were."""
    import psutil

    # Adopted like all others, but PostgreSQL's own way down (postgres.stop) flushes before it goes.
    return _end([p for p in psutil.Process().children(recursive=True) if not _is_database(p)])


def stop_stack(home: Path) -> int:
    """End every other process whose environment names this stack, whoever its parent is now, and its supervisor.

    Returns how many there were.
    """
    import psutil

    from twin.local import presence

    found = _marked("TWIN_STACK", str(home))
    with contextlib.suppress(psutil.Error):
        if supervisor := presence.holder(home):
            found.insert(0, psutil.Process(supervisor))
    return _end([process for process in found if process.pid != os.getpid()])


def stop_marked(variable: str, value: str) -> int:
    """End every other process in whose environment `variable` has this value. Returns how many there were."""
    return _end([process for process in _marked(variable, value) if process.pid != os.getpid()])


def _marked(variable: str, value: str) -> list[Any]:
    import psutil

    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if not _is_database(process) and process.environ().get(variable) == value:
                found.append(process)
    return found


def _is_database(process: Any) -> bool:
    import psutil

    try:
        return str(process.name()).startswith("postgres")
    except psutil.Error:
        return False


def _end(processes: list[Any]) -> int:
    import psutil

    for process in processes:
        try:
            process.terminate()
        except psutil.Error:
            continue
    _, alive = psutil.wait_procs(processes, timeout=_TERM_SECONDS)
    for process in alive:
        try:
            process.kill()
        except psutil.Error:
            continue
    psutil.wait_procs(alive, timeout=_TERM_SECONDS)
    return len(processes)
