"""Which adapter writes: the pointer file that the local predictor follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twin.errors import ServingError
from twin.files import read_json, write_json
from twin.settings import Settings
from twin.workspace import Workspace

_KEPT = 2  # earlier versions that stay loaded: each costs the predictor the adapter's size in memory


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
    return _point(space, settings, registration, space.adapter)


def _point(space: Workspace, settings: Settings, registration: dict[str, Any], adapter: Path) -> dict[str, Any]:
    kept = _keep(adapter, settings, space.author, registration["adapter_sha256"])
    content: dict[str, Any] = {
        "author": space.author,
        "version": str(registration["version"]),
        "gguf": str(kept / "adapter.gguf"),
        "adapter_dir": str(kept),
        "sha256": registration["adapter_sha256"],
    }
    target = pointer(settings, space.author)
    known = read_json(target) if target.exists() else {}
    if known.get("sha256") != content["sha256"] or known.get("version") != content["version"]:
        write_json(target, content | {"previous": _former(known, content)})
    return content


def promote(space: Workspace, settings: Settings) -> dict[str, Any]:
    """Let the newest registered adapter write though its gate held it back; raises ServingError when there is none.

    The registry's champion follows; `registration.json` keeps the gate's verdict.
    """
    from twin import registry

    record = space.registration / "registration.json"
    registration = read_json(record) if record.exists() else {}
    if not registration.get("version"):
        raise ServingError("there is no adapter to promote", space.author, "Train the twin first.")
    registry.promote(settings, space.author, str(registration["version"]))
    # The registry's copy: the stage's own folder may hold a later training by now.
    return _point(space, settings, registration, Path(registration["adapter_dir"]))


def rollback(settings: Settings, author: str, version: str = "") -> dict[str, Any]:
    """Point the predictor back at an earlier adapter (the latest of them without `version`); raises ServingError.

    What serves now becomes an earlier one, so that the way back is open. The predictor has it loaded already.
    """
    target = pointer(settings, author)
    known = read_json(target) if target.exists() else {}
    earlier = {str(item["version"]): item for item in known.get("previous", [])}
    if not earlier or (version and version not in earlier):
        raise ServingError(
            "there is no such earlier adapter to go back to", f"{author}@{version or 'previous'}",
            f"Kept are: {', '.join(earlier) or 'none'}. The registry keeps the others.",
        )  # fmt: skip
    chosen = earlier[version or next(iter(earlier))]
    content = {"author": author, **chosen}
    write_json(target, content | {"previous": _former(known, content)})
    return content


def _former(known: dict[str, Any], content: dict[str, Any]) -> list[dict[str, Any]]:
    """What served before `content`, newest first, with files that are still there."""
    served = [{k: v for k, v in known.items() if k not in ("previous", "author")}] if known else []
    old = {item["version"]: item for item in [*served, *known.get("previous", [])] if Path(item["gguf"]).exists()}
    return [item for item in old.values() if item["version"] != content["version"]][:_KEPT]


def _keep(adapter: Path, settings: Settings, author: str, sha256: str) -> Path:
    import shutil

    from twin.files import replacing

    kept = settings.home / "serving" / "adapters" / author / sha256[:16]
    if not kept.exists():
        with replacing(kept) as fresh:
            shutil.copytree(adapter, fresh)
    return kept
