"""The prepare stage: collected documents made ready to learn from; what is set aside is kept with its reason.

Row groups in, row groups out: between them it holds counters, hashes and MinHash bands, never the texts.
"""

from __future__ import annotations

import time
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin import choices as decided
from twin import tables
from twin.errors import CorpusTooSmall, DataError
from twin.files import replacing, write_json
from twin.params import Params
from twin.progress import Progress
from twin.records import Document
from twin.settings import Settings
from twin.stages.refining import Crew, Made, policy_of
from twin.text import footers
from twin.text.dedup import Copies
from twin.text.refine import Counts

if TYPE_CHECKING:
    import pandas as pd

Metrics = dict[str, float | int | str]

REPORT_JSON = "report.json"
# Of two copies of one text the one from where it was written wins over one that was syndicated.
_TRUST = (
    "files",
    "jsonl",
    "paste",
    "ghost",
    "wordpress",
    "blog",
    "substack",
    "medium",
    "linkedin",
    "github",
    "x",
    "mastodon",
    "rss",
)


@dataclass(slots=True)
class _Report:
    """What happened to the texts, as report.json tells it."""

    collected: int = 0
    broken: int = 0
    first_fault: str = ""
    decided: int = 0
    aside: Counter[str] = field(default_factory=Counter)
    counts: Counts = field(default_factory=Counts)
    merged: dict[str, str] = field(default_factory=dict)
    edited: dict[str, str] = field(default_factory=dict)
    documents: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    words: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


@dataclass(slots=True)
class _Kept:
    """What is remembered of each refined text, by its place: numbers alone."""

    words: array[int] = field(default_factory=lambda: array("I"))
    trust: array[int] = field(default_factory=lambda: array("B"))
    length: array[int] = field(default_factory=lambda: array("I"))

    def add(self, document: Document, words: int) -> None:
        self.words.append(words)
        self.trust.append(_TRUST.index(document.source))
        self.length.append(min(len(document.text), 2**32 - 1))

    def best_first(self) -> list[int]:
        """All places, the most trusted source first, then the longest text, then the earliest place."""
        import numpy as np

        order = np.lexsort((np.arange(len(self.words)), -np.asarray(self.length, np.int64), np.asarray(self.trust)))
        return [int(place) for place in order]


def prepare(raw: Path, choices: Path, out: Path, params: Params, settings: Settings, progress: Progress) -> Metrics:
    """Make `raw`/documents.parquet ready: `out`/documents.parquet, rejected.parquet (with `reason`) and report.json.

    Texts keep their line breaks, emoji, casing and punctuation. `choices` is the person's word on single documents
    (twin.choices), which wins over the source's. Raises DataError when more than validate.max_rejected of the rows
    break the schema, CorpusTooSmall when the author's own words are fewer than validate.min_words.
    """
    started = time.monotonic()
    report = _Report()
    with replacing(out) as fresh:
        fresh.mkdir()
        spool, ready = fresh.with_name("eligible.parquet"), fresh.with_name("refined.parquet")
        with (
            tables.Writer(fresh / tables.REJECTED, reasoned=True) as rejected,
            Crew(tables.count(raw / tables.DOCUMENTS), policy_of(params)) as crew,
        ):
            keys = _eligible(raw, choices, spool, rejected, params, report, progress)
            copies = Copies(params.prepare.near_duplicate, params.prepare.edited_copy)
            try:
                made = crew.refined(tables.batches(spool, 500), keys)
                kept = _refine(made, tables.count(spool), ready, rejected, copies, report, progress)
                spool.unlink()
                with progress.step("near-duplicates", len(kept.words)):
                    repeats = copies.repeats(kept.best_first(), kept.trust)
            finally:
                copies.close()
            own = sum(words for place, words in enumerate(kept.words) if place not in repeats)
            if own < params.validate_.min_words:
                raise CorpusTooSmall(own, params.validate_.min_words, _why(report, raw))
            with tables.Writer(fresh / tables.DOCUMENTS) as written:
                _merge(ready, kept, repeats, params, written, rejected, report)
        write_json(fresh / REPORT_JSON, _summary(report, own))
    return {
        "documents": written.rows,
        "rejected": report.broken,
        "set_aside": report.aside.total(),
        "own_words": own,
        "masked": report.counts.masked.total(),
        "near_duplicates": len(report.merged),
        "seconds": round(time.monotonic() - started, 3),
    }


