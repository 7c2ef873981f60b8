"""The versions of one text: the drafts that grew out of each other, and what a person made of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from webui.client.edits import written_text

_ACTIONS = {
    "draft": "Written", "shorter": "Shorter", "longer": "Longer", "hook": "Another hook", "voice": "More like me",
    "post": "As a post", "article": "As an article", "thread": "As a thread", "ideas": "Ideas",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One state of a text. `key` is the draft's id, with `+` after it for a person's own wording; `when` Unix time."""

    key: str
    label: str
    text: str
    when: float


def family(records: Sequence[dict[str, Any]], draft_id: str) -> list[Version]:
    """All versions of the text that a draft belongs to, oldest first; empty for an unknown id."""
    by_id = {record["id"]: record for record in records}
    if draft_id not in by_id:
        return []
    root = _root(by_id, draft_id)
    kin = [record for record in records if _root(by_id, record["id"]) == root and record["text"].strip()]
    found: list[Version] = []
    for record in sorted(kin, key=lambda record: str(record["id"])):
        found += _of(record, first=not found)
    return found


def _of(record: dict[str, Any], *, first: bool) -> list[Version]:
    action = str(record["order"].get("action") or "draft")
    label = _ACTIONS.get(action, action.capitalize()) if first or action != "draft" else "Written again"
    when = float(record["started_at"])
    written = Version(key=record["id"], label=label, text=written_text(record), when=when)
    if record["text"] == written.text:
        return [written]
    return [written, Version(key=f"{record['id']}+", label="Your own wording", text=record["text"], when=when)]


def _root(by_id: dict[str, dict[str, Any]], draft_id: str) -> str:
    """The draft from which this one grew; a circle in the files ends at its first draft."""
    seen: set[str] = set()
    while draft_id not in seen:
        seen.add(draft_id)
        parent = str(by_id[draft_id]["order"].get("parent") or "")
        if parent not in by_id:
            return draft_id
        draft_id = parent
    return min(seen)


def matching(records: Sequence[dict[str, Any]], words: str, verdict: str) -> list[dict[str, Any]]:
    """The records that hold all the words (in brief or text) and have the verdict: accepted, rejected, open or any."""
    wanted = words.casefold().split()
    return [
        record
        for record in records
        if verdict in ("", record.get("verdict") or "open")
        and all(word in f"{record['order']['brief']} {record['text']}".casefold() for word in wanted)
    ]


def change(parts: Sequence[tuple[str, str]]) -> tuple[int, int]:
    """How many words went and how many came, from the pieces of a difference."""
    gone, new = (sum(len(text.split()) for kind, text in parts if kind == which) for which in ("gone", "new"))
    return gone, new
