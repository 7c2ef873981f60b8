"""The slow part of prepare, batch by batch, in this process or in two beside it; the order stays."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twin import tables
from twin.params import Params
from twin.records import Document
from twin.text.dedup import bands, shingles
from twin.text.refine import Counts, Policy, refine

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

# Below this many texts a second process costs more to start than it gives.
_WORTH = 8000
_MOST = 2


@dataclass(slots=True)
class Made:
    """What became of one batch: texts ready with their own words and sketches, and those set aside with the reason."""

    passed: list[tuple[Document, int]] = field(default_factory=list)
    sketches: list[tuple[NDArray[np.uint32], NDArray[np.uint64]]] = field(default_factory=list)
    refused: list[tuple[Document, str]] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)


def policy_of(params: Params) -> tuple[Policy, float]:
    """The policy for single texts, and the similarity from which bands are made."""
    own = params.prepare
    policy = Policy(
        min_words=own.min_words, quotes=own.quotes, code=own.code, own_share=own.own_share, languages=own.languages,
        mask=own.mask, own_contacts=own.own_contacts, language=params.author.language,
    )  # fmt: skip
    return policy, min(own.near_duplicate, own.edited_copy)


class Crew:
    """Whoever makes batches ready: two processes, started at once so that they get ready meanwhile, or this one alone.

    Use it in a `with`. `total` is how many texts there will be at most.
    """

    def __init__(self, total: int, policy: tuple[Policy, float]) -> None:
        self._policy = policy
        self._pool: ProcessPoolExecutor | None = None
        workers = min(_MOST, os.cpu_count() or 1)
        if total < _WORTH or workers < 2:
            return
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        # Spawned, not forked: whoever calls may have threads.
        self._pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin)
        for _ in range(workers):
            self._pool.submit(_nothing)

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes; what they have not begun is left undone."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def refined(self, frames: Iterator[pd.DataFrame], keys: dict[str, frozenset[int]]) -> Iterator[Made]:
        """Every batch made ready, in order; at most a few batches are in memory at a time."""
        if self._pool is None:
            yield from (_batch(frame, keys, self._policy) for frame in frames)
            return
        waiting: deque[Future[Made]] = deque()
        for frame in frames:
            waiting.append(self._pool.submit(_batch, frame, keys, self._policy))
            if len(waiting) > 2 * _MOST:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
        self.close()


def _begin() -> None:
    """Load what every text needs before the first one comes."""
    from twin.text import clean, language, masks, privacy

    clean.mend_mojibake("â€™")
    language.detect("The first sentence only wakes what tells languages apart.", "en")
    privacy.mask("a@b.io, +44 20 7946 0958", masks.KINDS)
    bands(shingles("one"), 0.5)


def _nothing() -> None:
    """A process of the pool starts with its first task."""


def _batch(frame: pd.DataFrame, keys: dict[str, frozenset[int]], policy: tuple[Policy, float]) -> Made:
    made = Made()
    for document in tables.documents_from(frame):
        own = keys.get(f"{document.source}/{document.register}", frozenset())
        fresh, words, reason = refine(document, own, policy[0], made.counts)
        if reason:
            made.refused.append((fresh, reason))
            continue
        marks = shingles(fresh.text)
        made.passed.append((fresh, words))
        made.sketches.append((marks, bands(marks, policy[1])))
    return made
