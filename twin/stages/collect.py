"""The collect stage: every source of params.yaml read into documents.parquet, with a record of consent for each."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twin import tables
from twin.errors import DataError, SourceError
from twin.files import read_json, replacing, write_json
from twin.params import Params, SourceSpec
from twin.progress import Progress, Step
from twin.records import Document
from twin.settings import Settings
from twin.sources import archive, github, medium, rss, substack
from twin.sources.crawl import Crawl
from twin.sources.reading import Item, Skipped
from twin.sources.sample import sample_site
from twin.stages.handed_in import reader

Metrics = dict[str, float | int | str]

SOURCES_JSON = "sources.json"
_EXAMPLES = 5


@dataclass(slots=True)
class _Found:
    """What one source gave: its documents by id, and the record of consent under which they are kept."""

    record: dict[str, Any]
    documents: dict[str, Document] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def skip(self, what: str, reason: str) -> None:
        self.skipped[reason] += 1
        named = self.examples.setdefault(reason, [])
        if len(named) < _EXAMPLES:
            named.append(what)


def collect(inbox: Path, out: Path, params: Params, settings: Settings, progress: Progress) -> Metrics:
    """Read all sources into `out`/documents.parquet and `out`/sources.json; both are written whole or not at all.

    `inbox` is the folder that relative source paths start from. A feed shows its newest entries only, so documents
    collected earlier from a source on the network stay unless collect.prune is on. Raises SourceError naming the
    source, its value and the mend.
    """
    started = time.monotonic()
    if not params.sources:
        raise DataError(
            "there are no sources", "sources: []", "Add one with `twin init --from …` or on the Sources page."
        )
    now = datetime.now(UTC).replace(microsecond=0)
    earlier = _earlier(out)
    with ExitStack() as stack:
        site = stack.enter_context(sample_site(settings)) if params.collect.sample_site else ""
        found = [
            _source(spec, number, inbox, params, settings, progress, now, site)
            for number, spec in enumerate(params.sources, 1)
        ]
    documents = _merged(found, earlier, params)
    with replacing(out) as fresh:
        fresh.mkdir()
        tables.write(tables.documents_frame(documents), fresh / tables.DOCUMENTS, "documents")
        write_json(
            fresh / SOURCES_JSON,
            {"author": params.author.id, "documents": len(documents), "sources": [_record(f) for f in found]},
        )
    return {
        "documents": len(documents),
        "sources": len(found),
        "skipped": sum(f.skipped.total() for f in found),
        "words": sum(len(d.text.split()) for d in documents),
        "seconds": round(time.monotonic() - started, 3),
    }


def consent_id(spec: SourceSpec) -> str:
    """The name of a source's record of consent: the same for the same source from run to run."""
    return f"{spec.kind}:{spec.path or ''}{'@' + spec.user if spec.user else ''}{spec.url or ''}"


def _source(
    spec: SourceSpec, number: int, inbox: Path, params: Params, settings: Settings, progress: Progress,
    now: datetime, site: str,
) -> _Found:  # fmt: skip
    place = spec.path or spec.url or spec.user or ""
    if "{sample_site}" in (spec.url or "") and not site:
        raise SourceError(
            f"source {number} ({spec.kind}): the sample site is off",
            spec.url,
            "Set collect.sample_site: true in params.yaml.",
        )
    found = _Found({"id": consent_id(spec), "kind": spec.kind, "place": place, "collected_at": now.isoformat()})
    filled = spec.model_copy(update={"url": spec.url.replace("{sample_site}", site) if spec.url else None})
    try:
        with progress.step(f"{spec.kind} {place}") as step:
            if spec.path:
                _from_path(filled, inbox, params, now, found, step)
            else:
                _from_network(filled, params, settings, now, site, found, step)
    except SourceError as error:
        raise type(error)(f"source {number} ({spec.kind} {place}): {error.thing}", error.value, error.mend) from error
    return found


