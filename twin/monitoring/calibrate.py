"""When a difference between two tables is more than chance: thresholds from splits in which nothing can differ.

Per column the largest difference between the two distribution functions, divided by its standard error there: the
Kolmogorov-Smirnov distance with Anderson and Darling's weight (1952, "Asymptotic theory of certain goodness of fit
criteria"). A fifth of the answers in another style moves the tails, where the plain distance is blind. The section's
statistic is the largest of all columns, and its threshold the quantile of the same statistic over random splits of all
rows (Westfall and Young 1993, max-T by permutation): while nothing has changed every row is the reference's, so the
share of false alarms holds for all columns together, for any number of rows, whatever their ties.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_DRAWS = 600
_EACH = 0.95
_LEAST = 1.96  # no column's own scale is smaller: what hardly ever varies would else outvote all others
_RAREST = 0.02  # a share of rows below this is judged as if it were so large, for the same reason


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of each column [columns] its weighted difference over the threshold: above 1 it moved, and the section alarms.

    `null` are the largest of these in the random splits [draws]; at most `share` of them exceed 1.
    """

    strength: Floats
    null: Floats
    share: float

    @property
    def alarm(self) -> bool:
        """Whether any column moved."""
        return bool(self.strength.max(initial=0.0) > 1)

    def p(self, strength: float) -> float:
        """How often chance gives a section in which some column is as strong as this (adjusted for all columns)."""
        import numpy as np

        return float((1 + np.sum(self.null >= strength)) / (1 + len(self.null)))


def decide(reference: Floats, current: Floats, share: float, seed: int = 7, draws: int = _DRAWS) -> Verdict:
    """Hold `current` [rows, columns] against `reference` [rows, columns]; alarms by chance in `share` of cases.

    The draws are the same for the same numbers of rows: two looks at one table give one verdict.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    n, m = len(reference), len(current)
    # The first row of weights is the true split, the others are drawn.
    mine = np.zeros((draws + 1, n + m), dtype=bool)
    mine[0, :n] = True
    chosen = np.argpartition(rng.random((draws, n + m)), n - 1, axis=1)[:, :n]
    mine[np.arange(1, draws + 1)[:, None], chosen] = True
    weights = np.where(mine, 1 / n, -1 / m).T.astype(np.float32)
    both = np.concatenate([reference, current])
    found = np.stack([_largest(column, weights, n, m) for column in both.T], axis=1)
    scaled = found / np.maximum(np.quantile(found, _EACH, axis=0), _LEAST)
    largest = scaled.max(1)
    # At most `share` of all splits, the true one among them, lie above this.
    limit = float(np.sort(largest)[int(np.ceil((1 - share) * (draws + 1))) - 1])
    return Verdict(strength=scaled[0] / limit, null=largest[1:] / limit, share=share)


def _largest(column: Floats, weights: NDArray[np.float32], n: int, m: int) -> Floats:
    """For each split [rows, draws] the largest weighted difference of this column, [draws]; 0 where it never varies."""
    import numpy as np

    order = np.argsort(column, kind="stable")
    ends = np.flatnonzero(np.diff(column[order]) != 0)
    if not len(ends):
        return np.zeros(weights.shape[1])
    gap = weights[order]
    np.cumsum(gap, axis=0, out=gap)
    below = ((ends + 1) / (n + m)).clip(_RAREST, 1 - _RAREST)
    scale = np.sqrt(below * (1 - below) * (1 / n + 1 / m)).astype(np.float32)
    return np.asarray((np.abs(gap[ends]) / scale[:, None]).max(0), np.float64)
