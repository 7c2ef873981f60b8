"""DVC's cache, its local remote and its cache of runs, without objects that hold forgotten text."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from twin.settings import Settings
from twin.stages import erasing
from twin.stages.forget_plan import Plan


def erase(plan: Plan, settings: Settings) -> list[str]:
    """Remove objects that hold a trace, folders' listings that name them, and runs that would bring them back."""
    said = []
    for store in (settings.root / ".dvc" / "cache", settings.root / ".dvc-remote"):
        doomed = _of_outputs(store, settings.root, _outputs(plan)) if plan.kind == "author" or plan.adapters else set()
        objects = store / "files" / "md5"
        for path in erasing.walk(objects):
            if _name(path) in doomed or erasing.holds(path, plan.traces):
                doomed.add(_name(path))
                path.unlink()
        listings = {_name(p) for p in erasing.walk(objects) if p.suffix == ".dir" and _members(p) & doomed}
        for name in listings:
            _path(objects, name).unlink()
        runs = [path for path in erasing.walk(store / "runs") if _hashes(path) & (doomed | listings)]
        for path in runs:
            path.unlink()
        if doomed or runs:
            said.append(f"{store.relative_to(settings.root)}: {len(doomed) + len(listings)} objects, {len(runs)} runs removed")  # fmt: skip
    if remembered := _remembered(settings.root):
        # Beside the project DVC notes the name of every file that it has hashed; it makes these notes anew.
        erasing.remove(remembered)
        said.append("DVC's notes on hashed files: removed")
    if plan.kind == "author" and f"/{plan.author}/" in _read(settings.root / "dvc.lock"):
        (settings.root / "dvc.lock").unlink()
        said.append("dvc.lock: removed")
    return said


def accept(plan: Plan, settings: Settings) -> None:
    """Tell DVC that the collected texts are as they should be: what follows runs again, and nothing is crawled again."""
    lock = settings.root / "dvc.lock"
    if plan.kind == "author" or not lock.exists() or not (settings.root / "data" / plan.author / "raw").exists():
        return
    # Where it fails the next `dvc repro` collects again, which costs time and brings nothing back.
    subprocess.run(
        [sys.executable, "-m", "dvc", "commit", "-q", "-f", "collect"], cwd=settings.root, capture_output=True,
        timeout=300, check=False,
    )  # fmt: skip


def _remembered(root: Path) -> Path | None:
    if not (root / ".dvc").is_dir():
        return None
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            place = Path(repo.site_cache_dir) if repo.site_cache_dir else None
    except DvcException:
        return None
    return place if place and place.is_dir() else None


def _outputs(plan: Plan) -> tuple[str, ...]:
    """Beginnings of the outputs of which every kept version goes."""
    own = f"models/{plan.author}/"
    return (own, f"data/{plan.author}/", f"reports/{plan.author}/") if plan.kind == "author" else (own,)


def _of_outputs(store: Path, root: Path, beginnings: tuple[str, ...]) -> set[str]:
    """Hashes of all versions of these outputs that a lock or a cached run knows, with their folders' members."""
    found: set[str] = set()
    for path in (root / "dvc.lock", *erasing.walk(store / "runs")):
        for out in _outs(path):
            if str(out.get("path", "")).startswith(beginnings):
                name = str(out.get("md5", ""))
                found |= {name, *_members(_path(store / "files" / "md5", name))}
    return found


def _outs(path: Path) -> Iterator[dict[str, Any]]:
    data = yaml.safe_load(_read(path) or "{}")
    stages = data.get("stages", {"": data}) if isinstance(data, dict) else {}
    for stage in stages.values():
        yield from stage.get("outs") or []


def _hashes(path: Path) -> set[str]:
    data = yaml.safe_load(_read(path) or "{}")
    entries = [*(data.get("outs") or []), *(data.get("deps") or [])] if isinstance(data, dict) else []
    return {str(entry.get("md5", "")) for entry in entries}


def _members(path: Path) -> set[str]:
    try:
        return {str(entry.get("md5", "")) for entry in json.loads(_read(path))} if path.suffix == ".dir" else set()
    except (ValueError, AttributeError):
        return set()


def _name(path: Path) -> str:
    return path.parent.name + path.name


def _path(objects: Path, name: str) -> Path:
    return objects / name[:2] / name[2:]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
