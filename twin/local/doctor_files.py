"""The doctor's looks at what lies on this machine: packages, folders, models, adapters, what killed writers left."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from twin.files import HOLDER, SPOOLS, ownerless, read_json
from twin.local import champion
from twin.local.finding import BAD, OK, SKIPPED, WARN, Finding
from twin.params import Params
from twin.settings import Settings
from twin.workspace import Workspace

_PACKAGES = (
    "torch", "transformers", "peft", "sentence_transformers", "psycopg", "feast", "mlflow", "kserve", "evidently",
    "nicegui", "dvc", "kfp",
)  # fmt: skip
_LITTLE, _LEAST = 2 * 2**30, 256 * 2**20
_WEIGHTS = "adapter_model.safetensors"
_NOT_LOOKED_INTO = ("postgres", "torch_extensions", "artifacts")
_OLD_REPORT = 14 * 86_400


def packages(settings: Settings, params: Params) -> Finding:
    """Python and the packages that the parts are made of."""
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    version = ".".join(map(str, sys.version_info[:3]))
    if missing:
        return Finding("", BAD, f"not installed: {', '.join(missing)}", "Run `make setup`.")
    return Finding("", OK, f"Python {version} and {len(_PACKAGES)} main packages")


def folders(settings: Settings, params: Params) -> Finding:
    """Whether project and home can be written."""
    for place in (settings.root, settings.home):
        place.mkdir(parents=True, exist_ok=True)
        if not os.access(place, os.W_OK | os.X_OK):
            return Finding("", BAD, f"{place} can't be written", "Mend its rights, or set TWIN_HOME to another folder.")
    return Finding("", OK, f"{settings.root} and {settings.home} can be written")


def disk(settings: Settings, params: Params) -> Finding:
    """Room for the database, a training and its checkpoints."""
    free = shutil.disk_usage(settings.home).free
    said = f"{free / 2**30:.1f} GB free"
    if free < _LEAST:
        return Finding("", BAD, said, "Free some space: the database does not start below 256 MB.")
    if free < _LITTLE:
        return Finding("", WARN, said, "A training and its checkpoints want about 2 GB: free some space.")
    return Finding("", OK, said)


def private(settings: Settings, params: Params) -> Finding:
    """Files of secrets that others could read."""
    names = ("vault.key", "tokens.json", "api_keys.json", "accounts.json", "sessions.json")
    files = [place / name for place in {settings.home, settings.private} for name in names]
    here = [file for file in files if file.exists()]
    if open_ := [str(file) for file in here if file.stat().st_mode & 0o077]:
        return Finding("", WARN, f"others may read {', '.join(open_)}", f"chmod 600 {' '.join(open_)}")
    return Finding("", OK, f"{len(here)} files of secrets, none that others may read")


def half_written(settings: Settings, params: Params) -> Finding:
    """What killed writers left; a living writer's folder is locked."""
    left = [str(path) for path in _left(settings)]
    if not left:
        return Finding("", OK, "nothing left by killed writers")
    more = " …" if len(left) > 3 else ""
    mend = (
        f"They may hold texts. Run the stage that writes there again, or remove them: rm -r {' '.join(left[:3])}{more}"
    )
    return Finding("", WARN, f"{len(left)} half-written: {', '.join(left[:3])}{more}", mend)


def base_model(settings: Settings, params: Params) -> Finding:
    """The base model's files; nothing is downloaded."""
    from twin import basemodel

    name = params.train.base_model
    if name == basemodel.BUNDLED:
        gguf = basemodel.bundled_gguf()
        with open(gguf, "rb") as file:
            if file.read(4) != b"GGUF":
                return Finding("", BAD, f"{gguf} is no GGUF", "Install it again: `make setup`.")
        folder = settings.home / "models" / basemodel.BUNDLED_NAME
        if folder.exists() and not list(folder.glob("*.safetensors")):
            return Finding("", BAD, f"{folder} holds no weights", f"rm -r {folder}: the next training makes it again.")
        return Finding("", OK, f"{basemodel.BUNDLED_NAME}, {gguf.stat().st_size / 2**20:.0f} MB")
    folder = Path(name)
    if folder.is_dir():
        whole = (folder / "config.json").exists() and list(folder.glob("*.safetensors"))
        mend = "Point train.base_model at a folder with config.json and *.safetensors."
        return Finding("", OK, name) if whole else Finding("", BAD, f"{folder} holds no whole model", mend)
    return Finding("", SKIPPED, f"{name}: the hub's cache was not looked into")


