"""Long JSON read record by record: arrays anywhere in a file, lines, and the JavaScript that archives wrap them in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, TextIO

from twin.errors import SourceError
from twin.sources.archive import MAX_WHOLE_BYTES, Archive
from twin.sources.encodings import text_stream

MAX_DEPTH = 200
_PIECE = 2**20
_BLANK = re.compile(r"[\s,\ufeff]*")
_MEND = "Mend or remove that part, or export it again."


def records(archive: Archive, name: str, place: str = "item") -> Iterator[Any]:
    """The values at `place` (`item` is each of an array) of a JSON file or of one assigned to a JavaScript variable.

    Raises SourceError where the JSON breaks off or nests too deeply; what came before is given.
    """
    import ijson

    where = f"{archive.path}:{name}"
    with archive.open(name) as file:
        stream = _Value(file, where)
        try:
            if place == "item":
                yield from _array(stream)
            else:
                yield from _at(ijson.basic_parse(stream, use_float=True), place.split("."))
        except (ijson.JSONError, ValueError, OverflowError, RecursionError) as error:
            # What follows the whole value, such as a semicolon, is no part of it.
            if "trailing garbage" not in str(error):
                raise SourceError("a file is no whole JSON", f"{where} ({str(error)[:200]})", _MEND) from None


def _array(stream: _Value) -> Iterator[Any]:
    """Each value of the array that a file is: as much is held as the longest of them takes."""
    held = stream.text_piece().lstrip()
    if not held.startswith("["):
        raise ValueError("it does not begin as an array")
    decoder, place = json.JSONDecoder(), 1
    while True:
        place = _BLANK.match(held, place).end()  # type: ignore[union-attr]
        if held.startswith("]", place):
            return
        try:
            if place == len(held):
                raise json.JSONDecodeError("it ends within an array", held[-20:], 0)
            value, end = decoder.raw_decode(held, place)
        except json.JSONDecodeError as error:
            # Perhaps the value only goes on in the next piece; pieces grow, so that a long one is not tried too often.
            more = stream.text_piece(max(_PIECE, len(held)))
            if not more or len(held) > MAX_WHOLE_BYTES:
                raise ValueError(error.msg) from None
            held, place = held[place:] + more, 0
            continue
        yield value
        place = end


def _at(events: Iterable[tuple[str, Any]], wanted: list[str]) -> Iterator[Any]:
    """Values at a path, from the parser's events; its own path strings would grow with the square of the depth."""
    from ijson import ObjectBuilder

    path: list[str] = []
    builder: ObjectBuilder | None = None
    inner = 0
    for event, value in events:
        if event == "map_key" and builder is None:
            path[-1] = value
            continue
        starts, ends = event.startswith("start_"), event.startswith("end_")
        if builder is None and not ends and len(path) == len(wanted) and path == wanted:
            builder = ObjectBuilder()
        if builder is not None:
            builder.event(event, value)
            inner += starts - ends
            if not inner and event != "map_key":
                yield builder.value
                builder = None
        elif starts:
            path.append("item" if event == "start_array" else "")
        elif ends:
            path.pop()
        if len(path) + inner > MAX_DEPTH:
            raise ValueError(f"more than {MAX_DEPTH} values within one another")


def lines(text: TextIO, where: str) -> Iterator[tuple[int, Any]]:
    """Each line's number and value, or the ValueError it gave; only LF parts lines: others may stand in a string."""
    number = 0
    held = ""
    while line := text.readline(MAX_WHOLE_BYTES):
        # Read with its ends as they are, a line may also stop at a lone CR, which in JSON is no end.
        held += line
        if len(held) >= MAX_WHOLE_BYTES:
            raise SourceError("a line is longer than any text", f"{where}, line {number + 1}", _MEND)
        if line.endswith("\r"):
            continue
        number += 1
        plain, held = held.strip("\ufeff \r\n\t"), ""
        if plain:
            yield number, _loaded(plain)
    if plain := held.strip("\ufeff \r\n\t"):
        yield number + 1, _loaded(plain)


def _loaded(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        return ValueError(str(error)[:200])


class _Value:
    """A file from its JSON on: what it is assigned to in JavaScript is passed over."""

    def __init__(self, file: BinaryIO, where: str) -> None:
        self.text = text_stream(file, where)
        head = self.text.read(2**16).lstrip("\ufeff")
        assigned = re.match(r"\s*(?:(?:window|var|let|const)\b[.\s]*)?[\w.$\[\]\"']*\s*=\s*", head)
        self.first = head[assigned.end() :] if assigned else head

    def text_piece(self, size: int = _PIECE) -> str:
        """The next characters, empty at the end."""
        piece, self.first = self.first or self.text.read(size), ""
        return piece

    def read(self, size: int = -1) -> bytes:
        """The same as UTF-8, for a parser that reads bytes."""
        return b"" if size == 0 else self.text_piece().encode("utf-8", "surrogatepass")
