"""The collect stage: every source of params.yaml read into documents.parquet, with a record of consent for each."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from twin import tables
from twin.choices import FORGOTTEN, Forgotten
from twin.errors import DataError, SourceError
from twin.files import read_json, replacing, write_json
from twin.params import Params, SourceSpec
from twin.progress import Progress, Step
from twin.records import Document
from twin.settings import Settings
from twin.sources import archive, blog, github, linkedin_snapshot, medium_feed, rss, substack_web
from twin.sources.crawl import Crawl
from twin.sources.reading import Item, Skipped
from twin.sources.sample import sample_site
from twin.stages.gathered import Gathered, Seen, gathering
from twin.stages.handed_in import beside, reader

Metrics = dict[str, float | int | str]

SOURCES_JSON = "sources.json"
_EXAMPLES = 5
_BATCH = 1000


@dataclass(slots=True)
class _Found:
    """What is told of one source: the record of consent under which its documents are kept, and what was left out."""

    record: dict[str, Any]
    number: int
    gathered: Gathered
    forgotten: Forgotten
    crawled: Seen | None = None
    skipped: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def skip(self, what: str, reason: str) -> None:
        self.skipped[reason] += 1
        named = self.examples.setdefault(reason, [])
        if len(named) < _EXAMPLES:
            named.append(what)


def collect(inbox: Path, out: Path, params: Params, settings: Settings, progress: Progress) -> Metrics:
    """Read all sources into `out`/documents.parquet and `out`/sources.json; both are written whole or not at all.

    `inbox` is the folder that relative source paths start from. Documents collected earlier from a source on the
    network stay, whether or not it still shows them, unless collect.prune is on and they were deleted there. Memory
    does not grow with the number of documents. Raises SourceError naming the source, its value and the mend.
    """
    started = time.monotonic()
    if not params.sources:
        raise DataError(
            "there are no sources", "sources: []", "Add one with `twin init --from …` or on the Sources page."
        )
    now = datetime.now(UTC).replace(microsecond=0)
    forgotten = Forgotten(inbox.with_name(FORGOTTEN))
    with ExitStack() as stack:
        site = stack.enter_context(sample_site(settings)) if params.collect.sample_site else ""
        gathered = stack.enter_context(gathering(settings.home / "tmp"))
        found = [
            _source(spec, number, inbox, params, settings, progress, now, site, gathered, forgotten)
            for number, spec in enumerate(params.sources, 1)
        ]
        _merge(found, gathered, out, params, forgotten)
        with replacing(out) as fresh:
            fresh.mkdir()
            documents, words = _written(gathered.documents(), fresh / tables.DOCUMENTS)
            write_json(
                fresh / SOURCES_JSON,
                {"author": params.author.id, "documents": documents, "sources": [_record(f) for f in found]},
            )
    return {
        "documents": documents,
        "sources": len(found),
        "skipped": sum(f.skipped.total() for f in found),
        "words": words,
        "seconds": round(time.monotonic() - started, 3),
    }


def consent_id(spec: SourceSpec) -> str:
    """The name of a source's record of consent: the same for the same source from run to run."""
    return f"{spec.kind}:{spec.path or ''}{'@' + spec.user if spec.user else ''}{spec.url or ''}"


def _source(
    spec: SourceSpec, number: int, inbox: Path, params: Params, settings: Settings, progress: Progress,
    now: datetime, site: str, gathered: Gathered, forgotten: Forgotten,
) -> _Found:  # fmt: skip
    place = spec.path or spec.url or spec.user or ""
    if "{sample_site}" in (spec.url or "") and not site:
        raise SourceError(
            f"source {number} ({spec.kind}): the sample site is off",
            spec.url,
            "Set collect.sample_site: true in params.yaml.",
        )
    record = {"id": consent_id(spec), "kind": spec.kind, "place": place, "collected_at": now.isoformat()}
    found = _Found(record, number, gathered, forgotten)
    filled = spec.model_copy(update={"url": spec.url.replace("{sample_site}", site) if spec.url else None})
    try:
        with progress.step(f"{spec.kind} {place}") as step:
            if spec.path:
                _from_path(filled, inbox, params, now, found, step)
            else:
                # Only what names the sample site may ask this machine.
                sample = "{sample_site}" in (spec.url or "")
                _from_network(filled, params, settings, now, sample, found, step)
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
        for what in beside(spec.kind, opened):
            found.skip(what, "a text beside the export: hand it in by itself")