def _from_path(spec: SourceSpec, inbox: Path, params: Params, now: datetime, found: _Found, step: Step) -> None:
    path = Path(str(spec.path)).expanduser()
    with archive.opened(path if path.is_absolute() else inbox / path, params.collect.max_archive_mb) as opened:
        name = opened.path.name if path.is_absolute() else path.as_posix().strip("/").removeprefix("./")
        terms, read = reader(spec, opened, name, params, now)
        _take(read(), spec, found, step)
        found.record |= {"terms": terms, "sha256": opened.sha256()}
        for what, reason in opened.passed:
            found.skip(what, reason)


def _from_network(
    spec: SourceSpec, params: Params, settings: Settings, now: datetime, site: str, found: _Found, step: Step
) -> None:
    plan: dict[str, Callable[[], Crawl]] = {
        "medium": lambda: medium.crawl(spec.user, spec.url),
        "substack": lambda: substack.crawl(spec.user, spec.url),
        "github": lambda: github.crawl(str(spec.user or ""), spec.url, settings.github_token),
        "rss": lambda: rss.crawl(spec.url, spec.user),
    }
    if spec.kind not in plan:
        raise SourceError(
            "this source is not collected over the network", spec.url or spec.user,
            "LinkedIn forbids it: ask LinkedIn for your data export and name the file with `path:`."
            if spec.kind == "linkedin"
            else "Name a file or folder with `path:`.",
        )  # fmt: skip
    crawl = plan[spec.kind]()
    crawled = crawl.run(params.author.id, now, params.collect, settings, bool(site))
    _take(crawled, spec, found, step)
    found.record |= {"terms": crawl.terms, "sha256": "", "crawl": crawl.stats}


def _take(items: Iterator[Item], spec: SourceSpec, found: _Found, step: Step) -> None:
    for item in items:
        if isinstance(item, Skipped):
            found.skip(item.what, item.reason)
            continue
        register = spec.register_as if spec.register_as and item.register != "reply" else item.register
        document = replace(item, consent=str(found.record["id"]), register=register)
        other = found.documents.get(document.id)
        if other is None or _better(document, other):
            found.documents[document.id] = document
        if other is not None:
            found.skip(
                document.id,
                "another copy of the same text" if other.sha256 == document.sha256 else "an older copy of the same id",
            )
        step.advance(detail=document.title or document.id)


def _better(one: Document, other: Document) -> bool:
    return (one.complete, len(one.text)) > (other.complete, len(other.text))


def _merged(found: list[_Found], earlier: dict[str, Document], params: Params) -> list[Document]:
    """All sources' documents, one for each id, with what was collected before and is neither changed nor pruned."""
    documents: dict[str, Document] = {}
    for source in found:
        for document in source.documents.values():
            other = documents.get(document.id)
            if other is not None:
                source.skip(document.id, "also in an earlier source")
            if other is None or _better(document, other):
                documents[document.id] = document
    networked = {f.record["id"] for f in found if "crawl" in f.record}
    for old in earlier.values():
        new = documents.get(old.id)
        if new is None and old.consent in networked and not params.collect.prune:
            documents[old.id] = old
        elif new is not None and replace(new, fetched_at=old.fetched_at) == old:
            # Unchanged: it keeps the time at which this text was first fetched, so that nothing after it runs again.
            documents[old.id] = old
    for source in found:
        source.record["kept"] = sum(d.consent == source.record["id"] for d in documents.values())
    return sorted(documents.values(), key=lambda d: d.id)


def _record(found: _Found) -> dict[str, Any]:
    return found.record | {
        "found": len(found.documents) + found.skipped.total(),
        "skipped": dict(found.skipped),
        "skipped_examples": found.examples,
        "errors": [
            f"{what}: {reason}"
            for reason, names in found.examples.items()
            if reason.startswith("unreadable")
            for what in names
        ],
    }


def _earlier(out: Path) -> dict[str, Document]:
    try:
        read_json(out / SOURCES_JSON)
        return {d.id: d for d in tables.documents_from(tables.read(out / tables.DOCUMENTS, "documents"))}
    except (OSError, ValueError, DataError):
        return {}
