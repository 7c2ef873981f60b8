"""95 % intervals: bootstraps over documents or briefs, and exact ones for shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LOW, _HIGH = 2.5, 97.5


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def flat(self, name: str) -> dict[str, float]:
        """Three entries for metrics.json: the name, name_low and name_high."""
        return {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}


def share_gained(before: Sequence[float], after: Sequence[float], draws: int, seed: int) -> Interval:
    """1 − sum(after) / sum(before), with documents resampled in pairs."""
    import numpy as np

    left, right = np.asarray(before, float), np.asarray(after, float)
    rows = np.random.default_rng(seed).integers(0, len(left), (draws, len(left)))
    return percentile(1.0 - right.sum() / left.sum(), 1.0 - right[rows].sum(1) / left[rows].sum(1))


def percentile(value: float, replicates: Sequence[float] | NDArray[np.float64]) -> Interval:
    """The percentile interval of bootstrap replicates; one that is not finite (a ratio of nothing) is left out."""
    import numpy as np

    found = np.asarray(replicates, float)
    found = found[np.isfinite(found)]
    if not len(found):
        return Interval(float(value), float("nan"), float("nan"))
    low, high = np.percentile(found, (_LOW, _HIGH))
    return Interval(float(value), float(low), float(high))


def recentred(value: float, replicates: Sequence[float] | NDArray[np.float64]) -> Interval:
    """The percentile interval moved so that its replicates' mean is `value`.

    Texts drawn twice make pools noisier than the real ones, which lifts every replicate of a distance: the width of
    the replicates is right, their place is not.
    """
    import numpy as np

    found = np.asarray(replicates, float)
    found = found[np.isfinite(found)]
    return percentile(value, found + (value - found.mean()) if len(found) else found)


def over(rows: int, statistic: Callable[[NDArray[np.intp]], float], draws: int, seed: int) -> Interval:
    """`statistic` of row numbers, resampled with replacement `draws` times."""
    import numpy as np

    rng = np.random.default_rng(seed)
    found = [statistic(rng.integers(0, rows, rows)) for _ in range(draws)]
    return percentile(statistic(np.arange(rows)), found)


def share(hits: int, of: int) -> Interval:
    """A share with its exact (Clopper and Pearson, 1934) interval: also right for 0 and for all."""
    from scipy.stats import beta

    if not of:
        return Interval(float("nan"), 0.0, 1.0)
    low = float(beta.ppf(0.025, hits, of - hits + 1)) if hits else 0.0
    high = float(beta.ppf(0.975, hits + 1, of - hits)) if hits < of else 1.0
    return Interval(hits / of, low, high)
