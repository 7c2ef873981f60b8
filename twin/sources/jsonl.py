"""JSONL, JSON arrays and CSV with one text a row: columns as named, or guessed from their usual names."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from twin.errors import SourceError
from twin.records import PROVENANCES, REGISTERS
from twin.sources.archive import Archive
from twin.sources.encodings import decode, text_stream
from twin.sources.json_stream import lines, records
from twin.sources.reading import Item, Skipped, each, make, moment, short_hash
from twin.sources.table import column, parted

TERMS = "a table that the person handed in"

# So many lines that are no JSON, and none that is: this is no table of texts.
MAX_BROKEN = 1000

GUESSES: dict[str, tuple[str, ...]] = {
    "text": (
        "text", "body", "content", "markdown", "message", "post", "commentary", "sharecommentary", "fulltext", "posttext",
        "inhalt", "beitrag", "nachricht", "texte", "contenu", "texto", "contenido", "conteudo", "testo", "contenuto",
        "tekst", "tresc", "innehall", "metin", "текст", "сообщение", "正文", "内容", "文本", "本文", "نص",
    ),
    "id": ("id", "postid", "uid", "uuid", "slug", "guid", "key", "nr"),
    "title": (
        "title", "headline", "subject", "name", "titel", "uberschrift", "titre", "titulo", "titolo", "rubrik", "заголовок",
        "название", "标题", "標題",
    ),
    "date": (
        "date", "publishedat", "published", "publisheddate", "postdate", "createdat", "created", "time", "timestamp",
        "datetime", "datum", "fecha", "data", "tarih", "дата", "日期", "日付",
    ),
    "url": ("url", "link", "permalink", "canonicalurl", "href", "sharelink", "enlace", "lien", "ссылка", "链接"),
    "register": ("register",),
    "provenance": ("provenance",),
    "complete": ("complete",),
}  # fmt: skip


def read_rows(
    archive: Archive, author: str, fetched_at: datetime, columns: Mapping[Any, str] | None = None
) -> Iterator[Item]:
    """Documents of every .jsonl, .ndjson, .json, .csv and .tsv file; ids are `jsonl:<id column, else a hash>`.

    `columns` maps id, title, date, text, url, register, provenance, complete to column names. A line that is no
    JSON is skipped. Raises SourceError naming it when no line is, or the columns there are when none holds the text.
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
    yield from each(names, partial(_read, archive, author, fetched_at, dict(columns or {})))


def _read(archive: Archive, author: str, fetched_at: datetime, columns: dict[str, str], name: str) -> Iterator[Item]:
    where = f"{archive.path}:{name}" if len(archive.names) > 1 else str(archive.path)
    suffix = PurePosixPath(name).suffix.lower()
    rows = _csv_rows(archive, name, where, columns) if suffix in (".csv", ".tsv") else json_rows(archive, name, where)
    yield from _documents(rows, where, author, fetched_at, columns)


def _documents(
    rows: Iterator[tuple[int, Any]], where: str, author: str, fetched_at: datetime, columns: dict[str, str]
) -> Iterator[Item]:
    bad: tuple[str, str] | None = None
    good, broken = False, 0
    for number, row in rows:
        if not isinstance(row, dict):
            why = f"{where}, line {number}" + (f" ({row})" if isinstance(row, ValueError) else "")
            bad = bad or ("a line is no JSON" if isinstance(row, ValueError) else "a line is no JSON object", why)
            yield Skipped(what=why, reason="unreadable: a line is no JSON object")
            broken += 1
            if broken > MAX_BROKEN and not good:
                break
            continue
        values = _values(row, columns)
        if "text" not in values:
            if not good:
                _no_text(where, row, columns)
            yield Skipped(what=f"{where}, row {number}", reason="a row without a text column")
            continue
        good = True
        text = _words(values["text"])
        if not text.strip():
            yield Skipped(what=f"{where}, row {number}", reason="a row without words")
            continue
        title = " ".join(_words(values.get("title")).split())
        register, provenance = str(values.get("register") or ""), str(values.get("provenance") or "")
        yield make(
            "jsonl", str(values.get("id") or short_hash(title, text)), author, fetched_at,
            register=register if register in REGISTERS else ("article" if title else "post"),
            text=text, title=title, url=str(values.get("url") or ""), published_at=moment(values.get("date")),
            provenance=provenance if provenance in PROVENANCES else "own",
            complete=str(values.get("complete", True)).lower() not in ("false", "0", "no"),
        )  # fmt: skip
    if bad and not good:
        raise SourceError(*bad, "Mend or remove that line: each is an object with a text in it.")


