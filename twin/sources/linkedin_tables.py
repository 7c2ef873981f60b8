"""LinkedIn's CSV files of 2018 to 2026 as rows by column name: quoting, wrapped lines and lost quotes undone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice

from twin.errors import SourceError
from twin.sources.reading import unix_lines
from twin.sources.table import cells, column

SHARE_COLUMNS = ("date", "sharelink", "sharecommentary")
COMMENT_COLUMNS = ("date", "link", "message")
MEDIA_COLUMNS = ("datetime", "mediadescription", "medialink")

# Where date, link and text stand in a table of so many columns, for headers in a language that is not English.
_PLACES: dict[tuple[str, str, str], dict[int, tuple[int, int, int]]] = {
    SHARE_COLUMNS: {6: (0, 1, 2), 9: (0, 3, 4)},
    COMMENT_COLUMNS: {3: (0, 1, 2)},
    MEDIA_COLUMNS: {},
}
_STAMP = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}[ T]\d{1,2}:\d{2}|\d{1,2}[/.]\d{1,2}[/.]\d{2,4},? \d{1,2}:\d{2}")
_POST = re.compile(r"https://www\.linkedin\.com/feed/update/", re.IGNORECASE)
_INNER = re.compile(r'(?<=")\n(?=")')
_VISIBILITY = re.compile(r"[A-Z]+(_[A-Z]+)*")


@dataclass(frozen=True, slots=True)
class _Table:
    """The kind of a table by its `columns`, how many it has, and where date, link and text stand."""

    columns: tuple[str, str, str]
    width: int
    places: tuple[int, int, int]


def rows(text: str, where: str, columns: tuple[str, str, str]) -> Iterator[dict[str, str]]:
    """Rows by `columns` (date, link, text), the text as its author typed it.

    Lines that lost their quotes run on from the row before. Raises SourceError when the columns are not there.
    """
    table = cells(_doubled(text) if _has_backslash_quotes(text) else text, where)
    kind, ahead = _header(table, where, columns)
    date, link, text_place = kind.places
    found: list[tuple[str, str, list[str]]] = []
    for row in chain(ahead, table):
        if _begins(row, kind):
            found.append((row[date].strip(), row[link].strip(), [_text(row, text_place, kind.width)]))
        elif found:
            found[-1][2].append(_continued(row, kind.width - text_place - 1))
    texts = [unix_lines("\n".join(lines)) for _, _, lines in found]
    wrapped = _is_wrapped(texts)
    for (stamp, address, lines), words in zip(found, texts, strict=True):
        # The exporter ends no line of its own: an empty line after a run-on text is the file's, not the author's.
        whole = words.rstrip("\n") if len(lines) > 1 else words
        yield dict(zip(columns, (stamp, address, _unwrap(whole) if wrapped else whole), strict=True))


def told(head: bytes, where: str) -> str:
    """What the table that begins so is: shares, comments, media, `comments?` by its places alone, or nothing of these."""
    try:
        rows_there = [
            row for row in islice(cells(head.decode("utf-8", "replace"), where), 9) if any(map(str.strip, row))
        ]
    except SourceError:
        return ""
    names = {column(name) for name in rows_there[0]} if rows_there else set()
    for kind, columns in (("shares", SHARE_COLUMNS), ("media", MEDIA_COLUMNS), ("comments", COMMENT_COLUMNS)):
        if names >= {columns[0], columns[2]} and (columns is not COMMENT_COLUMNS or len(names) == 3):
            return kind
    if len(rows_there) < 2 or not _STAMP.match(rows_there[1][0]):
        return ""
    for kind, columns in (("shares", SHARE_COLUMNS), ("comments?", COMMENT_COLUMNS)):
        places = _PLACES[columns].get(len(rows_there[0]))
        if places and len(rows_there[1]) > places[2] and _POST.match(rows_there[1][places[1]].strip()):
            return kind
    return ""


def unwrapped(texts: list[str]) -> list[str]:
    """Texts of one answer of the API, freed of the quotes that LinkedIn's exporter puts around inner lines."""
    plain = [unix_lines(text) for text in texts]
    return [_unwrap(text) for text in plain] if _is_wrapped(plain) else plain


def _header(table: Iterator[list[str]], where: str, columns: tuple[str, str, str]) -> tuple[_Table, list[list[str]]]:
    """What the first lines say of the table, and those of them that are rows already."""
    names = next((row for row in table if any(cell.strip() for cell in row)), [])
    known = [column(name) for name in names]
    if all(name in known for name in (columns[0], columns[2])):
        link = known.index(columns[1]) if columns[1] in known else known.index(columns[0])
        return _Table(columns, len(names), (known.index(columns[0]), link, known.index(columns[2]))), []
    places = _PLACES[columns].get(len(names))
    following = next((row for row in table if any(cell.strip() for cell in row)), [])
    # A header in another language is known by what stands below it: a date and a link where they are in this table.
    if places and len(following) > places[2] and _STAMP.match(following[0]) and following[places[1]].startswith("http"):
        return _Table(columns, len(names), places), [following]
    raise SourceError(
        "a table lacks its columns",
        f"{where} (needed: {', '.join(columns)}; it has {', '.join(names)[:200] or 'nothing'})",
        "Export it again.",
    )


def _begins(row: list[str], kind: _Table) -> bool:
    date, link, _ = kind.places
    if len(row) <= max(date, link):
        return False
    if kind.columns is MEDIA_COLUMNS:
        return True
    named = row[link].strip().startswith("http") and link != date
    stamped = bool(_STAMP.match(row[date].strip()))
    return (stamped and (named or link == date or not row[link].strip())) or (named and not row[date].strip())


def _text(row: list[str], place: int, width: int) -> str:
    # Commas of an unquoted text split it into cells: in the last column they belong to it.
    return ",".join(row[place:]) if place == width - 1 else (row[place] if place < len(row) else "")


def _continued(row: list[str], after: int) -> str:
    ends = after and len(row) > after and _VISIBILITY.fullmatch(row[-1])
    return ",".join(row[:-after] if ends else row)


def _has_backslash_quotes(text: str) -> bool:
    # Where quotes are doubled, a backslash and one quote can only end a cell.
    return re.search(r'\\"(?![",;\t\r\n]|$)', text) is not None


def _doubled(text: str) -> str:
    return re.sub(r'\\(["\\])', lambda m: '""' if m[1] == '"' else "\\", text)


def _is_wrapped(texts: list[str]) -> bool:
    """Whether the exporter put every inner line into quotes of its own, as it does since 2024."""
    ends = sum(text.count("\n") for text in texts)
    quoted = sum(len(_INNER.findall(text)) for text in texts)
    return quoted > 0 and quoted * 2 > ends


def _unwrap(text: str) -> str:
    if text.count("\n") != len(_INNER.findall(text)):
        return text
    # An empty line has quotes of its own, or shares them with its neighbours.
    return re.sub(r'"((?:\n")+)', lambda found: found[1].replace('"', ""), text)
