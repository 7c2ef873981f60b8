"""Which adapter writes: the pointer file that the local predictor follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twin.files import read_json, write_json
from twin.settings import Settings
from twin.workspace import Workspace


def pointer(settings: Settings, author: str) -> Path:
    """The author's pointer file; the predictor loads what it names within two seconds of a change."""
    return settings.home / "serving" / f"{author}.json"


def publish(space: Workspace, settings: Settings) -> dict[str, Any] | None:
    """Point the local predictor at the registered adapter when the gate promoted it; returns the pointer's content.

    The champion's files are copied by hash below `settings.home`: the next training replaces the stage's folder, and
    a champion must stay servable until another one has passed.
    """
    record = space.registration / "registration.json"
    if not record.exists():
        return None
    registration = read_json(record)
    if not registration.get("promoted"):
        return None
    kept = _keep(space.adapter, settings, space.author, registration["adapter_sha256"])
    content = {
        "author": space.author,
        "version": str(registration["version"]),
        "gguf": str(kept / "adapter.gguf"),
        "adapter_dir": str(kept),
        "sha256": registration["adapter_sha256"],
    }
    target = pointer(settings, space.author)
    if not target.exists() or read_json(target) != content:
        write_json(target, content)
    return content


def _keep(adapter: Path, settings: Settings, author: str, sha256: str) -> Path:
    import shutil

    from twin.files import replacing

    kept = settings.home / "serving" / "adapters" / author / sha256[:16]
    if not kept.exists():
        with replacing(kept) as fresh:
            shutil.copytree(adapter, fresh)
    return kept
