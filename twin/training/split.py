"""The split of an author's documents by time, made before anything is expanded from a document."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from twin.errors import DataError
from twin.records import Document

_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


def temporal_split(documents: Sequence[Document], train_share: float, validation_share: float) -> dict[str, str]:
    """Map document id → train, validation or test: oldest first, so that what is held out lies in the future.

    Undated documents count as oldest: they may inform training but never pose as the future. Shares are fractions of
    the number of documents; each split gets at least one. Raises DataError below three documents.
    """
    if len(documents) < 3:
        raise DataError("too few documents to split", len(documents), "At least 3 are needed: add a source.")
    ordered = sorted(documents, key=lambda d: (d.published_at or _BEGINNING, d.id))
    count = len(ordered)
    first = min(max(1, round(count * train_share)), count - 2)
    second = min(max(first + 1, round(count * (train_share + validation_share))), count - 1)
    names = ["train"] * first + ["validation"] * (second - first) + ["test"] * (count - second)
    return {document.id: name for document, name in zip(ordered, names, strict=True)}
