"""Long work as processes with their state in files: it outlives a closed tab, a reload and a server restart."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from twin.choices import digest
from twin.errors import StackError
from twin.files import read_json, write_json
from twin.local import pipeline_lock
from twin.local.processes import stop_marked
from twin.settings import Settings
from webui.client import names

PIPELINE = "pipeline"
COLLECT = "collect"
MONITOR = "monitor"
TRAIN = "train"
AGAIN = "again"
CLUSTER = "cluster"

# What works on the stages from the texts to the voice.
STAGES = (PIPELINE, COLLECT, TRAIN, AGAIN)
FORGET = "forget"
_MARK = "TWIN_JOB"  # in the environment of all that a job starts: the folder of jobs
EXPORT = "export"

_TITLES = {
    PIPELINE: "Collecting, learning and measuring",
    COLLECT: "Collecting",
    MONITOR: "Making the monitoring report",
    TRAIN: "Learning and measuring",
    AGAIN: "Learning anew and measuring",
    CLUSTER: "Handing a training to the cluster",
    FORGET: "Forgetting",
    EXPORT: "Exporting the twin",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as its file tells it. Times are seconds since the epoch; `state` running, done, failed, stopped, lost."""

    id: str
    kind: str
    title: str
    state: str
    pid: int
    started_at: float
    ended_at: float | None
    exit_code: int | None
    log: Path


def commands(kind: str) -> list[list[str]]:
    """What a kind of job runs. Collecting is forced: DVC can't see that a page on the network has changed."""
    python = sys.executable
    dvc = [python, "-m", "dvc", "repro"]
    return {
        PIPELINE: [[*dvc, "--force", "--single-item", "collect"], dvc],
        COLLECT: [[*dvc, "--force", "--single-item", "collect"], [*dvc, "features"]],
        MONITOR: [[python, "-m", "twin", "monitor"]],
        TRAIN: [dvc],
        AGAIN: [[*dvc, "--force", "--single-item", "train"], dvc],
    }[kind]


def start(settings: Settings, kind: str, *, lines: list[list[str]] | None = None) -> Job:
    """Start a job; raises StackError while another one runs. `lines` replaces the kind's own commands."""
    folder = _folder(settings)
    folder.mkdir(parents=True, exist_ok=True)
    name = names.fresh(kind, after=max((file.name for file in folder.glob("*.json")), default=""))
    lock = _lock(folder, fcntl.LOCK_EX)
    if lock is None:
        raise StackError("another job is still running", _newest_title(settings), "Wait for it to end, or stop it.")
    file = folder / f"{name}.json"
    try:
        # The job before may have been killed, and what it had started works on: two of them at once would be a muddle.
        stop_marked(_MARK, str(folder))
        pipeline_lock.mend(settings.root)
        write_json(
            file,
            {
                "id": name, "kind": kind, "title": _TITLES[kind], "state": "running", "pid": 0,
                "started_at": time.time(), "ended_at": None, "exit_code": None,
                "log": str(file.with_suffix(".log")), "cwd": str(settings.root), "commands": lines or commands(kind),
            },
        )  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "-m", "webui.client.runner", str(file)],
            cwd=Path(__file__).parents[2],
            env={**environment(settings), _MARK: str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(lock,),
            start_new_session=True,
        )
    finally:
        os.close(lock)  # The runner holds its own copy; when it dies, however it dies, the lock is free.
    threading.Thread(target=process.wait, daemon=True).start()
    return _job(settings, file)


def forget(settings: Settings, kind: str, identity: str, adapters: bool) -> Job:
    """Start to forget a document, a source or an author; raises StackError while another job runs.

    The job's file and log outlive it, so both know what is forgotten by its hash alone.
    """
    line = [sys.executable, "-m", "twin", "forget", f"--{kind}", digest(identity), "--yes", "--quiet"]
    return start(settings, FORGET, lines=[[*line, *(["--adapters"] if adapters else [])]])


def export(settings: Settings, kind: str) -> Job:
    """Start to export the twin that writes, as a kind of `twin export`; raises StackError while another job runs."""
    return start(settings, EXPORT, lines=[[sys.executable, "-m", "twin", "export", kind]])


def forget_preview(settings: Settings, kind: str, identity: str) -> tuple[bool, str]:
    """Whether there is such a thing, and what forgetting it would take away, in the command's own words."""
    done = subprocess.run(
        [sys.executable, "-m", "twin", "forget", f"--{kind}", digest(identity), "--preview"],
        cwd=Path(__file__).parents[2], env=environment(settings), capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    return done.returncode == 0, (done.stdout if done.returncode == 0 else done.stderr).strip()


def listed(settings: Settings, kind: str, limit: int) -> list[Job]:
    """The newest jobs of a kind, newest first; a file that can't be read is left out."""
    found = []
    for file in sorted(_folder(settings).glob(f"*-{kind}-*.json"), reverse=True)[:limit]:
        try:
            found.append(_job(settings, file))
        except (OSError, ValueError, KeyError):
            continue
    return found


def environment(settings: Settings) -> dict[str, str]:
    """What a command sees of this author: where the project, the home and the author's own part of it lie."""
    private = {"TWIN_AUTHOR_HOME": str(settings.author_home)} if settings.author_home else {}
    places = {"TWIN_ROOT": str(settings.root), "TWIN_HOME": str(settings.home)}
    return {**{k: v for k, v in os.environ.items() if k != "TWIN_AUTHOR_HOME"}, **places, **private}


def latest(settings: Settings, *kinds: str) -> Job | None:
    """The newest job, of these kinds if any are named; None when there never was one."""
    for file in sorted(_folder(settings).glob("*.json"), reverse=True):
        if kinds and not any(f"-{kind}-" in file.name for kind in kinds):
            continue
        try:
            return _job(settings, file)
        except (OSError, ValueError, KeyError):
            continue
    return None


def running(settings: Settings) -> Job | None:
    """The job that runs now, or None."""
    job = latest(settings)
    return job if job and job.state == "running" else None


def stop(settings: Settings) -> bool:
    """Ask the running job to end; False when none runs."""
    job = running(settings)
    if job is None or job.pid <= 0:
        return False
    os.killpg(job.pid, signal.SIGTERM)
    return True


def tail(job: Job, lines: int = 40) -> str:
    """The last lines of a job's log, newest last; what a carriage return overwrote is left out."""
    try:
        with open(job.log, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 64_000))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    kept = [line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n")]
    return "\n".join(kept[-lines:]).strip()


def _job(settings: Settings, file: Path) -> Job:
    data = read_json(file)
    state = data["state"]
    if state == "running" and not _held(_folder(settings)):
        # Its runner may have ended between the two looks: only a second reading tells a death from an end.
        data = read_json(file)
        state = "lost" if data["state"] == "running" else data["state"]
    return Job(
        id=data["id"], kind=data["kind"], title=data["title"], state=state, pid=int(data["pid"]),
        started_at=float(data["started_at"]), ended_at=data["ended_at"], exit_code=data["exit_code"],
        log=Path(data["log"]),
    )  # fmt: skip


def _folder(settings: Settings) -> Path:
    return settings.private / "jobs"


def _newest_title(settings: Settings) -> str:
    job = latest(settings)
    return job.title if job else "started a moment ago"


def _lock(folder: Path, how: int) -> int | None:
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    for _ in range(10):
        try:
            fcntl.flock(handle, how | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            time.sleep(0.02)  # Another tab's look at the lock lasts microseconds; a job lasts longer than this.
    os.close(handle)
    return None


def _held(folder: Path) -> bool:
    try:
        handle = os.open(folder / "lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)