def _eligible(
    raw: Path, choices: Path, spool: Path, rejected: tables.Writer, params: Params, report: _Report, progress: Progress
) -> dict[str, frozenset[int]]:
    """First reading: rows that break the schema or may not be learned from go; footers are counted by source."""
    tallies: dict[str, footers.Tally] = defaultdict(footers.Tally)
    known = decided.read(choices)
    seen: set[int] = set()
    path = raw / tables.DOCUMENTS
    report.collected = tables.count(path)
    with progress.step("check", report.collected) as step, tables.Writer(spool, passing=True) as good:
        for frame in tables.batches(path):
            rows, broken = tables.sift(frame, "documents")
            rows, twice = _first_of_each(rows, seen)
            for bad in (broken, twice):
                if len(bad):
                    report.broken += len(bad)
                    report.first_fault = report.first_fault or str(bad["reason"].iloc[0])
                    rejected.write(bad)
            passed, refused = [], []
            for document in tables.documents_from(rows):
                document, reason = _said(document, known.get(document.id), params, report)
                if reason:
                    report.aside[reason] += 1
                    refused.append((document, reason))
                else:
                    passed.append(document)
                    tallies[_group(document)].add(document.text)
            good.write(tables.documents_frame(passed))
            rejected.write(tables.reasoned_frame(refused))
            step.advance(len(frame))
    if report.broken > params.validate_.max_rejected * max(1, report.collected):
        raise DataError(
            f"{report.broken} of {report.collected} documents break the schema, more than validate.max_rejected allows",
            f"{path} ({report.first_fault})", "Mend the source that gave them, or raise validate.max_rejected.",
        )  # fmt: skip
    return {group: tally.repeated() for group, tally in tallies.items()}


