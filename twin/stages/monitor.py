"""The monitor stage: the drafts that were given, held against the author's own training posts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin import tables
from twin.files import read_json, replacing, write_json
from twin.monitoring import drift, payload
from twin.params import Params
from twin.progress import Progress
from twin.settings import Settings
from twin.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

HISTORY = "history.json"
_KEPT = 500

Metrics = dict[str, float | int | str]


def monitor(out: Path, params: Params, settings: Settings, progress: Progress) -> Metrics:
    """Write out/drift.html, out/drift.json and a point to out/history.json, on the newest `monitor.window` logged drafts.

    The reference are the author's training documents (style.parquet, restricted by splits.parquet when that is there).
    With fewer than `monitor.min_requests` of either, both files say so and nothing counts as drift. Raises StoreError
    when the database is away, DataError when the features stage has not run.
    """
    author = params.author.id
    with progress.step("read the log") as step:
        drafts = payload.read(settings.database_url, author, params.monitor.window)
        reference = _training_posts(Workspace(settings.root, author))
        step.advance(1, f"{len(drafts)} drafts, {len(reference)} posts")
    with progress.step("compare"), replacing(out) as fresh:
        fresh.mkdir()
        found = drift.compare(
            drafts, reference, fresh / "drift.html", min_requests=params.monitor.min_requests,
            drift_share=params.monitor.drift_share,
        )  # fmt: skip
        whole = {"author": author, "drift_share": params.monitor.drift_share, **found.as_dict()}
        write_json(fresh / "drift.json", whole)
        write_json(fresh / HISTORY, [*_before(out), _point(found, params.monitor.drift_share)][-_KEPT:])
    return {
        "requests": found.requests, "references": found.references, "enough": int(found.enough),
        "drifted": int(found.drifted), "share": round(found.share, 4) if found.share is not None else "",
        "reason": found.reason,
    }  # fmt: skip


def _before(out: Path) -> list[dict[str, Any]]:
    """The points of earlier reports; a history that can't be read begins anew, for the report itself matters more."""
    try:
        found = read_json(out / HISTORY)
    except (OSError, ValueError):
        return []
    return found if isinstance(found, list) else []


def _point(found: drift.Drift, alarm: float) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "at": now, "requests": found.requests, "enough": found.enough, "drifted": found.drifted, "share": found.share,
        "alarm": alarm, "p50": found.latency.get("p50"), "p95": found.latency.get("p95"),
    }  # fmt: skip


def _training_posts(workspace: Workspace) -> pd.DataFrame:
    style = tables.read(workspace.features / tables.STYLE)
    splits = workspace.dataset / tables.SPLIT_TABLE
    if not splits.exists():
        return style
    table = tables.read(splits, "splits")
    return style[style["document_id"].isin(table.loc[table["split"] == "train", "document_id"])]
