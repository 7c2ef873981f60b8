"""The twin at a glance: every stage's state, what answers now, and the next thing to do. Read from files alone."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from twin import progress
from twin.files import read_json
from twin.params import Params
from twin.settings import Settings
from twin.workspace import Workspace
from webui.client.jobs import Job

StageState = Literal["waiting", "running", "done", "failed", "lost"]

_NAMES = {
    "collect": "Collect your texts",
    "prepare": "Clean and check",
    "features": "Index what you know",
    "dataset": "Make the lessons",
    "train": "Learn your voice",
    "evaluate": "Measure the twin",
    "register": "Promote, or hold back",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage as people see it. `share` is 0..1 or None; `when` the epoch second of its last output or word."""

    key: str
    name: str
    state: StageState
    step: str = ""
    detail: str = ""
    share: float | None = None
    eta: float | None = None
    error: str = ""
    when: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What answers now: `trained` with its version, or the base model; `verdict` passed, held or empty."""

    trained: bool
    version: str
    verdict: str
    reasons: tuple[str, ...] = ()


def outputs(work: Workspace) -> dict[str, Path]:
    """The file by which each stage's work is known to be there."""
    return {
        "collect": work.raw / "documents.parquet",
        "prepare": work.documents / "documents.parquet",
        "features": work.features / "chunks.parquet",
        "dataset": work.dataset / "examples.parquet",
        "train": work.adapter / "adapter_model.safetensors",
        "evaluate": work.report / "metrics.json",
        "register": work.registration / "registration.json",
    }


def stages(settings: Settings, work: Workspace, job: Job | None) -> list[Stage]:
    """The pipeline's stages in order; `job` is the newest pipeline job."""
    said = {str(entry.get("stage")): entry for entry in progress.read(settings.progress)}
    return [_stage(key, file, said.get(key), job) for key, file in outputs(work).items()]


def monitor_stage(settings: Settings, work: Workspace, job: Job | None) -> Stage:
    """The monitoring report's own stage."""
    said = {str(entry.get("stage")): entry for entry in progress.read(settings.progress)}
    return _stage("monitor", work.monitoring / "drift.json", said.get("monitor"), job)


def outside(found: list[Stage], job: Job | None) -> bool:
    """A stage runs though no job of this interface does: somebody works at a terminal."""
    return any(stage.state == "running" for stage in found) and (job is None or job.state != "running")


def _stage(key: str, file: Path, entry: dict[str, Any] | None, job: Job | None) -> Stage:
    name = _NAMES.get(key, "Make the report")
    made = file.stat().st_mtime if file.exists() else None
    at_work = job is not None and job.state == "running"
    said = float(entry["updated_at"]) if entry else 0.0
    if entry and entry.get("state") == "running" and (made is None or said > made - 60):
        if _alive(entry.get("pid")):
            return _running(key, name, entry)
        # Its process is gone without a last word: killed, or the machine was restarted.
        if made is None or said > made:
            return Stage(key=key, name=name, state="lost", when=said, error="It was interrupted.")
    if entry and entry.get("state") == "failed" and (made is None or said > made):
        if at_work and job is not None and said < job.started_at:
            return Stage(key=key, name=name, state="waiting")
        return Stage(key=key, name=name, state="failed", when=said, error=str(entry.get("error") or "It failed."))
    if (
        entry
        and entry.get("state") == "done"
        and at_work
        and job is not None
        and said > job.started_at
        and (made is None or made < job.started_at)
    ):
        return _running(key, name, entry)  # Between two steps of the same stage.
    if made is not None:
        return Stage(key=key, name=name, state="done", when=made)
    return Stage(key=key, name=name, state="waiting")


def _running(key: str, name: str, entry: dict[str, Any]) -> Stage:
    total, done = int(entry.get("total") or 0), int(entry.get("done") or 0)
    return Stage(
        key=key, name=name, state="running", step=str(entry.get("step") or ""), detail=str(entry.get("detail") or ""),
        share=min(1.0, done / total) if total else None, eta=entry.get("eta_seconds"), when=float(entry["updated_at"]),
    )  # fmt: skip