def _first_of_each(rows: pd.DataFrame, seen: set[int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows whose id stood in no batch before, and those whose did: the schema sees one batch at a time."""
    import pandas as pd

    if rows.empty:
        return rows, rows.assign(reason="")
    hashes = pd.util.hash_array(rows["id"].to_numpy(dtype=object))
    again = pd.Series([int(number) in seen for number in hashes], index=rows.index)
    seen.update(int(number) for number in hashes)
    return rows[~again], rows[again].assign(reason="id: field_uniqueness")


def _said(
    document: Document, choice: decided.Choice | None, params: Params, report: _Report
) -> tuple[Document, str]:  # fmt: skip
    """The document with the person's word on it, and why it may not be learned from ("" when it may)."""
    if choice is not None:
        report.decided += 1
        document = choice.apply(document)
        if choice.excluded:
            return document, "left out by you"
        if choice.by:
            return document, "written by someone else, as you said"
    if document.provenance not in params.prepare.provenances:
        return document, f"provenance is {document.provenance}"
    if not document.complete:
        return document, "only a part of the text could be read (a paid preview or the like)"
    return document, ""


def _group(document: Document) -> str:
    return f"{document.source}/{document.register}"


def _refine(
    batches: Iterator[Made], total: int, ready: Path, rejected: tables.Writer, copies: Copies, report: _Report,
    progress: Progress,
) -> _Kept:  # fmt: skip
    """Second reading: every text is made ready, in as many processes as pay off, and sketched for near-duplicates."""
    kept = _Kept()
    with progress.step("mend, mask and tag", total) as step, tables.Writer(ready, passing=True) as good:
        for made in batches:
            good.write(tables.documents_frame([document for document, _ in made.passed]))
            rejected.write(tables.reasoned_frame(made.refused))
            report.aside.update(reason for _, reason in made.refused)
            report.counts.add(made.counts)
            for (document, words), sketch in zip(made.passed, made.sketches, strict=True):
                kept.add(document, words)
                copies.add(*sketch)
            done = len(made.passed) + len(made.refused)
            step.advance(done, made.passed[-1][0].title if made.passed else "")
    return kept


def _merge(
    ready: Path, kept: _Kept, repeats: dict[int, tuple[int, float]], params: Params, written: tables.Writer,
    rejected: tables.Writer, report: _Report,
) -> None:  # fmt: skip
    """Third reading: repeats go to the rejected, and the best copy learns what only they know."""
    fates = _fates(ready, repeats)
    place = 0
    for frame in tables.batches(ready):
        good, aside = [], []
        for document in tables.documents_from(frame):
            if place in repeats:
                best, similarity = repeats[place]
                near = similarity >= params.prepare.near_duplicate
                name = fates[best].id
                report.merged[document.id] = name
                if not near:
                    report.edited[document.id] = name
                report.aside["a near-duplicate" if near else "an edited version"] += 1
                aside.append((document, f"{'a near-duplicate' if near else 'an edited version'} of {name}"))
            else:
                document = fates[place].complete(document) if place in fates else document
                good.append(document)
                for key in ("source", "register", "language"):
                    report.documents[key][getattr(document, key)] += 1
                    report.words[key][getattr(document, key)] += kept.words[place]
            place += 1
        written.write(tables.documents_frame(good))
        rejected.write(tables.reasoned_frame(aside))


@dataclass(slots=True)
class _Best:
    """What a best copy is to be given by its repeats: where the text stood, its title, its date (the earliest)."""

    id: str = ""
    url: str = ""
    title: str = ""
    dates: list[Any] = field(default_factory=list)

    def complete(self, document: Document) -> Document:
        from dataclasses import replace

        dates = [date for date in (document.published_at, *self.dates) if date is not None]
        return replace(
            document, url=document.url or self.url, title=document.title or self.title,
            published_at=min(dates) if dates else None,
        )  # fmt: skip


def _fates(ready: Path, repeats: dict[int, tuple[int, float]]) -> dict[int, _Best]:
    """By place of each best copy; read from the columns needed alone."""
    import pandas as pd

    best: dict[int, _Best] = defaultdict(_Best)
    wanted = {other for other, _ in repeats.values()}
    place = 0
    for frame in tables.batches(ready, columns=["id", "url", "title", "published_at"]) if repeats else ():
        for identity, url, title, at in zip(*(frame[c] for c in frame.columns), strict=True):
            if place in wanted:
                best[place].id = identity
            elif place in repeats:
                given = best[repeats[place][0]]
                given.url, given.title = given.url or url, given.title or title
                given.dates.append(None if pd.isna(at) else at.to_pydatetime())
            place += 1
    return best


def _why(report: _Report, raw: Path) -> str:
    return f"{raw}" + (
        f" (set aside: {'; '.join(f'{n} × {reason}' for reason, n in report.aside.most_common(4))})"
        if report.aside
        else ""
    )


def _summary(report: _Report, own: int) -> dict[str, Any]:
    counts = report.counts
    return {
        "collected": report.collected,
        "documents": sum(report.documents["source"].values()),
        "own_words": own,
        "words_by": {key: dict(report.words[key]) for key in ("source", "register", "language")},
        "documents_by": {key: dict(report.documents[key]) for key in ("source", "register", "language")},
        "rejected": report.broken,
        "set_aside": dict(report.aside),
        "decided_by_you": report.decided,
        "near_duplicates": report.merged,
        "edited_versions": report.edited,
        "footers": [{"text": text, "removed": count} for text, count in counts.footers.most_common()],
        "masked": dict(counts.masked),
        "masked_documents": dict(counts.masked_in),
        "quoted_words": counts.quoted_words,
        "code_words": counts.code_words,
        "mojibake_lines_mended": counts.mojibake_lines,
    }
