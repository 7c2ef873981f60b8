"""The monitor stage: what was asked and written lately held against its references, decided, shown and kept."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin import tables
from twin.files import read_json, replacing, write_json
from twin.monitoring import database, drift, payload, quality, reports
from twin.params import Params
from twin.progress import Progress
from twin.settings import Settings
from twin.stages import monitor_sources
from twin.workspace import Workspace

if TYPE_CHECKING:
    from twin.monitoring.drift import Found

HISTORY = "history.json"
_KEPT = 500

Metrics = dict[str, float | int | str]


def monitor(out: Path, params: Params, settings: Settings, progress: Progress) -> Metrics:
    """Write out/drift.json, out/history.json, a page of each section and out/drift.html, which is the voice's.

    The newest `monitor.window` drafts and requests are held against the champion's generations, the author's training
    posts, the training prompts and the version's own first answers; what is too few says so and decides nothing.
    `due` is 1 where an alarm calls for new training and none began within the cool-down. Raises StoreError when the
    database is away, DataError when the features stage has not run.
    """
    author, chosen = params.author.id, params.monitor
    work = Workspace(settings.root, author)
    with progress.step("read the log") as step:
        payload.replay(settings.database_url, payload.place(settings.home), chosen.keep_days)
        log = payload.read(settings.database_url, author, monitor_sources.MOST)
        step.advance(1, f"{len(log)} drafts")
    with progress.step("find the references") as step:
        sections = monitor_sources.sections(log, work, params, settings)
        step.advance(len(sections), ", ".join(section.name for section in sections))
    now = datetime.now(UTC)
    with progress.step("compare", len(sections)), replacing(out) as fresh:
        fresh.mkdir()
        found = drift.compare(sections, fresh, min_rows=chosen.min_requests, false_alarms=chosen.false_alarms)
        (fresh / "voice.html").replace(fresh / "drift.html")
        cooling = _keep(settings, author, now, found, chosen.cooldown_days)
        whole = _whole(found, out, now, params, cooling) | drift.summary(log.head(chosen.window))
        whole["documents"] = _quality(work, fresh)
        write_json(fresh / "drift.json", whole)
        write_json(fresh / HISTORY, [*_before(out), _point(whole)][-_KEPT:])
    return {
        "requests": whole["requests"], "references": whole["references"], "enough": int(whole["enough"]),
        "drifted": int(whole["drifted"]), "due": int(whole["due"]), "strength": whole["strength"],
        "reason": whole["reason"],
    }  # fmt: skip


def claim(params: Params, settings: Settings) -> bool:
    """Whether whoever asks may start the training that the newest report calls for: once in a cool-down."""
    with database.asking(settings.database_url) as connection:
        return reports.claim(connection, params.author.id, params.monitor.cooldown_days)


def _keep(settings: Settings, author: str, now: datetime, found: list[Found], cooldown_days: float) -> datetime | None:
    """Keep the verdicts where Prometheus and the next report find them; when the training began that still cools down."""
    with database.asking(settings.database_url) as connection:
        sections = {one.name: {"alarm": one.alarm, "strength": one.strength} for one in found if one.enough}
        reports.keep(connection, author, now, sections)
        reports.show(connection)
        return reports.cooling(connection, author, cooldown_days)


def _whole(found: list[Found], out: Path, now: datetime, params: Params, cooling: datetime | None) -> dict[str, Any]:
    voice = found[0]
    known = [one for one in found if one.enough]
    alarms = [one.name for one in known if one.alarm]
    calls = bool(set(alarms) & set(params.monitor.retrain_on))
    return {
        "author": params.author.id, "at": now.isoformat(timespec="seconds"), "requests": voice.rows,
        "references": voice.references, "enough": bool(known), "reason": voice.reason, "drifted": bool(alarms),
        "alarms": alarms, "strength": max((one.strength for one in known), default=0.0), "calls": calls,
        "due": calls and cooling is None, "cooling": cooling.isoformat(timespec="seconds") if cooling else "",
        "false_alarms": params.monitor.false_alarms, "sections": _since([one.as_dict() for one in found], out, now),
    }  # fmt: skip


def _since(sections: list[dict[str, Any]], out: Path, now: datetime) -> list[dict[str, Any]]:
    """Since when each column has moved, without a report between that found it in its place."""
    before: dict[tuple[str, str], str] = {}
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        for section in read_json(out / "drift.json")["sections"]:
            before |= {(section["name"], n): c["since"] for n, c in section["columns"].items() if c.get("since")}
    for section in sections:
        for name, column in section["columns"].items():
            at = before.get((section["name"], name), now.isoformat(timespec="seconds"))
            column["since"] = at if column["moved"] else ""
    return sections


def _quality(work: Workspace, fresh: Path) -> dict[str, Any]:
    """The documents' figures and their page; empty where there are none here."""
    path = work.documents / tables.DOCUMENTS
    if not path.exists():
        return {}
    aside = work.documents / tables.REJECTED
    return quality.measure(tables.read(path), tables.count(aside) if aside.exists() else 0, fresh / "quality.html")


def _before(out: Path) -> list[dict[str, Any]]:
    """The points of earlier reports; a history that can't be read begins anew, for the report itself matters more."""
    try:
        found = read_json(out / HISTORY)
    except (OSError, ValueError):
        return []
    return found if isinstance(found, list) else []


def _point(whole: dict[str, Any]) -> dict[str, Any]:
    return {
        "at": whole["at"], "requests": whole["requests"], "enough": whole["enough"], "drifted": whole["drifted"],
        "alarms": whole["alarms"], "share": whole["strength"], "alarm": 1.0, "p50": whole["latency"].get("p50"),
        "p95": whole["latency"].get("p95"),
    }  # fmt: skip
