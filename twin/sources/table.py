"""CSV as sites and spreadsheets write it: any of three separators, a preamble, column names in any spelling."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator

from twin.errors import SourceError

MAX_CELL = 8 * 2**20


def cells(text: str, where: str) -> Iterator[list[str]]:
    """The rows, an empty line being an empty row; raises SourceError naming the line that can't be read."""
    csv.field_size_limit(MAX_CELL)
    head = text.lstrip("\ufeff\r\n")
    first = head.split("\n", 1)[0]
    delimiter = max("\t,;", key=first.count)
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=delimiter)
    try:
        yield from reader
    except csv.Error as error:
        raise SourceError(
            "a table can't be read", f"{where}, line {reader.line_num} ({error})", "Export it again."
        ) from None


def column(name: str) -> str:
    """A column's name as it is matched: `Share Commentary` and `ShareCommentary` are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


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
