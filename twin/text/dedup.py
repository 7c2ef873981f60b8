"""Near-duplicates by MinHash LSH (Broder, 1997; datasketch): one text published twice, or edited on its way, is one."""

from __future__ import annotations

import os
import tempfile
import unicodedata
import zlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from twin.text.clean import LINK, UNSPACED, URL, WORD

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PERMUTATIONS = 128
_SHINGLE = 4
_LETTERS = 6
_MOST_COMPARED = 50
_ODD = 0x9E3779B97F4A7C15


def shingles(text: str) -> NDArray[np.uint32]:
    """Sorted hashes of every run of four words, formatting, punctuation, links and letters' case left out.

    Runs of six characters where a script has no spaces; of the whole text when it is shorter.
    """
    import numpy as np

    plain = unicodedata.normalize("NFKC", URL.sub(" ", LINK.sub(r"\1", text))).casefold()
    # Letter accents stay: they are words' own. Emoji and marks of formatting differ from platform to platform.
    found = WORD.findall(plain)
    if not plain.isascii() and len(UNSPACED.findall(plain)) * 3 > len(plain):
        return _runs(np.frombuffer("".join(found).encode("utf-32-le", "surrogatepass"), np.uint32), _LETTERS)
    marks = [zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in found]
    return _runs(np.array(marks, np.uint32), _SHINGLE)


def _runs(parts: NDArray[np.uint32], length: int) -> NDArray[np.uint32]:
    """Sorted hashes of every run of `length` parts; of all of them where there are fewer."""
    import numpy as np

    size = min(length, len(parts))
    count = len(parts) - size + 1
    whole = np.zeros(count, np.uint64)
    for place in range(size):
        whole = (whole ^ parts[place : place + count]) * np.uint64(_ODD)
        whole ^= whole >> np.uint64(29)
    return np.unique((whole >> np.uint64(32)).astype(np.uint32))


def bands(marks: NDArray[np.uint32], threshold: float) -> NDArray[np.uint64]:
    """One 64-bit number a band of the marks' MinHash; texts alike from `threshold` share one with high probability."""
    import numpy as np
    from datasketch import MinHash

    count, rows = _banding(threshold)
    sketch = MinHash(_PERMUTATIONS, hashfunc=int, permutations=_permutations(), scheme="affine32")
    sketch.update_batch(marks.tolist())
    values = sketch.hashvalues[: count * rows].astype(np.uint64).reshape(count, rows)
    numbers: NDArray[np.uint64] = (values * _weights(rows)).sum(axis=1, dtype=np.uint64)
    return numbers ^ np.arange(count, dtype=np.uint64)


class Copies:
    """Texts added one by one, then asked which repeat a better one. In memory: bands and offsets, ~230 bytes a text.

    Shingles lie in an unnamed temporary file and are read again only for texts that share a band.
    """

    def __init__(self, near: float, edited: float) -> None:
        self.near, self.edited = near, min(near, edited)
        self._bands = array("Q")
        self._ends = array("Q", [0])
        self._file = tempfile.TemporaryFile()  # noqa: SIM115

    def close(self) -> None:
        """Give the temporary file back."""
        self._file.close()

    def sketch(self, text: str) -> tuple[NDArray[np.uint32], NDArray[np.uint64]]:
        """What `add` takes: pure, so that another process may make it."""
        marks = shingles(text)
        return marks, bands(marks, self.edited)

    def add(self, marks: NDArray[np.uint32], numbers: NDArray[np.uint64]) -> None:
        """Add the next text; texts are known by their place in this order, from 0."""
        self._file.write(marks.tobytes())
        self._ends.append(self._ends[-1] + marks.nbytes)
        self._bands.frombytes(numbers.tobytes())

    def repeats(self, order: Sequence[int], places: Sequence[int]) -> dict[int, tuple[int, float]]:
        """Map each text that repeats a better one to that one and their similarity (exact Jaccard of shingles).

        `order` holds the texts, best first; `places` a number for each text's source: texts of one source are copies
        from `near` on, texts of two sources from `edited` on, for platforms ask for edits.
        """
        self._file.flush()
        groups = self._groups()
        kept: dict[int, list[int]] = defaultdict(list)
        found: dict[int, tuple[int, float]] = {}
        for text in order:
            if text not in groups:
                continue
            likely = Counter(other for group in groups[text] for other in kept[group])
            best = (0.0, -1)
            for other, _ in likely.most_common(_MOST_COMPARED):
                similarity = self._similarity(text, other)
                needed = self.near if places[text] == places[other] else self.edited
                if similarity >= needed and (similarity, -other) > (best[0], -best[1]):
                    best = (similarity, other)
            if best[1] >= 0:
                found[text] = (best[1], best[0])
                continue
            for group in groups[text]:
                kept[group].append(text)
        return found

    def _groups(self) -> dict[int, list[int]]:
        """Text → the numbers of the bands that it shares with another text."""
        import numpy as np

        count, _ = _banding(self.edited)
        table = np.frombuffer(self._bands, np.uint64).reshape(-1, count)
        groups: dict[int, list[int]] = defaultdict(list)
        number = 0
        for band in range(count):
            column = table[:, band]
            order = np.argsort(column, kind="stable")
            ordered = column[order]
            starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])) if len(ordered) else ordered
            sizes = np.diff(np.append(starts, len(ordered))) if len(ordered) else starts
            for shared in np.flatnonzero(sizes > 1):
                number += 1
                for text in order[int(starts[shared]) : int(starts[shared] + sizes[shared])]:
                    groups[int(text)].append(number)
        return groups

    def _similarity(self, one: int, other: int) -> float:
        import numpy as np

        a, b = self._marks(one), self._marks(other)
        shared = len(np.intersect1d(a, b, assume_unique=True))
        return shared / (len(a) + len(b) - shared)

    def _marks(self, text: int) -> NDArray[np.uint32]:
        import numpy as np

        start, end = self._ends[text], self._ends[text + 1]
        return np.frombuffer(os.pread(self._file.fileno(), end - start, start), np.uint32)


def near_duplicates(texts: Mapping[str, str], threshold: float) -> dict[str, str]:
    """Map each text that repeats a better one to that one's id; `texts` maps ids to texts, the best copy first."""
    copies = Copies(threshold, threshold)
    try:
        for text in texts.values():
            copies.add(*copies.sketch(text))
        names = list(texts)
        found = copies.repeats(range(len(names)), [0] * len(names))
    finally:
        copies.close()
    return {names[text]: names[other] for text, (other, _) in sorted(found.items())}


@cache
def _banding(threshold: float) -> tuple[int, int]:
    """How many bands of how many rows datasketch finds best for this threshold."""
    from datasketch import MinHashLSH

    index = MinHashLSH(threshold=threshold, num_perm=_PERMUTATIONS)
    return index.b, index.r


@cache
def _permutations() -> Any:
    from datasketch import MinHash

    return MinHash(_PERMUTATIONS, seed=1, scheme="affine32").permutations


@cache
def _weights(rows: int) -> NDArray[np.uint64]:
    import numpy as np

    return np.random.RandomState(1).randint(1, 2**63, rows, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
