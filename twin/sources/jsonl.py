"""JSONL, JSON arrays and CSV with one text a row: columns as named, or guessed from their usual names."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from twin.errors import SourceError
from twin.records import PROVENANCES, REGISTERS
from twin.sources.archive import Archive
from twin.sources.reading import Item, Skipped, decode, make, moment, short_hash
from twin.sources.table import cells, column

TERMS = "a table that the person handed in"

GUESSES: dict[str, tuple[str, ...]] = {
    "text": ("text", "body", "content", "markdown", "message", "post", "commentary", "sharecommentary", "fulltext"),
    "id": ("id", "postid", "uid", "slug", "guid", "key"),
    "title": ("title", "headline", "subject", "name"),
    "date": ("date", "publishedat", "published", "postdate", "createdat", "created", "time", "timestamp", "datetime"),
    "url": ("url", "link", "permalink", "canonicalurl", "href", "sharelink"),
    "register": ("register",),
    "provenance": ("provenance",),
    "complete": ("complete",),
}


def read_rows(
    archive: Archive, author: str, fetched_at: datetime, columns: Mapping[Any, str] | None = None
) -> Iterator[Item]:
    """Documents of every .jsonl, .ndjson, .json, .csv and .tsv file; ids are `jsonl:<id column, else a hash>`.

    `columns` maps id, title, date, text, url, register, provenance, complete to column names. Raises SourceError naming
    the line that is no JSON, or the columns there are when none holds the text.
    """
    names = [
        n for n in archive.names if PurePosixPath(n).suffix.lower() in (".jsonl", ".ndjson", ".json", ".csv", ".tsv")
    ]
    if not names:
        raise SourceError(
            "there is no table",
            f"{archive.path} (.jsonl, .ndjson, .json, .csv, .tsv)",
            "Name a file with one text a row.",
        )
    for name in names:
        where = f"{archive.path}:{name}" if len(archive.names) > 1 else str(archive.path)
        text = decode(archive.read(name), where)
        tabular = PurePosixPath(name).suffix.lower() in (".csv", ".tsv")
        rows = _csv_rows(text, where) if tabular else _json_rows(text, where)
        yield from _documents(rows, where, author, fetched_at, dict(columns or {}))


def _documents(
    rows: Iterator[dict[str, Any]], where: str, author: str, fetched_at: datetime, columns: dict[str, str]
) -> Iterator[Item]:
    for number, row in enumerate(rows, 1):
        values = _values(row, columns)
        if "text" not in values:
            if number == 1:
                _no_text(where, row, columns)
            yield Skipped(what=f"{where}, row {number}", reason="a row without a text column")
            continue
        text = values["text"] if isinstance(values["text"], str) else ""
        if not text.strip():
            yield Skipped(what=f"{where}, row {number}", reason="a row without words")
            continue
        title = str(values.get("title") or "")
        register, provenance = str(values.get("register") or ""), str(values.get("provenance") or "")
        yield make(
            "jsonl", str(values.get("id") or short_hash(title, text)), author, fetched_at,
            register=register if register in REGISTERS else ("article" if title else "post"),
            text=text, title=title, url=str(values.get("url") or ""), published_at=_moment(values.get("date")),
            provenance=provenance if provenance in PROVENANCES else "own",
            complete=str(values.get("complete", True)).lower() not in ("false", "0", "no"),
        )  # fmt: skip


def _values(row: dict[str, Any], columns: dict[str, str]) -> dict[str, Any]:
    by_name = {column(key): key for key in row}
    found = {}
    for field, guesses in GUESSES.items():
        key = columns.get(field) or next((by_name[g] for g in guesses if g in by_name), None)
        if key is not None and row.get(key) is not None:
            found[field] = row[key]
    return found


def _moment(value: Any) -> datetime | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # Seconds since 1970, or milliseconds where seconds would lie beyond the year 5000.
        seconds = value / 1000 if value > 1e11 else value
        try:
            return moment(datetime.fromtimestamp(seconds).astimezone())
        except (ValueError, OverflowError, OSError):
            return None
    return moment(value)


def _json_rows(text: str, where: str) -> Iterator[dict[str, Any]]:
    if text.lstrip("\ufeff \n\r\t").startswith("["):
        values = [(1, text)]
    else:
        # Only LF parts lines: U+2028 and the like may stand inside a JSON string.
        values = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip("\ufeff \r\t")]
    for number, line in values:
        try:
            value = json.loads(line.strip("\ufeff"))
        except (ValueError, RecursionError) as error:
            raise SourceError(
                "a line is no JSON", f"{where}, line {number} ({error})", "Mend or remove that line."
            ) from None
        for row in value if isinstance(value, list) else [value]:
            if not isinstance(row, dict):
                raise SourceError(
                    "a line is no JSON object", f"{where}, line {number}", "Each line is an object with a text in it."
                )
            yield row


def _csv_rows(text: str, where: str) -> Iterator[dict[str, Any]]:
    rows = cells(text, where)
    names = next(rows, [])
    for row in rows:
        if row:
            yield dict(zip(names, row, strict=False))


def _no_text(where: str, row: dict[str, Any], columns: dict[str, str]) -> None:
    wanted = columns.get("text") or " or ".join(GUESSES["text"][:4])
    raise SourceError(
        "a table has no column with the text", f"{where} (looked for {wanted}; it has {', '.join(map(str, row))})",
        "Name it: `columns: {text: NAME}` in the source's entry in params.yaml.",
    )  # fmt: skip
