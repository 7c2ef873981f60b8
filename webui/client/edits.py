"""What a person made of a draft: accepted as it is, edited or rejected; edits become preference pairs."""

from __future__ import annotations

import difflib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twin.errors import DataError
from twin.files import write_text
from twin.workspace import EDITED, Workspace

PAIRS = EDITED


def accept(space: Workspace, record: dict[str, Any], text: str) -> bool:
    """Keep what the person takes as theirs in the record; True when it differs and so became a preference pair.

    A draft holds one pair at most: a second edit of it replaces the first.
    """
    if not text.strip():
        raise DataError("there is no text to accept", None, "Write something, or reject the draft.")
    written, former = written_text(record), str(record.get("pair_at") or "")
    at = datetime.now(UTC).isoformat()
    differs = text.strip() != written.strip()
    record.update(verdict="accepted", text=text, pair_at=at if differs else "")
    pair = {
        "brief": record["order"]["brief"], "register": record["order"]["register"], "rejected": written, "chosen": text,
        "adapter": (record.get("draft") or {}).get("adapter", "base"), "at": at, "draft": record["id"],
    }  # fmt: skip
    _keep(space.edits / PAIRS, former, pair if differs else None)
    return differs


def reject(space: Workspace, record: dict[str, Any]) -> None:
    """Mark the draft as not the person's; an earlier pair of it goes."""
    _keep(space.edits / PAIRS, str(record.get("pair_at") or ""), None)
    record.update(verdict="rejected", pair_at="")


def pairs(space: Workspace) -> list[dict[str, Any]]:
    """What the twin can learn from, newest first: brief, register, rejected, chosen, adapter, at, draft (its id).

    Raises DataError for a line that is no pair.
    """
    path = space.edits / PAIRS
    if not path.exists():
        return []
    try:
        found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return sorted(found, key=lambda pair: str(pair["at"]), reverse=True)
    except (ValueError, TypeError, KeyError) as error:
        raise DataError("the kept edits can't be read", f"{path} ({error})", "Mend or remove the line.") from error


def take_back(space: Workspace, at: str) -> None:
    """Take the pair that was made at this moment out of what the twin learns from."""
    _keep(space.edits / PAIRS, at, None)


def written_text(record: dict[str, Any]) -> str:
    """The draft as the twin wrote it, whatever was made of it since."""
    return str((record.get("draft") or {}).get("text") or record["text"])


def _keep(path: Path, former: str, pair: dict[str, Any] | None) -> None:
    """Write `pair` and drop the draft's earlier one, which was made at `former`."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = [line for line in lines if line.strip() and not _earlier(json.loads(line), former, pair)]
    if pair is not None:
        kept.append(json.dumps(pair, ensure_ascii=False))
    if pair is not None or len(kept) < len(lines):
        write_text(path, "".join(f"{line}\n" for line in kept))


def _earlier(known: dict[str, Any], former: str, pair: dict[str, Any] | None) -> bool:
    """Whether a kept pair is the same draft's: killed between pair and record, the server does not know its moment."""
    return known.get("at") == former or (pair is not None and known.get("draft") == pair["draft"])


def differences(old: str, new: str) -> list[tuple[str, str]]:
    """The way from one text to another in words: (same, gone or new; text) in order."""
    before, after = re.findall(r"\s+|\S+", old), re.findall(r"\s+|\S+", new)
    found: list[tuple[str, str]] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(("same", "".join(before[a:b])))
            continue
        found += [
            (which, text) for which, text in (("gone", "".join(before[a:b])), ("new", "".join(after[c:d]))) if text
        ]
    return found
