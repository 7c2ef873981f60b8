"""What is to be forgotten, worked out before anything is touched, and kept in a file so that a kill loses nothing."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from twin import tables
from twin.choices import digest
from twin.errors import DataError
from twin.files import read_json, write_json
from twin.params import Params
from twin.settings import Settings
from twin.stages import erasing, summaries
from twin.stages.collect import SOURCES_JSON, consent_id
from twin.text.traces import Traces
from twin.workspace import Workspace

_SINGLE = (".md", ".markdown", ".mdx", ".txt", ".html", ".htm")
_BY_LINE = (".jsonl", ".ndjson")
_COLUMNS = ["id", "title", "text", "url", "sha256", "consent", "source"]


@dataclass(slots=True, kw_only=True)
class Plan:
    """`kind` is source, document or author, `value` its id. Paths are relative to the project.

    `handed` are files of the inbox that go, `cut` those that lose lines, `left` archives that hold it and stay. `consents` are the records
    under which it was collected.
    """

    kind: str
    value: str
    author: str
    adapters: bool = False
    ids: list[str] = field(default_factory=list)
    consents: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    handed: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    traces: Traces = field(default_factory=Traces)

    def save(self, path: Path) -> None:
        """Keep it on disk, without a word of the texts."""
        whole = {k: v for k, v in asdict(self).items() if k not in ("traces", "titles")}
        write_json(path, whole | {"traces": self.traces.as_dict()})


def place(settings: Settings) -> Path:
    """Where the plan of a forgetting that has begun lies until it is done."""
    return settings.home / "forget" / "plan.json"


def begun(settings: Settings) -> Plan | None:
    """The plan of a forgetting that was cut short; None when there is none."""
    try:
        data: dict[str, Any] = read_json(place(settings))
    except FileNotFoundError:
        return None
    return Plan(**{**data, "traces": Traces.from_dict(data["traces"])})


def make(space: Workspace, params: Params | None, kind: str, value: str, models: Collection[str] = ()) -> Plan:
    """Work out what there is of a source, a document or an author; changes nothing. Raises DataError naming the id.

    `value` is an id or an id's SHA-256. `models` have written summaries of texts.
    """
    if kind != "author":
        value = named(_sources(space, params) if kind == "source" else (row["id"] for row in _rows(space)), value)
    plan = Plan(kind=kind, value=value, author=space.author)
    wanted = _wanted(space, params, kind, value)
    for row in _rows(space):
        if kind == "author" or row["id"] in wanted or row["consent"] in wanted:
            _take(plan, row)
            plan.traces.hashes.update(summaries.kept_under(models, row["text"]) if kind != "author" else ())
    if kind == "source":
        plan.traces.names.add(value)
    if kind == "author":
        return plan
    if kind == "document" and not plan.ids:
        known = sorted({row["id"] for row in _rows(space)})
        near = difflib.get_close_matches(value, known, n=1, cutoff=0.3)
        raise DataError("there is no such document", value, f"The nearest is {near[0]}." if near else "")
    gone = set(plan.ids)
    for row in _rows(space):
        if row["id"] not in gone:
            plan.traces.keep(row["text"])
            plan.traces.keep(row["title"])
            plan.traces.names.discard(row["url"])
            plan.traces.hashes.discard(row["sha256"])
    _chunks(space, plan)
    _inbox(space, params, plan)
    return plan


def named(known: Iterable[str], value: str) -> str:
    """The id of which `value` is the SHA-256, so that a command need not name what is to be forgotten; else `value`."""
    return next((identity for identity in known if digest(identity) == value), value)


def _sources(space: Workspace, params: Params | None) -> set[str]:
    known = {consent_id(spec) for spec in (params.sources if params else ())}
    return known | {str(r.get("id")) for r in _json(space.raw / SOURCES_JSON).get("sources", [])}


def _wanted(space: Workspace, params: Params | None, kind: str, value: str) -> set[str]:
    """Ids of documents or records of consent: a document is forgotten with its copies in other sources."""
    if kind == "source":
        if value not in (known := _sources(space, params)):
            raise DataError("there is no such source", value, f"Known: {', '.join(sorted(known)) or 'none'}.")
        return {value}
    merged: dict[str, str] = _json(space.documents / "report.json").get("near_duplicates", {})
    best = merged.get(value, value)
    return {value, best, *(repeat for repeat, kept in merged.items() if kept == best)}


def _rows(space: Workspace) -> Iterator[dict[str, Any]]:
    """Every document as collected, as prepared, and as set aside."""
    for path in (
        space.raw / tables.DOCUMENTS,
        space.documents / tables.DOCUMENTS,
        space.documents / tables.REJECTED,
    ):
        if path.exists():
            for frame in tables.batches(path, columns=_COLUMNS):
                for row in frame.fillna("").to_dict("records"):
                    yield {str(name): value for name, value in row.items()}


def _take(plan: Plan, row: dict[str, Any]) -> None:
    from twin.choices import text_digest

    if row["id"] not in plan.ids:
        plan.ids.append(row["id"])
        plan.titles.append(row["title"] or " ".join(row["text"].split()[:8]))
    if row["consent"] not in plan.consents:
        plan.consents.append(row["consent"])
    plan.traces.add(row["text"], row["title"], (row["id"], row["url"]))
    plan.traces.hashes.add(row["sha256"])
    if plan.kind == "document":
        plan.texts.append(text_digest(row["text"]))


def _chunks(space: Workspace, plan: Plan) -> None:
    path = space.features / tables.CHUNKS
    gone = set(plan.ids)
    for frame in tables.batches(path, columns=["document_id", "sha256"]) if path.exists() else ():
        plan.traces.hashes.update(frame[frame["document_id"].isin(gone)]["sha256"])


def _inbox(space: Workspace, params: Params | None, plan: Plan) -> None:
    """What the person handed in: a source's file goes whole, a document's file too; an archive is theirs to keep."""
    paths = [spec.path for spec in (params.sources if params else ()) if spec.path]
    if plan.kind == "source":
        spec = next((s for s in (params.sources if params else ()) if consent_id(s) == plan.value), None)
        if spec and spec.path and paths.count(spec.path) == 1 and (inside := _inside(space, spec.path)):
            plan.handed.append(_relative(space, inside))
        return
    own = {_inside(space, identity.partition(":")[2]) for identity in plan.ids if identity.startswith("files:")}
    for path in erasing.walk(space.inbox):
        if path in own and path.suffix.lower() in _SINGLE:
            plan.handed.append(_relative(space, path))
        elif erasing.holds(path, plan.traces):
            (plan.cut if path.suffix.lower() in _BY_LINE else plan.left).append(_relative(space, path))


def _inside(space: Workspace, name: str) -> Path | None:
    """A path of the inbox, None when it leads out of it or to nothing: what lies elsewhere is not ours to remove."""
    path = (space.inbox / name).resolve()
    inbox = space.inbox.resolve()
    return space.inbox / path.relative_to(inbox) if path.exists() and inbox in path.parents else None


def _relative(space: Workspace, path: Path) -> str:
    return path.relative_to(space.root).as_posix()


def _json(path: Path) -> dict[str, Any]:
    try:
        value = read_json(path)
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
