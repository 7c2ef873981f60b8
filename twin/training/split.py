"""The split of an author's documents by time, made before anything is expanded from a document."""

from __future__ import annotations

from collections.abc import Sequence

from twin.errors import DataError
from twin.records import Document
from twin.training.groups import BEGINNING, groups

SPLITS = ("train", "validation", "test")


def temporal_split(documents: Sequence[Document], train_share: float, validation_share: float) -> dict[str, str]:
    """Map document id → train, validation or test: oldest first, so that what is held out lies in the future.

    Series, threads and near-duplicates stay in one split, that of their newest text: nothing is learned that is newer
    than a held-out text it belongs to. Undated documents count as oldest: they may inform training but never pose as
    the future. Shares are fractions of the number of documents; each split gets at least one. Raises DataError for
    fewer than three documents.
    """
    if len(documents) < 3:
        raise DataError("too few documents to split", len(documents), "At least 3 are needed: add a source.")
    # With so few, keeping a series together would leave a split empty.
    found = groups(documents)
    if len(found) < 3:
        found = [[d] for d in sorted(documents, key=lambda d: (d.published_at or BEGINNING, d.id))]
    borders = _borders([len(g) for g in found], train_share, validation_share)
    names = [SPLITS[(i >= borders[0]) + (i >= borders[1])] for i in range(len(found))]
    return {document.id: name for group, name in zip(found, names, strict=True) for document in group}


def _borders(sizes: Sequence[int], train_share: float, validation_share: float) -> tuple[int, int]:
    """Group indices where validation and test begin: where the documents before come nearest to the shares."""
    total, before = sum(sizes), [0]
    for size in sizes:
        before.append(before[-1] + size)

    def nearest(share: float) -> int:
        return min(range(len(before)), key=lambda i: (abs(before[i] - round(total * share)), i))

    first = min(max(1, nearest(train_share)), len(sizes) - 2)
    return first, min(max(first + 1, nearest(train_share + validation_share)), len(sizes) - 1)
