"""Text that a person pasted: one text, or several parted by lines of five or more equals signs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial

from twin.sources.archive import Archive
from twin.sources.reading import Item, Skipped, decode, each, make, short_hash, unix_lines

TERMS = "text that the person pasted"

_PARTED = re.compile(r"^={5,}[ \t]*\n", re.MULTILINE)
_HEADING = re.compile(r"\A\s*# (.+)\n")


def read_paste(archive: Archive, author: str, fetched_at: datetime) -> Iterator[Item]:
    """Documents of every file below `archive`; ids are `paste:<hash of the text>`.

    A text that opens with a heading (`# Title`) is an article of that title, any other is a post. Raises SourceError
    when nothing can be read.
    """
    yield from each(archive.names, partial(_texts, archive, author, fetched_at))


def _texts(archive: Archive, author: str, fetched_at: datetime, name: str) -> Iterator[Item]:
    # A line of equals signs right below words is a heading's in Markdown: only one after an empty line parts texts.
    whole = unix_lines(decode(archive.read(name), name)).removeprefix("\ufeff")
    for number, part in enumerate(_PARTED.split(re.sub(r"(?<=[^\n]\n)(?==)", "\0", whole)), 1):
        text = part.replace("\0", "").strip("\n")
        if not text.strip():
            yield Skipped(what=f"{name}, text {number}", reason="a text without words")
            continue
        heading = _HEADING.match(text)
        body = text[heading.end() :].strip("\n") if heading else text
        yield make(
            "paste", short_hash(text), author, fetched_at, register="article" if heading and body else "post",
            text=body or text, title=heading[1].strip() if heading and body else "",
        )  # fmt: skip