def embedder(settings: Settings, params: Params) -> Finding:
    """Whether the embedder is there and gives vectors of its length."""
    from twin.embedding import BUNDLED, Embedder

    if params.features.embedder != BUNDLED and not Path(params.features.embedder).is_dir():
        return Finding("", SKIPPED, f"{params.features.embedder}: the hub's cache was not looked into")
    made = Embedder(params.features.embedder)
    vector = made.encode(["a lamp in the window"])
    return Finding("", OK, f"{made.name}, {vector.shape[1]} numbers a text")


def adapters(settings: Settings, params: Params) -> Finding:
    """Each adapter that serves or may serve again, by its hash."""
    pointer = champion.pointer(settings, params.author.id)
    if not pointer.exists():
        return Finding("", SKIPPED, "none writes yet: the base model does")
    known = read_json(pointer)
    whole = 0
    for one in [known, *known.get("previous", [])]:
        said = _damage(one)
        if said:
            mend = "Let another version write (`twin rollback`), or train again: `dvc repro`."
            return Finding("", BAD, f"version {one.get('version')}: {said}", mend)
        whole += 1
    return Finding("", OK, f"{whole} with the hash that was registered")


def pipeline(settings: Settings, params: Params) -> Finding:
    """What DVC says of the stages."""
    if not (settings.root / ".dvc").is_dir() or not (settings.root / "dvc.yaml").exists():
        return Finding("", SKIPPED, "the project is not under DVC")
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "--json"], cwd=settings.root, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return Finding("", BAD, said, "Run `dvc status` to see it whole; a lock of a dead process goes with .dvc/tmp.")
    changed = sorted(json.loads(done.stdout or "{}"))
    if changed:
        return Finding("", WARN, f"not up to date: {', '.join(changed)}", "Run `dvc repro`, or update on the page.")
    return Finding("", OK, "every stage is up to date")


def drift(settings: Settings, params: Params) -> Finding:
    """The last monitoring report."""
    path = Workspace(settings.root, params.author.id).monitoring / "drift.json"
    if not path.exists():
        return Finding("", SKIPPED, "no report yet: `twin monitor` makes one")
    found: dict[str, Any] = read_json(path)
    if found.get("drifted"):
        mend = "Look at the Monitoring page; collecting newer texts and `dvc repro` train the twin anew."
        return Finding("", WARN, f"the report of {found.get('at')} alarms: {', '.join(found['alarms'])}", mend)
    if time.time() - path.stat().st_mtime > _OLD_REPORT:
        return Finding("", WARN, f"the last report is of {found.get('at')}", "Run `twin monitor`.")
    return Finding("", OK, f"the report of {found.get('at')} raises no alarm")


def _damage(one: dict[str, Any]) -> str:
    """What is wrong with an adapter's files, "" when nothing is."""
    folder, gguf = Path(one["adapter_dir"]), Path(one["gguf"])
    for path in (folder / _WEIGHTS, gguf):
        if not path.is_file():
            return f"{path} is missing"
    sha = hashlib.sha256((folder / _WEIGHTS).read_bytes()).hexdigest()
    return "" if sha == one["sha256"] else f"{folder / _WEIGHTS} has another hash than was registered"


def _left(settings: Settings) -> Iterator[Path]:
    for place in (settings.root / "data", settings.root / "models", settings.root / "reports", settings.home):
        for folder, names, _ in os.walk(place):
            for name in list(names):
                if name in _NOT_LOOKED_INTO:
                    names.remove(name)
                elif HOLDER.match(name) or fnmatch(name, SPOOLS):
                    names.remove(name)
                    if ownerless(Path(folder) / name):
                        yield Path(folder) / name
