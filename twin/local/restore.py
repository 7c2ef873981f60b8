"""`twin restore FILE`: a backup verified whole, unpacked beside its place, then moved in; a kill leaves old or new.

Once everything lies ready, the moves are written down in home/restore.json; what a kill cuts off there is carried on by
the next `twin restore` or `twin up`. What was here before is kept in a folder of its own.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twin.errors import DataError, StackError
from twin.files import read_json, write_json
from twin.local import archive, postgres, presence
from twin.local.backup import DUMP, owned, program
from twin.progress import Progress
from twin.settings import Settings

JOURNAL = "restore.json"
_FRESH = ".restoring"
_MLFLOWS_PLACES = (
    "UPDATE experiments SET artifact_location = replace(artifact_location, ?, ?)",
    "UPDATE runs SET artifact_uri = replace(artifact_uri, ?, ?)",
    "UPDATE model_versions SET source = replace(source, ?, ?)",
    "UPDATE model_versions SET storage_location = replace(storage_location, ?, ?)",
)
"""Where MLflow's tables name folders."""

Move = tuple[str, str]


def restore(settings: Settings, file: Path, over: bool) -> str:
    """Bring back all of a backup; what was done, in words. `over` allows it where something is here already.

    Raises DataError for a damaged archive, before anything is touched, and where something would be replaced without
    `over`; StackError while the stack runs.
    """
    if presence.holder(settings.home) is not None:
        raise StackError("the stack is running", settings.home, "Stop it first: `twin down`.")
    if finish(settings):
        return "a restore that was cut off is finished"
    progress = Progress("restore", settings.progress)
    with progress.step("verify every byte"):
        manifest = archive.verified(file)
    here = [path for path, _ in owned(settings)] + [p for p in [settings.home / "postgres" / "data"] if p.exists()]
    if here and not over:
        mend = "Restore into an empty project, or give --replace: what is here is kept in a folder beside it."
        raise DataError("there is something here already", here[0], mend)
    fresh = [settings.root / _FRESH, settings.home / _FRESH]
    for place in fresh:
        shutil.rmtree(place, ignore_errors=True)
    try:
        with progress.step("unpack", len(manifest["entries"])):
            archive.unpack(file, lambda name: _place(settings, name))
            _relocate(settings, manifest)
        with progress.step("the database"):
            moved = _database(settings, manifest)
        moves = _moves(settings, moved)
    except BaseException:
        for place in fresh:
            shutil.rmtree(place, ignore_errors=True)
        raise
    kept = settings.root / f"before-restore-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    write_json(settings.home / JOURNAL, {"moves": moves, "kept": str(kept)})
    finish(settings)
    told = f"; what was here is in {kept}" if kept.exists() else ""
    secrets = "" if manifest["secrets"] else "; platform tokens were not in it: give them again on the Settings page"
    return f"{len(manifest['entries'])} files of {manifest['at']} are back, each with its hash{told}{secrets}"


def finish(settings: Settings) -> bool:
    """Carry on the moves that a killed restore wrote down; False when there are none."""
    journal = settings.home / JOURNAL
    try:
        known = read_json(journal)
    except FileNotFoundError:
        return False
    kept = Path(known["kept"])
    for number, (new, target) in enumerate(known["moves"]):
        _swap(Path(new) if new else None, Path(target), kept / f"{number}-{Path(target).name}")
    for place in (settings.root / _FRESH, settings.home / _FRESH):
        shutil.rmtree(place, ignore_errors=True)
    journal.unlink()
    return True


def _swap(new: Path | None, target: Path, old: Path) -> None:
    """Move what is at `target` to `old` and `new` to `target`. Done already, wholly or by half: done to the end."""
    waiting = new is not None and os.path.lexists(new)
    if os.path.lexists(target) and (waiting or (new is None and not os.path.lexists(old))):
        old.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.move(target, old)
    if new is not None and waiting:
        target.parent.mkdir(parents=True, exist_ok=True)
        new.replace(target)


def _place(settings: Settings, name: str) -> Path | None:
    top, _, rest = name.partition("/")
    return {"root": settings.root, "home": settings.home, "database": settings.home}[top] / _FRESH / top / rest


def _moves(settings: Settings, database: list[Move]) -> list[Move]:
    """What takes whose place; what is owned here and not in the backup steps aside, too."""
    moves: list[Move] = []
    gone = {str(path) for path, _ in owned(settings)}
    for home, top in ((settings.root, "root"), (settings.home, "home")):
        folder = home / _FRESH / top
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            moves.append((str(path), str(home / path.name)))
            gone.discard(str(home / path.name))
    return [*moves, *(("", path) for path in sorted(gone)), *database]


def _database(settings: Settings, manifest: dict[str, Any]) -> list[Move]:
    """Load the dump into a server of its own beside the place, or in one transaction into DATABASE_URL; the move that
    brings the embedded one in."""
    if not manifest["database"]:
        return []
    dump = settings.home / _FRESH / DUMP
    if settings.database_url:
        program(
            "pg_restore", settings.database_url, "--clean", "--if-exists", "--no-owner", "--single-transaction",
            "--exit-on-error", str(dump),
        )  # fmt: skip
        return []
    beside = replace(settings, home=settings.home / _FRESH / "server")
    beside.home.mkdir(parents=True)
    with postgres.running(beside) as url:
        program("pg_restore", url, "--clean", "--if-exists", "--no-owner", "--exit-on-error", str(dump))
    postgres.stop(settings)
    # The folder of the new server's user: its data alone moves, the socket's place and the log are made again.
    return [(str(beside.home / "postgres" / "data"), str(settings.home / "postgres" / "data"))]


def _relocate(settings: Settings, manifest: dict[str, Any]) -> None:
    """Where the backup came from another folder: paths in pointers, registrations and the registry name the new one."""
    pairs = [(manifest["home"], str(settings.home)), (manifest["root"], str(settings.root))]
    if all(old == new for old, new in pairs):
        return
    root, home = settings.root / _FRESH / "root", settings.home / _FRESH / "home"
    for path in [*root.glob("**/registration.json"), *home.glob("**/serving/*.json")]:
        write_json(path, _renamed(read_json(path), pairs))
    database = home / "mlflow" / "mlflow.db"
    if database.exists():
        with closing(sqlite3.connect(database)) as opened, opened:
            for statement in _MLFLOWS_PLACES:
                opened.executemany(statement, pairs)


def _renamed(value: Any, pairs: Sequence[tuple[str, str]]) -> Any:
    if isinstance(value, str):
        for old, new in pairs:
            if value.startswith((f"{old}/", f"file://{old}/", f"sqlite:///{old}/")):
                return value.replace(old, new, 1)
        return value
    if isinstance(value, dict):
        return {key: _renamed(inner, pairs) for key, inner in value.items()}
    return [_renamed(inner, pairs) for inner in value] if isinstance(value, list) else value
