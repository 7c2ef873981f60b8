"""Figures of one arm by brief and seed, and their means, ratios and differences with hierarchical intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.evaluation.intervals import Interval, percentile, share

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

UNKNOWN = Interval(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True, slots=True)
class Grid:
    """Named columns, each [briefs, seeds]."""

    columns: Mapping[str, Floats]
    briefs: int

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[float]], briefs: int) -> Grid:
        """From columns that hold seed after seed."""
        import numpy as np

        return cls({name: np.asarray(v, float).reshape(-1, briefs).T for name, v in columns.items()}, briefs)

    @property
    def seeds(self) -> int:
        """Texts a brief."""
        return int(next(iter(self.columns.values())).shape[1])

    def values(self, top: str, bottom: str, rows: NDArray[np.intp], seeds: NDArray[np.intp]) -> Floats:
        """sum(top) / sum(bottom) (count where `bottom` is "") of drawn cells [draws, briefs, seeds]."""
        import numpy as np

        above = self.columns[top][rows, seeds].sum((1, 2))
        below = self.columns[bottom][rows, seeds].sum((1, 2)) if bottom else float(rows.shape[1] * seeds.shape[2])
        return np.asarray(above / np.maximum(below, 1e-9))

    def value(self, top: str, bottom: str) -> float:
        """The figure itself."""
        above = float(self.columns[top].sum())
        return above / max(float(self.columns[bottom].sum()) if bottom else float(self.columns[top].size), 1e-9)


def mean(grid: Grid, column: str, draws: int, seed: int) -> Interval:
    """The mean of a column. Where all are 0 or all are 1 the bootstrap sees no spread: then exact, over briefs."""
    if column not in grid.columns:
        return UNKNOWN
    flat = grid.columns[column].ravel()
    if flat.min() == flat.max() and flat[0] in (0.0, 1.0):
        return share(int(flat[0]) * grid.briefs, grid.briefs)
    return ratio(grid, column, "", draws, seed)


def ratio(grid: Grid, top: str, bottom: str, draws: int, seed: int) -> Interval:
    """sum(top) / sum(bottom): briefs are resampled, then each brief's seeds."""
    import numpy as np

    if top not in grid.columns:
        return UNKNOWN
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, grid.briefs, (draws, grid.briefs, 1))
    return percentile(grid.value(top, bottom), grid.values(top, bottom, rows, _seeds(grid, draws, rng)))


def difference(ours: Grid, theirs: Grid, top: str, bottom: str, draws: int, seed: int) -> Interval:
    """One arm's figure less another's, with the same briefs drawn in both."""
    import numpy as np

    if top not in ours.columns or top not in theirs.columns:
        return UNKNOWN
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, ours.briefs, (draws, ours.briefs, 1))
    mine = ours.values(top, bottom, rows, _seeds(ours, draws, rng))
    other = theirs.values(top, bottom, rows, _seeds(theirs, draws, rng))
    return percentile(ours.value(top, bottom) - theirs.value(top, bottom), mine - other)


def _seeds(grid: Grid, draws: int, rng: np.random.Generator) -> NDArray[np.intp]:
    return rng.integers(0, grid.seeds, (draws, grid.briefs, grid.seeds))
