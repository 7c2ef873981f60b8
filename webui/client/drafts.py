"""The drafts on disk: one JSON file each, written whole, newest first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twin.files import read_json, write_json
from twin.settings import Settings


def folder(settings: Settings, author: str) -> Path:
    """Where an author's drafts lie."""
    return settings.home / "drafts" / author


def save(settings: Settings, author: str, record: dict[str, Any]) -> None:
    """Write one draft's record under its id."""
    write_json(folder(settings, author) / f"{record['id']}.json", record)


def recent(settings: Settings, author: str, limit: int = 50) -> list[dict[str, Any]]:
    """The newest drafts first (their ids begin with the time); a file that can't be read is left out."""
    found = []
    for file in sorted(folder(settings, author).glob("*.json"), reverse=True)[:limit]:
        try:
            found.append(read_json(file))
        except (OSError, ValueError):
            continue
    return found


def load(settings: Settings, author: str, draft_id: str) -> dict[str, Any] | None:
    """One draft's record, or None."""
    file = folder(settings, author) / f"{Path(draft_id).name}.json"
    try:
        record: dict[str, Any] = read_json(file)
    except (OSError, ValueError):
        return None
    return record


def delete(settings: Settings, author: str, draft_id: str) -> None:
    """Remove one draft."""
    (folder(settings, author) / f"{Path(draft_id).name}.json").unlink(missing_ok=True)
