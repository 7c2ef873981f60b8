"""What a training would learn that is new, how the running one goes, and what earlier ones came to."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin import choices, tables
from twin.errors import TwinError
from twin.files import write_json
from twin.settings import Settings
from twin.workspace import Workspace
from webui.client import jobs, library, state

# Stages whose choices shape what is learned; a change of any other does not ask for a training.
_SHAPING = ("collect", "prepare", "dataset", "train")
_SHOWN = 6
_HEADROOM_SECONDS = 60

Curves = tuple[tuple[str, tuple[tuple[float, float], ...]], ...]
_CURVES = {"loss": "Training", "validation_loss": "Held-out texts"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What differs from the last training. `known` is False where that one kept no record of its texts.

    `titles` are the first few new or changed texts; `params` are (key, then, now).
    """

    trained_at: float | None = None
    documents: int = 0
    words: int = 0
    known: bool = True
    new: int = 0
    changed: int = 0
    gone: int = 0
    fresh_words: int = 0
    titles: tuple[str, ...] = ()
    params: tuple[tuple[str, str, str], ...] = ()
    handed_in: int = 0

    @property
    def any(self) -> bool:
        """Whether a training would learn something else than the last one did."""
        return bool(self.new or self.changed or self.gone or self.params or self.handed_in or not self.known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A trained version: `verdict` is passed, held or empty; figures by MLflow's names."""

    version: str
    run_id: str
    experiment_id: str
    at: float
    champion: bool
    verdict: str
    figures: tuple[tuple[str, float], ...] = ()

    def figure(self, name: str) -> float | None:
        """One figure, or None."""
        return dict(self.figures).get(name)


def changes(settings: Settings, work: Workspace) -> Changes:
    """Compare the texts and choices of now with those of the last training; raises TwinError on an unreadable table."""
    frame = library.documents(work)
    made = work.adapter / "train.json"
    trained_at = made.stat().st_mtime if made.exists() else None
    total: dict[str, Any] = {
        "documents": len(frame) if frame is not None else 0,
        "words": int(frame["words"].sum()) if frame is not None else 0, "handed_in": _handed_in(work),
    }  # fmt: skip
    if trained_at is None:
        return Changes(**total)
    return Changes(trained_at=trained_at, **total, **_texts(work, frame), params=_params(settings))


def _texts(work: Workspace, frame: Any) -> dict[str, Any]:
    record = state.read(work.adapter / "learned_from.json")
    before = record.get("texts") or {}
    if not before or frame is None:
        return {"known": not record or frame is None}
    keys = [choices.digest(name) for name in frame["id"]]
    new = [key not in before for key in keys]
    moved = [before.get(key, sha) != sha for key, sha in zip(keys, frame["sha256"], strict=True)]
    rows = frame[[a or b for a, b in zip(new, moved, strict=True)]]
    return {
        "new": sum(new), "changed": sum(moved), "gone": len(set(before) - set(keys)),
        "fresh_words": int(rows["words"].sum()), "titles": tuple(str(name) for name in rows["shown"].head(_SHOWN)),
    }  # fmt: skip


def _handed_in(work: Workspace) -> int:
    """How many files came into the inbox after the last collection."""
    collected = work.raw / tables.DOCUMENTS
    if not work.inbox.exists():
        return 0
    since = collected.stat().st_mtime if collected.exists() else 0.0
    return sum(1 for file in work.inbox.rglob("*") if file.is_file() and file.stat().st_mtime > since)


def _params(settings: Settings) -> tuple[tuple[str, str, str], ...]:
    """The choices that differ from those that dvc.lock noted, key by key."""
    now, lock = _yaml(settings.root / "params.yaml"), _yaml(settings.root / "dvc.lock")
    found: dict[str, tuple[str, str, str]] = {}
    for stage in _SHAPING:
        noted = ((lock.get("stages") or {}).get(stage) or {}).get("params") or {}
        for section, then in (noted.get("params.yaml") or {}).items():
            for key, was, now_is in _differences(section, then, _at(now, section)):
                found[key] = (key, was, now_is)
    return tuple(found.values())


def _differences(key: str, then: Any, now: Any) -> list[tuple[str, str, str]]:
    if isinstance(then, dict) and isinstance(now, dict):
        return [
            row
            for name in dict.fromkeys([*then, *now])
            for row in _differences(f"{key}.{name}", then.get(name), now.get(name))
        ]
    return [] if then == now else [(key, _said(then), _said(now))]


def _said(value: Any) -> str:
    if value is None:
        return "default"
    if isinstance(value, list):
        return f"{len(value)} entr{'y' if len(value) == 1 else 'ies'}"
    return str(value)


def _at(data: dict[str, Any], dotted: str) -> Any:
    value: Any = data
    for name in dotted.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _yaml(path: Path) -> dict[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    # DVC writes YAML 1.2, where 5e-05 is a number: PyYAML reads a word.
    try:
        value = YAML(typ="safe", pure=True).load(path)
    except (OSError, YAMLError):
        return {}
    return value if isinstance(value, dict) else {}


def curve(settings: Settings, work: Workspace, running: state.Stage | None) -> Curves:
    """The losses of the training that runs, else of the last one; empty when there is neither."""
    if running is None:
        return read_curve(work.adapter / "loss.csv")
    live = settings.progress / "train-curve.csv"
    began = state.read(settings.progress / "train.json").get("started_at") or 0.0
    # Until the first step has been taken, the file is that of another training.
    return read_curve(live) if live.exists() and live.stat().st_mtime > began else ()


def read_curve(path: Path) -> Curves:
    """A loss table as curves: (name, ((step, value), …)); cells that are empty or not finite are left out."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        return ()
    found = ((label, tuple(_points(rows, column))) for column, label in _CURVES.items())
    return tuple((label, points) for label, points in found if points)


def _points(rows: list[dict[str, str]], column: str) -> list[tuple[float, float]]:
    points = []
    for row in rows:
        try:
            step, value = float(row["step"]), float(row[column])
        except (KeyError, TypeError, ValueError):
            continue
        if value == value and abs(value) != float("inf"):
            points.append((step, value))
    return points


def checkpoint(settings: Settings, author: str) -> int:
    """The step from which an interrupted training could go on; 0 when there is nothing to go on from."""
    found = (settings.home / "checkpoints" / author).glob("*/checkpoint-*/complete")
    steps = [path.parent.name.rpartition("-")[2] for path in found]
    return max((int(step) for step in steps if step.isdigit()), default=0)


def runs(settings: Settings, work: Workspace) -> tuple[tuple[Run, ...], str]:
    """The trained versions, newest first, and what went wrong; the registry is asked once after each registration."""
    kept = settings.home / "runs" / f"{work.author}.json"
    now = stamp(settings, work)
    record = state.read(kept)
    error = ""
    if record.get("stamp") != now:
        try:
            record = {"stamp": now, "runs": _ask(settings)}
            write_json(kept, record)
        except (TwinError, OSError, ValueError, subprocess.SubprocessError) as problem:
            error = str(problem)
    return tuple(_run(item) for item in record.get("runs") or []), error


def stamp(settings: Settings, work: Workspace) -> str:
    """Changes with every registration and with every rollback."""
    files = (work.registration / "registration.json", settings.home / "serving" / f"{work.author}.json")
    seen = [file.stat().st_mtime_ns if file.exists() else 0 for file in files]
    return hashlib.sha256(f"{settings.mlflow_uri} {seen}".encode()).hexdigest()


def _ask(settings: Settings) -> list[dict[str, Any]]:
    done = command(settings, "runs", "--json", timeout=_HEADROOM_SECONDS)
    if done.returncode:
        raise ValueError((done.stderr.strip().splitlines() or ["no reason given"])[-1])
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return found if isinstance(found, list) else []


def command(settings: Settings, *words: str, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run `twin …` on this project and wait for it; raises subprocess.TimeoutExpired."""
    return subprocess.run(
        [sys.executable, "-m", "twin", *words], cwd=Path(__file__).parents[2], env=jobs.environment(settings), capture_output=True, text=True,
        timeout=timeout, check=False,
    )  # fmt: skip


def _run(item: dict[str, Any]) -> Run:
    figures = item.get("figures") or {}
    return Run(
        version=str(item.get("version")), run_id=str(item.get("run_id") or ""),
        experiment_id=str(item.get("experiment_id") or ""), at=float(item.get("at") or 0.0),
        champion=bool(item.get("champion")),
        verdict={"promote": "passed", "hold": "held"}.get(str(item.get("gate")), ""),
        figures=tuple((str(key), float(value)) for key, value in figures.items()),
    )  # fmt: skip


def mlflow_link(settings: Settings, run: Run) -> str:
    """Where a run can be looked into; empty while MLflow is a file on this machine."""
    if not settings.mlflow_uri.startswith(("http://", "https://")) or not run.run_id:
        return ""
    return f"{settings.mlflow_uri.rstrip('/')}/#/experiments/{run.experiment_id}/runs/{run.run_id}"
