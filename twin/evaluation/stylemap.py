"""Where pools of texts lie by style, in two dimensions: the author, other people, and what the twin writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from twin.voice.delta import draw
from twin.voice.measures import masked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

POOL = 5
_POOLS = 40
_Z_LIMIT = 4.0


def stylemap(groups: Mapping[str, Sequence[Sequence[str]]], fitted: Sequence[str], seed: int) -> dict[str, Any]:
    """Points {group → [[x, y], …]}, each a pool of `pool` texts of one hand, and the `explained` share of each axis.

    `groups` is group → hands → texts; hands of fewer than two texts are left out. The axes are the first two principal
    components of the masked traits, z-scored, of the groups in `fitted` alone: what is put on the map does not shape
    it. Empty when fewer than three pools are left to fit.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    rates = {name: found for name, hands in groups.items() if len(found := _rates(hands, rng))}
    base = [rates[name] for name in fitted if name in rates]
    if sum(map(len, base)) < 3:
        return {}
    known = np.concatenate(base)
    mean, deviation = known.mean(0), known.std(0)
    use = deviation > 0

    def scored(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.clip((rows[:, use] - mean[use]) / deviation[use], -_Z_LIMIT, _Z_LIMIT))

    centre = scored(known).mean(0)
    _, sizes, axes = np.linalg.svd(scored(known) - centre, full_matrices=False)
    shares = sizes**2 / max(float((sizes**2).sum()), 1e-12)
    points = {name: ((scored(rows) - centre) @ axes[:2].T).round(3).tolist() for name, rows in rates.items()}
    return {"pool": POOL, "explained": [round(float(share), 4) for share in shares[:2]], "points": points}


def _rates(hands: Sequence[Sequence[str]], rng: np.random.Generator) -> NDArray[np.float64]:
    import numpy as np

    kept = [list(texts) for texts in hands if len(texts) > 1]
    each = max(2, _POOLS // max(1, len(kept)))
    found = [masked(texts).rates(draw(len(texts), POOL, each, rng)) for texts in kept]
    return np.concatenate(found) if found else np.empty((0, 0))
