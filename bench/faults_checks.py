"""What must hold after every fault: nothing acknowledged is lost, no file is torn, nothing is left behind."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.faults_desk import digest
from bench.faults_world import AUTHOR, Project

_HOLDER = re.compile(r"\.[a-z0-9_]{8}$")
_FOREIGN = ("postgres", "torch_extensions", "logs", "base", "checkpoints")
_ORPHAN_SECONDS = 12.0


@dataclass(slots=True)
class Kept:
    """What was acknowledged so far."""

    drafts: dict[str, str] = field(default_factory=dict)
    edits: dict[str, str] = field(default_factory=dict)
    choices: dict[str, str] = field(default_factory=dict)
    documents: set[str] = field(default_factory=set)
    versions: set[str] = field(default_factory=set)

    def note(self, line: dict[str, Any]) -> None:
        """Take down what the desk said."""
        if line["kind"] == "draft" and line["state"] == "done":
            self.drafts[line["id"]] = line["sha"]
        elif line["kind"] == "edit":
            self.edits[line["at"]], self.drafts[line["id"]] = line["sha"], line["sha"]
        elif line["kind"] == "choice":
            self.choices[line["id"]] = line["register"]


def lost(made: Project, kept: Kept) -> list[str]:
    """Everything acknowledged that is not there any more, or not as it was."""
    return [*_lost_words(made, kept), *_lost_documents(made, kept), *_lost_versions(made, kept)]


def _lost_words(made: Project, kept: Kept) -> Iterator[str]:
    for name, sha in kept.drafts.items():
        found = _json(made.home / "drafts" / AUTHOR / f"{name}.json")
        # What was being written over it when the writer died may be newer than what was told.
        if found is None or (digest(found["text"]) != sha and found.get("verdict") != "accepted"):
            yield f"draft {name}"
    pairs = made.space.edits / "pairs.jsonl"
    there = {}
    for line in pairs.read_text().splitlines() if pairs.exists() else []:
        pair = json.loads(line)
        there[pair["at"]] = digest(pair["chosen"])
    yield from (f"edit {at}" for at, sha in kept.edits.items() if there.get(at) != sha)
    chosen = _json(made.space.choices) or {}
    # The last told, or the one after it.
    yield from (f"choice on {name}" for name in kept.choices if "register" not in chosen.get(name, {}))


def _lost_documents(made: Project, kept: Kept) -> Iterator[str]:
    if kept.documents:
        yield from (f"document {name}" for name in sorted(kept.documents - documents(made)))


def _lost_versions(made: Project, kept: Kept) -> Iterator[str]:
    if kept.versions:
        yield from (f"registry entry {name}" for name in sorted(kept.versions - versions(made)))


def documents(made: Project) -> set[str]:
    """The ids of the collected documents."""
    import pandas as pd

    path = made.space.raw / "documents.parquet"
    return set(pd.read_parquet(path)["id"]) if path.exists() else set()


def versions(made: Project) -> set[str]:
    """The registered versions whose weights are there and whole."""
    path = made.home / "mlflow" / "mlflow.db"
    if not path.exists():
        return set()
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT version, source FROM model_versions").fetchall()
    connection.close()
    found = set()
    for version, source in rows:
        weights = Path(str(source).removeprefix("file://")) / "adapter_model.safetensors"
        if weights.exists() and not _torn(weights):
            found.add(str(version))
    return found


def torn(made: Project) -> list[str]:
    """Files that can't be read as what their names say; what a writer was at work on does not count."""
    return [
        f"{path.relative_to(made.root)}: {why}"
        for path in _files(made.root)
        if not any(_HOLDER.search(part) for part in path.parts) and (why := _torn(path))
    ]


def litter(made: Project) -> list[str]:
    """What dead writers left behind."""
    return sorted(
        str(path.relative_to(made.root))
        for path in made.root.rglob(".*")
        if path.is_dir() and _HOLDER.search(path.name) and not any(part in _FOREIGN for part in path.parts)
    )


def orphans(made: Project) -> list[str]:
    """Processes of this project that still run some seconds later though nobody who was asked to run does."""
    until = time.monotonic() + _ORPHAN_SECONDS
    while (found := running(made)) and time.monotonic() < until:
        time.sleep(0.2)
    return [" ".join(command(process))[:120] for process in found]


def command(process: Any) -> list[str]:
    """What it was started with; nothing when it ended while we looked."""
    import psutil

    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def running(made: Project) -> list[Any]:
    """The living processes of this project, its database aside."""
    import psutil

    found = []
    for process in psutil.process_iter():
        try:
            ours = process.environ().get("TWIN_ROOT") == str(made.root)
            if ours and process.status() != psutil.STATUS_ZOMBIE and not process.name().startswith("postgres"):
                found.append(process)
        except psutil.Error:
            continue
    return found


def _files(root: Path) -> Iterator[Path]:
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink() and not any(part in _FOREIGN for part in path.parts):
            yield path


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _torn(path: Path) -> str:
    """Why a file can't be read; empty when it can."""
    try:
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".jsonl":
            for line in path.read_text(encoding="utf-8").splitlines():
                json.loads(line)
        elif path.suffix in (".yaml", ".yml"):
            import yaml

            yaml.safe_load(path.read_text(encoding="utf-8"))
        elif path.suffix == ".parquet":
            import pyarrow.parquet as pq

            pq.read_table(path)
        elif path.suffix == ".safetensors":
            from safetensors.numpy import load_file

            load_file(path)
        elif path.suffix in (".sqlite", ".db"):
            with sqlite3.connect(path) as connection:
                said = connection.execute("PRAGMA quick_check(1)").fetchone()
            connection.close()
            return "" if said == ("ok",) else str(said)
    except FileNotFoundError:
        return ""  # it went while we looked
    except Exception as error:  # whatever it is, this file is not whole
        return f"{type(error).__name__}: {error}"[:120]
    return ""
