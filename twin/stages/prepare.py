"""The prepare stage: collected documents made ready to learn from; what is set aside is kept with its reason."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin import tables
from twin.errors import CorpusTooSmall, DataError
from twin.files import replacing, write_json
from twin.params import Params
from twin.progress import Progress
from twin.records import Document, content_hash
from twin.settings import Settings
from twin.text import clean, dedup, language, privacy

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

    set_aside: list[tuple[Document, str]] = field(default_factory=list)
    footers: Counter[str] = field(default_factory=Counter)
    masked: Counter[str] = field(default_factory=Counter)
    masked_in: Counter[str] = field(default_factory=Counter)
    mojibake_lines: int = 0
    merged: dict[str, str] = field(default_factory=dict)


def prepare(raw: Path, out: Path, params: Params, settings: Settings, progress: Progress) -> Metrics:
    """Make `raw`/documents.parquet ready: `out`/documents.parquet, rejected.parquet (with `reason`) and report.json.

    Texts keep their line breaks, emoji, casing and punctuation. Raises DataError when more than validate.max_rejected
    of the rows break the schema, CorpusTooSmall when the author's own words are fewer than validate.min_words.
    """
    started = time.monotonic()
    report = _Report()
    good, broken = _checked(raw / tables.DOCUMENTS, params)
    documents = _eligible(tables.documents_from(good), params, report)
    documents = _without_footers(documents, report)
    with progress.step("mend, mask and tag", len(documents)) as step:
        fresh_documents = []
        for document in documents:
            fresh_documents.append(_refined(document, params, report))
            step.advance(detail=document.title or document.id)
    documents = _long_enough(fresh_documents, params, report)
    with progress.step("near-duplicates", len(documents)):
        documents = _merged(documents, params.prepare.near_duplicate, report)
    words = {d.id: clean.own_words(d.text) for d in documents}
    if sum(words.values()) < params.validate_.min_words:
        raise CorpusTooSmall(sum(words.values()), params.validate_.min_words, _why(report, raw))
    documents.sort(key=_order)
    _write(out, documents, broken, report, words, len(good) + len(broken))
    return {
        "documents": len(documents),
        "rejected": len(broken),
        "set_aside": len(report.set_aside),
        "own_words": sum(words.values()),
        "masked": report.masked.total(),
        "near_duplicates": len(report.merged),
        "seconds": round(time.monotonic() - started, 3),
    }


def _checked(path: Path, params: Params) -> tuple[pd.DataFrame, pd.DataFrame]:
    frame = tables.read(path)
    good, broken = tables.sift(frame, "documents")
    if len(broken) > params.validate_.max_rejected * max(1, len(frame)):
        raise DataError(
            f"{len(broken)} of {len(frame)} documents break the schema, more than validate.max_rejected allows",
            f"{path} ({broken['reason'].iloc[0]})", "Mend the source that gave them, or raise validate.max_rejected.",
        )  # fmt: skip
    return good, broken


def _eligible(documents: list[Document], params: Params, report: _Report) -> list[Document]:
    kept = []
    for document in documents:
        if document.provenance not in params.prepare.provenances:
            report.set_aside.append((document, f"provenance is {document.provenance}"))
        elif not document.complete:
            report.set_aside.append((document, "only a part of the text could be read (a paid preview or the like)"))
        else:
            kept.append(document)
    return kept


def _without_footers(documents: list[Document], report: _Report) -> list[Document]:
    grouped: dict[str, dict[str, str]] = defaultdict(dict)
    for document in documents:
        grouped[f"{document.source}/{document.register}"][document.id] = document.text
    keys = {group: clean.footers(texts) for group, texts in grouped.items()}
    kept = []
    for document in documents:
        text, taken = clean.without_footers(document.text, keys[f"{document.source}/{document.register}"])
        report.footers.update(taken)
        kept.append(replace(document, text=text) if taken else document)
    return kept


def _refined(document: Document, params: Params, report: _Report) -> Document:
    text, mended = clean.mend_mojibake(document.text)
    title, _ = clean.mend_mojibake(document.title)
    text, counts = privacy.mask(text, params.prepare.mask)
    title, _ = privacy.mask(title, params.prepare.mask)
    report.mojibake_lines += mended
    report.masked.update(counts)
    report.masked_in.update(counts.keys())
    text = text.strip("\n \t\ufeff") if text.strip() else text
    tongue = document.language or language.detect(text, params.author.language)
    return replace(document, text=text, title=title, sha256=content_hash(text), language=tongue)


def _long_enough(documents: list[Document], params: Params, report: _Report) -> list[Document]:
    kept = []
    for document in documents:
        if clean.own_words(document.text) < params.prepare.min_words:
            report.set_aside.append((document, f"fewer than {params.prepare.min_words} own words"))
        else:
            kept.append(document)
    return kept


def _merged(documents: list[Document], threshold: float, report: _Report) -> list[Document]:
    best_first = sorted(documents, key=lambda d: (_TRUST.index(d.source), -len(d.text), d.id))
    report.merged = dedup.near_duplicates({d.id: d.text for d in best_first}, threshold)
    by_id = {d.id: d for d in documents}
    for repeat, kept in report.merged.items():
        report.set_aside.append((by_id[repeat], f"a near-duplicate of {kept}"))
        by_id[kept] = _completed(by_id[kept], by_id[repeat])
    return [document for document in by_id.values() if document.id not in report.merged]


def _completed(best: Document, repeat: Document) -> Document:
    """The best copy with what only the other one knows: where it stood, its title, its date (the earlier of two)."""
    dates = [d for d in (best.published_at, repeat.published_at) if d is not None]
    return replace(
        best, url=best.url or repeat.url, title=best.title or repeat.title, published_at=min(dates) if dates else None
    )


def _order(document: Document) -> tuple[datetime, str]:
    return (document.published_at or document.fetched_at, document.id)


def _why(report: _Report, raw: Path) -> str:
    reasons = Counter(reason.split(" of ")[0] for _, reason in report.set_aside)
    return f"{raw}" + (
        f" (set aside: {'; '.join(f'{n} × {reason}' for reason, n in reasons.most_common(4))})" if reasons else ""
    )


def _write(
    out: Path, documents: list[Document], broken: pd.DataFrame, report: _Report, words: dict[str, int], collected: int
) -> None:
    import pandas as pd

    aside = tables.documents_frame([d for d, _ in report.set_aside]).assign(
        reason=[reason for _, reason in report.set_aside]
    )
    rejected = aside if broken.empty else (broken if aside.empty else pd.concat([broken, aside], ignore_index=True))
    with replacing(out) as fresh:
        fresh.mkdir()
        tables.write(tables.documents_frame(documents), fresh / tables.DOCUMENTS, "documents")
        tables.write(rejected, fresh / tables.REJECTED)
        write_json(fresh / REPORT_JSON, _summary(documents, broken, report, words, collected))


def _summary(
    documents: list[Document], broken: pd.DataFrame, report: _Report, words: dict[str, int], collected: int
) -> dict[str, Any]:
    return {
        "collected": collected,
        "documents": len(documents),
        "own_words": sum(words.values()),
        "words_by": {
            key: _summed((getattr(d, key), words[d.id]) for d in documents)
            for key in ("source", "register", "language")
        },
        "documents_by": {
            key: dict(Counter(getattr(d, key) for d in documents)) for key in ("source", "register", "language")
        },
        "rejected": len(broken),
        "set_aside": dict(
            Counter("a near-duplicate" if r.startswith("a near-dup") else r for _, r in report.set_aside)
        ),
        "near_duplicates": report.merged,
        "footers": [{"text": text, "removed": count} for text, count in report.footers.most_common()],
        "masked": dict(report.masked),
        "masked_documents": dict(report.masked_in),
        "mojibake_lines_mended": report.mojibake_lines,
    }


def _summed(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for key, count in pairs:
        total[key] += count
    return dict(total)