def _words(value: Any) -> str:
    """A text as it stands; WordPress' programming interface gives HTML under `rendered`."""
    if isinstance(value, dict) and isinstance(value.get("rendered"), str):
        from twin.sources.markdown import to_markdown
        from twin.text.markup import parse

        page = parse(value["rendered"])
        return to_markdown(page.body or page)
    return value if isinstance(value, str) else ""


def _values(row: dict[str, Any], columns: dict[str, str]) -> dict[str, Any]:
    by_name = {column(key): key for key in row}
    found = {}
    for field, guesses in GUESSES.items():
        key = columns.get(field) or next((by_name[g] for g in guesses if g in by_name), None)
        if key is not None and row.get(key) is not None:
            found[field] = row[key]
    return found


def json_rows(archive: Archive, name: str, where: str) -> Iterator[tuple[int, Any]]:
    """Each value with its number: of an array, of lines, or of the one object that a file is."""
    with archive.open(name) as file:
        start = text_stream(file, where).read(4096).lstrip("\ufeff \n\r\t")
    if start.startswith("["):
        yield from enumerate(records(archive, name), 1)
        return
    whole = _one_object(archive, name, where) if name.lower().endswith(".json") else None
    if whole is not None:
        yield from enumerate(whole, 1)
        return
    with archive.open(name) as file:
        for number, value in lines(text_stream(file, where), where):
            yield from ((number, one) for one in (value if isinstance(value, list) else [value]))


def _one_object(archive: Archive, name: str, where: str) -> list[Any] | None:
    """The list of objects within a file that is one object, or that object alone; None where it is not one."""
    try:
        value = json.loads(decode(archive.read(name), where).lstrip("\ufeff"))
    except (ValueError, RecursionError):
        return None
    if "text" in (own := _values(value, {})) and len(own) > 1:
        # A text with lists in it (answers, pictures) is a text: what is in the lists may be others'.
        return [value]
    lists = [v for v in value.values() if isinstance(v, list) and v and isinstance(v[0], dict)]
    return max(lists, key=len) if lists else [value]


def _csv_rows(archive: Archive, name: str, where: str, columns: dict[str, str]) -> Iterator[tuple[int, Any]]:
    with archive.open(name) as file:
        mark, rows = parted(text_stream(file, where), where)
        names = next(rows, [])
        told = _values({cell: cell for cell in names}, columns).get("text")
        place = names.index(told) if told in names else -1
        for number, row in enumerate(rows, 1):
            if row:
                yield number, dict(zip(names, _mended(row, len(names), place, mark), strict=False))


def _mended(row: list[str], width: int, place: int, mark: str) -> list[str]:
    """The row with as many cells as there are columns: an unquoted text is split where it holds the mark."""
    more = len(row) - width
    if place < 0 or more <= 0 or not any(cell.strip() for cell in row[width:]):
        return row
    return [*row[:place], mark.join(row[place : place + more + 1]), *row[place + more + 1 :]]


def _no_text(where: str, row: dict[str, Any], columns: dict[str, str]) -> None:
    wanted = columns.get("text") or " or ".join(GUESSES["text"][:4])
    raise SourceError(
        "a table has no column with the text", f"{where} (looked for {wanted}; it has {', '.join(map(str, row))})",
        "Name it: `columns: {text: NAME}` in the source's entry in params.yaml.",
    )  # fmt: skip
