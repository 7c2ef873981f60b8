"""Texts that belong together (a series, a thread, near-duplicates): one split must hold them all."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from twin.records import Document
from twin.text.dedup import near_duplicates

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
# Below prepare's threshold two texts stay two; across a split's border they would still be learned by heart.
_ALIKE = 0.4
# A column that has run for years is no series: parts stand close in time, and no chain takes more than this share.
_APART = timedelta(days=45)
_LARGEST = 0.1
_PART = re.compile(
    r"[\s,:;(\[–—-]*(?:\b(?:part|pt|chapter|episode|day|volume|vol)\b\.?\s*(?:\d+|[ivx]+|one|two|three|four|five|six)"
    r"|#\d+|\(?\d+\s*(?:/|of)\s*\d+\)?)[\s)\]:.,–—-]*",
    re.IGNORECASE,
)
_THREADED = ("x", "mastodon")
_QUICK = timedelta(minutes=15)


def groups(documents: Sequence[Document]) -> list[list[Document]]:
    """Partition documents, oldest first inside a group and by a group's newest text among groups.

    Together are: numbered parts of one title, texts of one deep folder of a site, posts of one thread (minutes apart),
    each where neighbours stand within 45 days; and near-duplicates (Jaccard ≥ 0.4) whenever they appeared.
    """
    ordered = sorted(documents, key=lambda d: (_when(d), d.id))
    parent = {d.id: d.id for d in ordered}
    size = dict.fromkeys(parent, 1)
    largest = max(2, int(len(ordered) * _LARGEST))

    def root(key: str) -> str:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    def join(one: str, other: str, bounded: bool = True) -> None:
        a, b = root(one), root(other)
        if a != b and not (bounded and size[a] + size[b] > largest):
            parent[b] = a
            size[a] += size[b]

    for repeat, kept in near_duplicates({d.id: d.text for d in ordered}, _ALIKE).items():
        join(kept, repeat, bounded=False)
    for one, other in _neighbours(ordered):
        join(one.id, other.id)
    found: dict[str, list[Document]] = defaultdict(list)
    for document in ordered:
        found[root(document.id)].append(document)
    return sorted(found.values(), key=lambda g: (_when(g[-1]), g[-1].id))


def series(title: str) -> str:
    """What a numbered part's title shares with the other parts ('' for a title without a number)."""
    if not _PART.search(title):
        return ""
    # "Part 2: the harbour" and "Moving house, part 2": what stands before the number names the series, if anything does.
    before, after = _PART.split(title, maxsplit=1)
    return " ".join((before.strip() or after.strip()).lower().split())


def folder(url: str) -> str:
    """The folder of a page's address, '' where it is a site's own: dates and single-word sections are no series."""
    parts = urlsplit(url)
    above = [p for p in parts.path.strip("/").split("/")[:-1] if p and not p.isdigit()]
    return f"{parts.netloc}/{'/'.join(above)}" if len(above) >= 2 else ""


def _neighbours(ordered: Sequence[Document]) -> list[tuple[Document, Document]]:
    """Pairs next to each other in time among those that share a key."""
    last: dict[Hashable, Document] = {}
    pairs = []
    folders = _small_folders(ordered)
    for document in ordered:
        keys: list[tuple[Hashable, timedelta]] = []
        if name := series(document.title):
            keys.append((("title", document.source, name), _APART))
        if (place := folder(document.url)) in folders:
            keys.append((("folder", place), _APART))
        if document.source in _THREADED and document.published_at and document.register in ("post", "reply"):
            keys.append((("thread", document.source), _QUICK))
        for key, apart in keys:
            before = last.get(key)
            if before is not None and _when(document) - _when(before) <= apart:
                pairs.append((before, document))
            last[key] = document
    return pairs


def _small_folders(documents: Sequence[Document]) -> set[str]:
    count: dict[str, int] = defaultdict(int)
    for document in documents:
        count[folder(document.url)] += 1
    return {place for place, n in count.items() if place and 2 <= n <= max(3, len(documents) * _LARGEST)}


def _when(document: Document) -> datetime:
    return document.published_at or BEGINNING