def _from_network(
    spec: SourceSpec, params: Params, settings: Settings, now: datetime, sample: bool, found: _Found, step: Step
) -> None:
    plan: dict[str, Callable[[], Crawl]] = {
        "linkedin": lambda: linkedin_snapshot.crawl(spec.url, settings.linkedin_token),
        "medium": lambda: medium_feed.crawl(spec.user, spec.url),
        "substack": lambda: substack_web.crawl(spec.user, spec.url),
        "github": lambda: github.crawl(str(spec.user or ""), spec.url, settings.github_token, spec.texts),
        "rss": lambda: rss.crawl(spec.url, spec.user),
        "blog": lambda: blog.crawl(spec.url, spec.user),
    }
    if spec.kind not in plan:
        raise SourceError(
            "this source is not collected over the network", spec.url or spec.user,
            "Name a file or folder with `path:`.",
        )  # fmt: skip
    crawl = plan[spec.kind]()
    name = str(found.record["id"])
    crawled = crawl.run(
        params.author.id, now, params.collect, settings, sample, name, lambda words: step.advance(0, words)
    )
    _take(crawled, spec, found, step)
    found.record |= {"terms": crawl.terms, "sha256": "", "crawl": crawl.stats}
    # Where another way stood in for the first, not all of the source was seen.
    whole = crawl.whole and not crawl.stats["instead"]
    found.crawled = Seen(whole, bool(crawl.stats["failed"]), found.gathered.oldest(found.number))


def _take(items: Iterator[Item], spec: SourceSpec, found: _Found, step: Step) -> None:
    for item in items:
        if isinstance(item, Skipped):
            found.skip(item.what, item.reason)
            continue
        if item in found.forgotten:
            found.skipped["forgotten, as you asked"] += 1  # nameless: a name would be a trace
            continue
        register = spec.register_as if spec.register_as and item.register != "reply" else item.register
        document = replace(item, consent=str(found.record["id"]), register=register)
        if other := found.gathered.add(found.number, document):
            found.skip(document.id, other)
        step.advance(detail=document.title or document.id)


def _merge(found: list[_Found], gathered: Gathered, out: Path, params: Params, forgotten: Forgotten) -> None:
    """One document for each id, with what was collected before and is neither changed nor pruned."""
    sources = {source.number: source for source in found}
    for number, name in gathered.repeated():
        sources[number].skip(name, "also in an earlier source")
    networked = {str(f.record["id"]): f.crawled for f in found if f.crawled is not None}
    counts = gathered.remember((d for d in _earlier(out) if d not in forgotten), networked, params.collect.prune)
    for number, name in gathered.one_for_each_post():
        if number in sources:
            sources[number].skip(name, "also there by its number")
    kept = gathered.kept()
    for source in found:
        name = str(source.record["id"])
        told = counts.get(name, {})
        since = {what: told.get(what, 0) for what in ("unchanged", "changed", "pruned", "kept from before")}
        since["new"] = max(0, kept.get(name, 0) - since["unchanged"] - since["changed"] - since["kept from before"])
        source.record |= {"kept": kept.get(name, 0), "found": gathered.found(source.number), "since": since}


def _record(found: _Found) -> dict[str, Any]:
    return found.record | {
        "found": found.record["found"] + found.skipped.total() - found.skipped["also in an earlier source"],
        "skipped": dict(found.skipped),
        "skipped_examples": found.examples,
        "errors": [
            f"{what}: {reason}"
            for reason, names in found.examples.items()
            if reason.startswith("unreadable")
            for what in names
        ],
    }


def _written(documents: Iterator[Document], path: Path) -> tuple[int, int]:
    """Write the table, a few thousand documents in memory at a time; how many there were, and their words."""
    words = 0
    with tables.Writer(path) as writer:
        while batch := list(islice(documents, _BATCH)):
            writer.write(tables.documents_frame(batch))
            words += sum(len(document.text.split()) for document in batch)
    return writer.rows, words


def _earlier(out: Path) -> Iterator[Document]:
    try:
        read_json(out / SOURCES_JSON)
        for frame in tables.batches(out / tables.DOCUMENTS):
            yield from tables.documents_from(frame)
    except (OSError, ValueError, DataError):
        return
