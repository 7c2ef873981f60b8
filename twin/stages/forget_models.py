"""Which adapters have learned from a text that is forgotten: named always, removed when asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twin import registry
from twin.choices import digest
from twin.files import read_json, write_json
from twin.settings import Settings
from twin.stages import erasing
from twin.stages.forget_plan import Plan
from twin.workspace import Workspace

LEARNED = "learned_from.json"


def note(dataset: Path, adapter: Path) -> None:
    """Write into an adapter's folder which documents it has learned from, by hashes of their ids.

    `texts` holds all documents of the dataset, held-out ones too, with their texts' hashes: what is new or changed
    since can be told from it.
    """
    from twin import tables

    found: set[str] = set()
    for frame in tables.batches(dataset / tables.EXAMPLES, columns=["document_id", "split"]):
        found.update(frame[frame["split"] != "test"]["document_id"])
    write_json(adapter / LEARNED, {"documents": sorted(map(digest, found)), "texts": _texts(dataset)})


def _texts(dataset: Path) -> dict[str, str]:
    from twin import tables

    path = dataset / tables.SPLIT_TABLE
    table = tables.read(path, "splits") if path.exists() else None
    if table is None or "sha256" not in table.columns:
        return {}
    return dict(sorted(zip(map(digest, table["document_id"]), table["sha256"], strict=True)))


def learned(space: Workspace, settings: Settings, plan: Plan) -> list[str]:
    """The adapters that have learned from it, each as "version (path)"; without a record of it one is named too."""
    return [name for name, _, _ in _found(space, settings, plan)]


def handle(space: Workspace, settings: Settings, plan: Plan) -> list[str]:
    """Name the adapters; remove them, their registered versions and what serves them when the plan says so."""
    found = _found(space, settings, plan)
    if not plan.adapters and plan.kind != "author":
        return [f"adapter {name}: has learned from it and stays (`--adapters` removes it)" for name, _, _ in found]
    versions = [version for _, _, version in found if version]
    if versions:
        registry.remove_versions(settings, plan.author, versions)
    pointer = settings.home / "serving" / f"{plan.author}.json"
    for _, path, version in found:
        if pointer.exists() and (_json(pointer).get("adapter_dir") == str(path) or _json(pointer).get("version") in versions):  # fmt: skip
            pointer.unlink()
        if not version:
            erasing.remove(path)
    if found:
        erasing.remove(space.registration)
    return [f"adapter {name}: removed" for name, _, _ in found]


def _found(space: Workspace, settings: Settings, plan: Plan) -> list[tuple[str, Path, str]]:
    """(words, folder, registered version or "")."""
    wanted = set(map(digest, plan.ids))
    kept = settings.home / "serving" / "adapters" / plan.author
    places = [("the newest, not yet served", space.adapter, "")]
    places += [("a served copy", path, "") for path in (sorted(kept.iterdir()) if kept.is_dir() else [])]
    if (settings.home / "mlflow").exists() or not settings.mlflow_uri.startswith("sqlite:"):
        places += [(f"version {v}", path, v) for v, path in registry.versions(settings, plan.author)]
    found = []
    for words, path, version in places:
        if not path.exists() or not (plan.kind == "author" or _has_learned(path, wanted)):
            continue
        found.append((f"{words} ({path})", path, version))
    return found


def _has_learned(adapter: Path, wanted: set[str]) -> bool:
    known = _json(adapter / LEARNED).get("documents")
    # An adapter that says nothing of what it learned from may have learned from this.
    return known is None or bool(wanted.intersection(known))


def _json(path: Path) -> dict[str, Any]:
    try:
        value = read_json(path)
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
