"""Style of generated pools against the author's: energy distances by arm, and the share of the gap that is closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.evaluation.intervals import Interval, percentile, recentred
from twin.voice.delta import Profile, draw

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REAL = "real"
BASE = "base"
_POOLS = 240
_POOLS_IN_REPLICATE = 30


@dataclass(frozen=True, slots=True)
class Style:
    """Distances by arm (`real` among them), gap closure by arm, and by how much an arm is nearer than the base.

    `groups` holds the same distances by group of traits; `separation` is the AUC with which single pools of real texts
    are told from pools of the base by their Delta alone (0.5 is chance). `floor` is how far other people are;
    `replicates` are the bootstrap's distances, arm by arm in the same draws.
    """

    distance: dict[str, Interval]
    closure: dict[str, Interval]
    nearer: dict[str, Interval]
    groups: dict[str, dict[str, float]]
    separation: float
    floor: Interval
    replicates: Mapping[str, NDArray[np.float64]]


def compare(
    profile: Profile,
    arms: Mapping[str, Sequence[str]],
    draws: int,
    seed: int,
    briefs: int = 0,
    others: Sequence[Sequence[str]] = (),
) -> Style:
    """Hold arms against an author. `arms` maps a name to texts, row i of each for the same brief; `real` and `base`
    must be among them. An arm of several seeds holds its texts seed after seed, `briefs` of each.

    The bootstrap is hierarchical and paired: briefs are resampled together in all arms, a seed is drawn for each text,
    pools are drawn anew in every replicate. `others` are other people's texts, one list a person: the floor.
    """
    import numpy as np

    count = briefs or len(arms[REAL])
    rng = np.random.default_rng(seed)
    measures = {name: profile.measure(texts) for name, texts in arms.items()}
    seeds = {name: max(1, len(texts) // count) for name, texts in arms.items()}

    def seeded(name: str, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        if seeds[name] == 1:
            return rows
        return np.asarray(rows + count * rng.integers(0, seeds[name], rows.shape))

    pools = draw(count, profile.pool, _POOLS, rng)
    groups = {name: profile.energy(found, seeded(name, pools)) for name, found in measures.items()}
    points = {name: found["all"] for name, found in groups.items()}
    replicates: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(draws):
        rows = rng.integers(0, count, count)
        picked = rows[draw(count, profile.pool, _POOLS_IN_REPLICATE, rng)]
        for name, found in measures.items():
            replicates[name].append(profile.energy(found, seeded(name, picked))["all"])
    table = {name: np.array(values) for name, values in replicates.items()}
    centred = {name: values + (points[name] - values.mean()) for name, values in table.items()}
    systems = [name for name in arms if name not in (REAL, BASE)]
    deltas = {name: profile.distances(measures[name], seeded(name, pools))["all"] for name in (REAL, BASE)}
    return Style(
        distance={name: recentred(points[name], table[name]) for name in arms},
        closure={name: _closure(points, centred, name) for name in systems},
        nearer={name: recentred(points[BASE] - points[name], table[BASE] - table[name]) for name in systems},
        groups=groups,
        separation=auc(deltas[REAL], deltas[BASE]),
        floor=_floor(profile, others, rng),
        replicates=centred,
    )


def nearer_than(style: Style, ours: str, theirs: str) -> Interval:
    """By how much `ours` is nearer to the author than `theirs`, in pairs."""
    value = style.distance[theirs].value - style.distance[ours].value
    return recentred(value, style.replicates[theirs] - style.replicates[ours])


def _floor(profile: Profile, others: Sequence[Sequence[str]], rng: np.random.Generator) -> Interval:
    """How far other people are on average; people are resampled."""
    import numpy as np

    if not others:
        return Interval(float("nan"), float("nan"), float("nan"))
    each = np.array(
        [
            profile.energy(profile.measure(t), draw(len(t), profile.pool, _POOLS_IN_REPLICATE, rng))["all"]
            for t in others
        ]
    )
    again = each[rng.integers(0, len(each), (1000, len(each)))].mean(1)
    return percentile(float(each.mean()), again)


def _closure(points: Mapping[str, float], replicates: Mapping[str, NDArray[np.float64]], name: str) -> Interval:
    """(d_base − d_system) / (d_base − d_real): 1 is as near as the author's own held-out texts, 0 is the base."""
    gap = points[BASE] - points[REAL]
    spread = replicates[BASE] - replicates[REAL]
    value = (points[BASE] - points[name]) / gap if gap > 0 else float("nan")
    # Where a replicate has no gap there is nothing to close: it must not turn into a huge or negative share.
    closed = (replicates[BASE] - replicates[name])[spread > 0] / spread[spread > 0]
    return percentile(value, closed)


def auc(near: NDArray[np.float64], far: NDArray[np.float64]) -> float:
    """The chance that a value of `near` is below one of `far`; ties count half."""
    return float((near[:, None] < far[None, :]).mean() + 0.5 * (near[:, None] == far[None, :]).mean())
