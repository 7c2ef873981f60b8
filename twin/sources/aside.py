"""Documents put aside until all writers of a site are known: in a temporary file, so that memory stays flat."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Self

from twin.records import Document


class Aside:
    """Documents with those who wrote them, as they come; the file goes with the block."""

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n")  # noqa: SIM115
        self.writers: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def __bool__(self) -> bool:
        return bool(self.writers)

    def add(self, writers: Sequence[str], document: Document) -> None:
        """Put one aside; without a writer its writer is ''."""
        names = list(writers) or [""]
        self.writers.update(names)
        row = document.as_row() | {"fetched_at": document.fetched_at.isoformat()}
        row["published_at"] = document.published_at.isoformat() if document.published_at else None
        self.file.write(json.dumps([names, row]) + "\n")

    def __iter__(self) -> Iterator[tuple[list[str], Document]]:
        """All of them in their order, with their writers."""
        self.file.seek(0)
        for line in self.file:
            names, row = json.loads(line)
            stamp = row["published_at"]
            row["published_at"] = datetime.fromisoformat(stamp) if stamp else None
            yield names, Document(**row | {"fetched_at": datetime.fromisoformat(row["fetched_at"])})
