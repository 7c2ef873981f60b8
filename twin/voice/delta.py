"""How far pools of texts are from an author, by group of traits: for one pool, and for many pools together.

One pool: Burrows's Delta (LLC 17(3), 2002), the mean |z| over pools of the author's training texts; about 0.6 to 0.8 is
what authors score against themselves. Many pools: the energy distance of the z-scores (Székely and Rizzo, 2013), trait
by trait. Delta alone prefers texts that vary little: smooth essays of a stranger scored nearer to a short-post author
than that author's own held-out posts. The energy distance is 0 only when the pools are spread alike.
One text is too short to judge: everything here is about pools of k texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.voice.measures import GROUPS, Measures, masked, ngrams, vocabulary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_REFERENCE_POOLS = 200
_COMMON = 0.05
# One trait that the author never shows must not outvote all others.
_Z_LIMIT = 5.0
UNMASKED = "ngram"


@dataclass(frozen=True, slots=True)
class Profile:
    """An author's pools of `pool` texts: each trait's mean and deviation, and z-scores [pools, traits] to hold others
    against. `grams` is None for masked traits."""

    pool: int
    names: tuple[str, ...]
    mean: Floats
    deviation: Floats
    reference: Floats
    grams: tuple[str, ...] | None = None

    def measure(self, texts: Sequence[str]) -> Measures:
        """The texts' traits in this profile's columns."""
        found = masked(texts) if self.grams is None else ngrams(texts, self.grams)
        place = {name: i for i, name in enumerate(found.names)}
        columns = [place[name] for name in self.names]
        return Measures(self.names, found.numerators[:, columns], found.denominators[:, columns])

    def distances(self, measures: Measures, pools: NDArray[np.intp]) -> dict[str, Floats]:
        """Delta of each pool [pools] by group; `all` is the mean of the groups, so that no long list outvotes them."""
        import numpy as np

        return self._by_group(np.abs(self._z(measures, pools)))

    def energy(self, measures: Measures, pools: NDArray[np.intp]) -> dict[str, float]:
        """Energy distance between these pools (two or more) and the author's, by group and for `all`; 0 is alike."""
        theirs = self._z(measures, pools)
        across = _mean_gap(theirs, self.reference)
        traits = 2.0 * across - _mean_gap(theirs, theirs) - _mean_gap(self.reference, self.reference)
        return {group: float(values[0]) for group, values in self._by_group(traits[None, :]).items()}

    def _z(self, measures: Measures, pools: NDArray[np.intp]) -> Floats:
        import numpy as np

        return np.clip((measures.rates(pools) - self.mean) / self.deviation, -_Z_LIMIT, _Z_LIMIT)

    def _by_group(self, values: Floats) -> dict[str, Floats]:
        import numpy as np

        owners = np.array([name.split("_", 1)[0] for name in self.names])
        found = {g: values[:, owners == g].mean(1) for g in (*GROUPS, UNMASKED) if (owners == g).any()}
        return {"all": np.mean(list(found.values()), axis=0), **found}


def _mean_gap(left: Floats, right: Floats) -> Floats:
    """Mean |x − y| per trait over all pairs of rows; among a set's own rows, pairs of one row with itself are out."""
    import numpy as np

    if left is right:
        return np.asarray(2.0 * _pair_sum(left) / max(len(left) * (len(left) - 1), 1))
    both, ours, theirs = np.concatenate([left, right]), len(left), len(right)
    # sum over all pairs of the union = within left + within right + across.
    total = _pair_sum(both) - _pair_sum(left) - _pair_sum(right)
    return np.asarray(total / (ours * theirs))


def _pair_sum(rows: Floats) -> Floats:
    import numpy as np

    # Sorted, the sum over all pairs is a weighted sum: no table of pairs.
    rows = np.sort(rows, axis=0)
    weights = 2.0 * np.arange(len(rows)) - len(rows) + 1.0
    return np.asarray((weights[:, None] * rows).sum(0))


def profile(texts: Sequence[str], pool: int = 5, seed: int = 7, unmasked: bool = False) -> Profile:
    """Learn an author's pools from training texts (at least one); raises ValueError when there are none."""
    import numpy as np

    if not texts:
        raise ValueError("a profile needs at least one text")
    grams = vocabulary(texts) if unmasked else None
    found = masked(texts) if grams is None else ngrams(texts, grams)
    keep = _kept(found, len(texts))
    found = Measures(tuple(np.array(found.names)[keep]), found.numerators[:, keep], found.denominators[:, keep])
    pools = draw(len(texts), pool, _REFERENCE_POOLS, np.random.default_rng(seed))
    rates = found.rates(pools)
    # A trait that the author never shows has no deviation: one event in a pool then counts as one.
    weight = np.maximum(found.denominators[pools].sum(1).mean(0), 1.0)
    mean, deviation = rates.mean(0), np.maximum(rates.std(0), 1.0 / weight)
    reference = np.clip((rates - mean) / deviation, -_Z_LIMIT, _Z_LIMIT)
    return Profile(pool, found.names, mean, deviation, reference, grams)


def distance(pool: Sequence[str], reference: Profile) -> float:
    """The distance of one pool of texts, masked traits or n-grams as the profile holds them; in deviations."""
    import numpy as np

    measures = reference.measure(pool)
    return float(reference.distances(measures, np.arange(len(pool))[None, :])["all"][0])


def draw(count: int, pool: int, pools: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Row numbers [pools, min(pool, count)] of random pools without repetition within a pool."""
    import numpy as np

    order = rng.random((pools, count)).argsort(axis=1)
    return np.ascontiguousarray(order[:, : min(pool, count)])


def _kept(found: Measures, count: int) -> NDArray[np.bool_]:
    """Single function words count only where the author uses them in 5 % of the texts; every other trait always."""
    import numpy as np

    used = (found.numerators > 0).sum(0) >= max(1.0, _COMMON * count)
    single = np.array([n.startswith("function_") and not n.startswith("function_class:") for n in found.names])
    return np.asarray(used | ~single)
