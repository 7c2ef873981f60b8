"""The author's documents for reading: loaded once a version of the file, searched and paged on the server."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin import tables
from twin.workspace import Workspace
from webui.client import state

if TYPE_CHECKING:
    import pandas as pd

_CACHE: dict[Path, tuple[tuple[int, int], Any]] = {}
_COPY = r"^(?:a near-duplicate|an edited version) of (.+)$"
_LOCK = threading.Lock()
_COLUMNS = ["id", "title", "source", "register", "published_at", "words", "provenance", "shown", "opening"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What the table shows. `order` is a column's name, `start` a row number from 0."""

    text: str = ""
    source: str = ""
    register: str = ""
    provenance: str = ""
    order: str = "published_at"
    descending: bool = True
    start: int = 0
    count: int = 25


def documents(work: Workspace) -> pd.DataFrame | None:
    """The prepared documents, or those just collected when nothing is prepared yet; None when there are neither."""
    for folder in (work.documents, work.raw):
        frame: pd.DataFrame | None = _load(folder / tables.DOCUMENTS)
        if frame is not None:
            return frame
    return None


def rejected(work: Workspace) -> pd.DataFrame | None:
    """Rows that were left out, with the column `reason`, and `copy_of`, the id of the text that was kept instead."""
    frame: pd.DataFrame | None = _load(work.documents / tables.REJECTED)
    return frame if frame is not None and len(frame) else None


def shelves(work: Workspace) -> dict[str, pd.DataFrame]:
    """The texts by what became of them: `kept`, `left` (out) and `copies`; a shelf that would be empty is absent."""
    frames, aside = {"kept": documents(work)}, rejected(work)
    if aside is not None:
        copied = aside["copy_of"] != ""
        frames |= {"left": aside[~copied], "copies": _named(aside[copied], frames["kept"])}
    return {name: frame for name, frame in frames.items() if frame is not None and len(frame)}


def _named(copies: pd.DataFrame, kept: pd.DataFrame | None) -> pd.DataFrame:
    """Copies, with the kept text's title and source for a reason."""
    if kept is None or copies.empty:
        return copies
    known = {
        str(name): f"“{shown}” · {source}"
        for name, shown, source in zip(kept["id"], kept["shown"], kept["source"], strict=True)
    }
    names = [
        f"{str(reason).partition(' of ')[0].capitalize()} of {known.get(str(best), best)}"
        for best, reason in zip(copies["copy_of"], copies["reason"], strict=True)
    ]
    return copies.assign(reason=names)


def search(frame: pd.DataFrame, query: Query) -> tuple[list[dict[str, Any]], int]:
    """The rows of one page (plain values, without the texts) and how many match in all."""
    chosen = frame
    if query.source:
        chosen = chosen[chosen["source"] == query.source]
    if query.register:
        chosen = chosen[chosen["register"] == query.register]
    if query.provenance:
        chosen = chosen[chosen["provenance"] == query.provenance]
    for word in query.text.casefold().split():
        chosen = chosen[chosen["haystack"].str.contains(word, regex=False)]
    order = query.order if query.order in chosen.columns else "published_at"
    rows = chosen[_present(chosen)].sort_values(
        order, ascending=not query.descending, kind="stable", na_position="last"
    )
    page = rows.iloc[query.start : query.start + query.count]
    return [_plain(row) for row in page.to_dict("records")], len(chosen)


def one(work: Workspace, document_id: str) -> dict[str, Any] | None:
    """One document with its text, kept or left out."""
    for frame in (documents(work), rejected(work)):
        if frame is None:
            continue
        hit = frame[frame["id"] == document_id]
        if len(hit):
            return _plain(hit.drop(columns=["haystack"]).iloc[0].to_dict())
    return None


def copies(work: Workspace, document_id: str) -> list[str]:
    """Ids of the texts that prepare merged into this one."""
    merged = state.read(work.documents / "report.json").get("near_duplicates") or {}
    return sorted(repeat for repeat, kept in merged.items() if kept == document_id)


def counts(frame: pd.DataFrame, column: str) -> list[tuple[str, int]]:
    """How often each value stands in a column, the most frequent first."""
    return [(str(value), int(count)) for value, count in frame[column].value_counts().items()]


def months(frame: pd.DataFrame) -> list[tuple[str, int]]:
    """Words a month, oldest first, months without a word included; at most the last 36."""
    import pandas as pd

    dated = frame.dropna(subset=["published_at"])
    if dated.empty:
        return []
    by_month = dated.groupby(dated["published_at"].dt.tz_localize(None).dt.to_period("M"))["words"].sum()
    every = pd.period_range(by_month.index.min(), by_month.index.max(), freq="M")
    return [(str(month), int(by_month.get(month, 0))) for month in every[-36:]]


def by_day(frame: pd.DataFrame) -> dict[date, int]:
    """Words on each day with a text."""
    dated = frame.dropna(subset=["published_at"])
    if dated.empty:
        return {}
    sums = dated.groupby(dated["published_at"].dt.tz_localize(None).dt.floor("D"))["words"].sum()
    return {day.date(): int(words) for day, words in zip(sums.index, sums, strict=True)}


def by_source(frame: pd.DataFrame) -> list[tuple[str, int]]:
    """Words of each source, most first."""
    sums = frame.groupby("source")["words"].sum().sort_values(ascending=False)
    return [(str(source), int(words)) for source, words in sums.items()]


def _load(file: Path) -> Any:
    """The table with what the pages need; None, and nothing kept in memory, when it is not there."""
    try:
        stat = file.stat()
    except FileNotFoundError:
        with _LOCK:
            _CACHE.pop(file, None)
        return None
    stamp = (stat.st_mtime_ns, stat.st_size)
    with _LOCK:
        kept = _CACHE.get(file)
        if kept and kept[0] == stamp:
            return kept[1]
        frame = _with_extras(tables.read(file))
        _CACHE[file] = (stamp, frame)
        return frame


def _with_extras(frame: pd.DataFrame) -> pd.DataFrame:
    text = frame["text"].fillna("").astype(str)
    title = frame["title"].fillna("").astype(str).str.strip()
    lines = text.str.slice(0, 600).str.strip().str.split("\n", n=1)
    # A text without a title is known by its first line; the row below then goes on where that line ends.
    first, rest = lines.str[0].str.lstrip("# ").str.slice(0, 140), lines.str[1].fillna("")
    opening = text.str.slice(0, 600).where(title != "", rest).str.replace(r"\s+", " ", regex=True).str.strip()
    if "reason" in frame.columns:
        frame = frame.assign(copy_of=frame["reason"].fillna("").str.extract(_COPY, expand=False).fillna(""))
    return frame.assign(
        words=[len(words.split()) for words in text], shown=title.where(title != "", first),
        opening=opening.str.slice(0, 180), haystack=(title + "\n" + text).str.casefold(),
    )  # fmt: skip


def _present(frame: pd.DataFrame) -> list[str]:
    return [c for c in [*_COLUMNS, "reason"] if c in frame.columns]


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    import pandas as pd

    plain: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, pd.Timestamp):
            plain[str(key)] = value.strftime("%Y-%m-%d")
        elif value is None or value is pd.NaT or (isinstance(value, float) and value != value):
            plain[str(key)] = ""
        else:
            plain[str(key)] = value.item() if hasattr(value, "item") else value
    return plain
