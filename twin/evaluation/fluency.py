"""Fluency: whether a text ends, goes round in circles, and how long it is beside the author's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from twin.evaluation.copying import tokens

_GRAM = 6
_TIMES = 3
_REPEATED = 0.3


def loops(text: str) -> bool:
    """True when six tokens in a row come three times or more, or when a third of the text's 6-grams are repeats."""
    found = [token.lower() for token in tokens(text)]
    rows = (tuple(found[i : i + _GRAM]) for i in range(len(found) - _GRAM + 1))
    # A row of marks alone (a rule, a table's border) is layout.
    grams = Counter(row for row in rows if any(token[0].isalnum() for token in row))
    if not grams:
        return False
    repeats = sum(n - 1 for n in grams.values())
    return max(grams.values()) >= _TIMES or repeats / sum(grams.values()) > _REPEATED


def length_ratio(written: str, real: str) -> float:
    """Words of one text over words of another; 0 for an empty one."""
    return len(written.split()) / max(1, len(real.split()))


def sound(text: str, ended: bool) -> bool:
    """A text that ended by itself, says something and does not go round in circles."""
    return ended and bool(text.strip()) and not loops(text)


def band(author: Sequence[float]) -> tuple[float, float]:
    """The 5th and 95th percentile of the author's own texts' bits per byte under the base model."""
    import numpy as np

    if not author:
        return float("nan"), float("nan")
    low, high = np.percentile(author, (5, 95))
    return float(low), float(high)
