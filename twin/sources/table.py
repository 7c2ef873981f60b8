"""CSV as sites and spreadsheets write it: any of three separators, a preamble, column names in any spelling."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain
from typing import Any, TextIO

from twin.errors import SourceError

MAX_CELL = 8 * 2**20


def cells(text: str | TextIO, where: str) -> Iterator[list[str]]:
    """The rows, an empty line being an empty row; raises SourceError naming the line that can't be read."""
    yield from parted(text, where)[1]


def parted(text: str | TextIO, where: str) -> tuple[str, Iterator[list[str]]]:
    """What parts the cells, and the rows as `cells` gives them."""
    csv.field_size_limit(MAX_CELL)
    lines = io.StringIO(text, newline="") if isinstance(text, str) else text
    try:
        first = _first(lines)
        # A spreadsheet may say in a line of its own what parts its cells.
        named = re.fullmatch(r"sep=(.)\s*", first)
        first = _first(lines) if named else first
        mark = named[1] if named else max(",\t;", key=first.count)
        return mark, _rows(csv.reader(chain([first], lines), delimiter=mark), where)
    except (TypeError, ValueError) as error:
        raise SourceError("a table can't be read", f"{where} ({error})", "Export it again.") from None


def _rows(reader: Any, where: str) -> Iterator[list[str]]:
    try:
        yield from reader
    except (csv.Error, ValueError) as error:
        raise SourceError(
            "a table can't be read", f"{where}, line {reader.line_num} ({error})", "Export it again."
        ) from None


def _first(lines: TextIO) -> str:
    """The first line with something in it, without a byte order mark."""
    while line := lines.readline(MAX_CELL):
        if plain := line.lstrip("\ufeff\r\n"):
            return plain
    return ""


@lru_cache(1024)  # asked for every row anew
def column(name: str) -> str:
    """A column's name as it is matched: `Share Commentary` and `ShareCommentary` are one, `Título` is `titulo`."""
    folded = unicodedata.normalize("NFKD", name).casefold()
    return re.sub(r"[\W_]", "", "".join(c for c in folded if not unicodedata.combining(c)))


def named_rows(rows: Iterable[list[str]], where: str, needed: set[str]) -> Iterator[dict[str, str]]:
    """Rows as dicts by `column` names; lines before the header are passed over. Raises SourceError without a header."""
    names: list[str] = []
    for row in rows:
        if not names:
            found = [column(cell) for cell in row]
            names = found if needed <= set(found) else []
        elif any(cell.strip() for cell in row):
            yield dict(zip(names, [*row, *[""] * (len(names) - len(row))], strict=False))
    if not names:
        raise SourceError(
            "a table lacks its columns",
            f"{where} (needed: {', '.join(sorted(needed))})",
            "Export it again, or name the columns.",
        )
