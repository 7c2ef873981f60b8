"""Near-duplicates by MinHash (Broder, 1997; datasketch): the same text published twice is one text."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from twin.text.clean import matching

_PERMUTATIONS = 128
_SHINGLE = 4


def shingles(text: str) -> set[int]:
    """Hashes of every run of four words, as the text is matched; of the whole text when it is shorter."""
    words = matching(text).split()
    if len(words) <= 1:
        # Languages without spaces: runs of eight characters.
        joined = words[0] if words else ""
        return {zlib.crc32(joined[i : i + 8].encode()) for i in range(max(1, len(joined) - 7))}
    runs = range(max(1, len(words) - _SHINGLE + 1))
    return {zlib.crc32(" ".join(words[i : i + _SHINGLE]).encode()) for i in runs}


def near_duplicates(texts: Mapping[str, str], threshold: float) -> dict[str, str]:
    """Map each text that repeats a better one to that one's id.

    `texts` maps ids to texts, the best copy first: of two alike, the earlier in order is kept. Two texts are alike when
    the Jaccard similarity of their shingles, computed exactly for MinHash's candidates, is at least `threshold`.
    """
    import numpy as np
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=threshold, num_perm=_PERMUTATIONS)
    kept: dict[str, set[int]] = {}
    repeats: dict[str, str] = {}
    for identity, text in texts.items():
        marks = shingles(text)
        sketch = MinHash(num_perm=_PERMUTATIONS, seed=1, hashfunc=int)
        sketch.update_batch(np.fromiter(sorted(marks), dtype=np.uint64).tolist())
        alike = [
            (similarity, other)
            for other in index.query(sketch)
            if (similarity := _jaccard(marks, kept[str(other)])) >= threshold
        ]
        if alike:
            repeats[identity] = str(max(alike)[1])
            continue
        index.insert(identity, sketch)
        kept[identity] = marks
    return repeats


def _jaccard(one: set[int], other: set[int]) -> float:
    return len(one & other) / len(one | other)
