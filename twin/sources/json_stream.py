"""Long JSON read record by record: arrays anywhere in a file, lines, and the JavaScript that archives wrap them in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, TextIO

from twin.errors import SourceError
from twin.sources.archive import MAX_WHOLE_BYTES, Archive
from twin.sources.encodings import text_stream

_MEND = "Mend or remove that part, or export it again."


def records(archive: Archive, name: str, place: str = "item") -> Iterator[Any]:
    """The values at `place` (as ijson spells it) of a JSON file or of one assigned to a JavaScript variable.

    Raises SourceError where the JSON breaks off; what came before is given.
    """
    import ijson

    where = f"{archive.path}:{name}"
    with archive.open(name) as file:
        stream = _Bytes(file, where)
        try:
            yield from ijson.items(stream, place, use_float=True)
        except (ijson.JSONError, ValueError, OverflowError, RecursionError) as error:
            # What follows the whole value, such as a semicolon, is no part of it.
            if "trailing garbage" not in str(error):
                raise SourceError("a file is no whole JSON", f"{where} ({str(error)[:200]})", _MEND) from None


def lines(text: TextIO, where: str) -> Iterator[tuple[int, Any]]:
    """Each line's number and value, or the ValueError it gave; only LF parts lines: others may stand in a string."""
    number = 0
    while line := text.readline(MAX_WHOLE_BYTES):
        number += 1
        if len(line) >= MAX_WHOLE_BYTES:
            raise SourceError("a line is longer than any text", f"{where}, line {number}", _MEND)
        if plain := line.strip("\ufeff \r\n\t"):
            try:
                yield number, json.loads(plain)
            except (ValueError, RecursionError) as error:
                yield number, ValueError(str(error)[:200])


class _Bytes:
    """A file as UTF-8 from its first bracket on, whatever its encoding."""

    def __init__(self, file: BinaryIO, where: str) -> None:
        self.text = text_stream(file, where)
        self.first = ""
        head = self.text.read(2**16).lstrip("\ufeff")
        assigned = re.match(r"\s*(?:(?:window|var|let|const)\b[.\s]*)?[\w.$\[\]\"']*\s*=\s*", head)
        self.first = head[assigned.end() :] if assigned else head

    def read(self, size: int = -1) -> bytes:
        if size == 0:
            return b""
        piece, self.first = self.first or self.text.read(2**16), ""
        return piece.encode("utf-8", "surrogatepass")