def _alive(pid: object) -> bool:
    try:
        os.kill(int(str(pid)), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def read(path: Path) -> dict[str, Any]:
    """A JSON mapping, or an empty one when it is not there or not whole."""
    try:
        value = read_json(path)
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def voice(settings: Settings, work: Workspace) -> Voice:
    """What writes the drafts now, from the pointer that the predictor follows, with the newest gate's verdict."""
    pointer = read(settings.home / "serving" / f"{work.author}.json")
    gate = read(work.report / "gate.json")
    return Voice(
        trained=bool(pointer), version=str(pointer.get("version", "")), verdict=verdict(gate), reasons=reasons(gate)
    )


def verdict(gate: dict[str, Any]) -> str:
    """`passed`, `held` or empty, however the gate spells it."""
    for key in ("passed", "pass", "promote", "verdict", "decision"):
        if key in gate:
            return "passed" if gate[key] in (True, "passed", "pass", "promote", "promoted") else "held"
    return ""


def reasons(gate: dict[str, Any]) -> tuple[str, ...]:
    """The gate's reasons as sentences."""
    found = gate.get("reasons") or gate.get("checks") or []
    if isinstance(found, dict):
        found = [f"{key}: {value}" for key, value in found.items()]
    return tuple(_sentence(item) for item in found) if isinstance(found, list) else (str(found),)


def _sentence(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    return str(item.get("reason") or item.get("text") or ", ".join(f"{k} {v}" for k, v in item.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """The one thing to do now: `action` is a page's path or `train`."""

    title: str
    text: str
    label: str
    action: str


def next_thing(params: Params, work: Workspace, found: list[Stage], running: bool, drafted: bool) -> Next:
    """What a person should do next."""
    state = {stage.key: stage for stage in found}
    broken = next((s for s in found if s.state in ("failed", "lost")), None)
    if running:
        ready = state["features"].state == "done"
        text = "You can close this tab: the work goes on."
        return Next(
            title="The twin is learning",
            text=text,
            label="Write meanwhile" if ready else "Watch the sources",
            action="/write" if ready else "/sources",
        )
    if not params.sources:
        return Next(
            title="Give it something you wrote",
            text="Paste a link, or drop the export of a platform.",
            label="Add a source",
            action="/sources",
        )
    if broken:
        return Next(title=f"“{broken.name}” did not finish", text=broken.error, label="Try again", action="train")
    if state["prepare"].state != "done":
        count = len(params.sources)
        text = f"{count} source{'s' if count != 1 else ''} ready to be read. Then the twin learns your voice."
        return Next(title="Collect your texts", text=text, label="Collect and learn", action="train")
    if state["register"].state != "done":
        return Next(
            title="Learn your voice",
            text="Your texts are here. Training takes some minutes.",
            label="Train the twin",
            action="train",
        )
    if _stale(work):
        return Next(
            title="There is something new",
            text="Sources changed after the twin last learned.",
            label="Update the twin",
            action="train",
        )
    title = "Write something" if drafted else "Write your first draft"
    return Next(
        title=title, text="A line on what it is about is enough.", label="Open the writing page", action="/write"
    )


def _stale(work: Workspace) -> bool:
    learned = outputs(work)["register"].stat().st_mtime
    inbox = (
        max((f.stat().st_mtime for f in work.inbox.rglob("*") if f.is_file()), default=0.0)
        if work.inbox.exists()
        else 0.0
    )
    return inbox > learned


def ago(when: float | None) -> str:
    """How long ago, as people say it."""
    if when is None:
        return ""
    seconds = max(0.0, time.time() - when)
    for size, unit in ((86400 * 30, "month"), (86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count != 1 else ''} ago"
    return "just now"
