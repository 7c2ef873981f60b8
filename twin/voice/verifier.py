"""An authorship verifier: a logistic regression on the traits of pooled texts, the author's against other people's.

Pools of k texts of one hand are what is judged; one text is too short (k = 1 shows how much too short).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.voice.delta import draw
from twin.voice.measures import Measures, masked, ngrams, vocabulary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_POOLS = 240
_STRENGTH = 0.02
_Z_LIMIT = 4.0
# Other people's texts are cut to the author's lengths, so a text's length and where it stops tell nothing.
_CUT = ("length_text", "shape_last_sentence", "shape_closes_bare", "shape_closes_question", "shape_closes_exclaiming")


@dataclass(frozen=True, slots=True)
class Verifier:
    """Scores pools of `pool` texts: a log-odds of being the author's. `grams` is None for masked traits."""

    pool: int
    columns: tuple[str, ...]
    mean: Floats
    deviation: Floats
    weights: Floats
    intercept: float
    grams: tuple[str, ...] | None = None

    def measure(self, texts: Sequence[str]) -> Measures:
        """The texts' traits in this verifier's columns."""
        return _columns(masked(texts) if self.grams is None else ngrams(texts, self.grams), self.columns)

    def scores(self, measures: Measures, pools: NDArray[np.intp]) -> Floats:
        """Log-odds [pools] of pools given as row numbers [pools, k]."""
        import numpy as np

        z = np.clip((measures.rates(pools) - self.mean) / self.deviation, -_Z_LIMIT, _Z_LIMIT)
        return np.asarray(z @ self.weights + self.intercept)


def fit(own: Sequence[str], others: Sequence[Sequence[str]], pool: int, seed: int, unmasked: bool = False) -> Verifier:
    """Learn from the author's texts and from each other author's texts (a list an author).

    Raises ValueError without texts on both sides.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    theirs = [list(texts) for texts in others if len(texts)]
    if not own or not theirs:
        raise ValueError("a verifier needs texts of the author and of others")
    grams = vocabulary([*own, *(text for texts in theirs for text in texts)]) if unmasked else None
    found = [masked(texts) if grams is None else ngrams(texts, grams) for texts in (own, *theirs)]
    used = sum((m.numerators > 0).sum(0) for m in found) >= 3
    names = tuple(n for n, use in zip(found[0].names, used, strict=True) if use and n not in _CUT)
    found = [_columns(m, names) for m in found]
    rng = np.random.default_rng(seed)
    each = max(4, _POOLS // len(theirs))
    rates = [_rates(m, pool, _POOLS if i == 0 else each, rng) for i, m in enumerate(found)]
    x = np.concatenate(rates)
    y = np.concatenate([np.ones(len(rates[0])), np.zeros(len(x) - len(rates[0]))])
    mean = x.mean(0)
    deviation = np.where((spread := x.std(0)) > 0, spread, 1.0)
    z = np.clip((x - mean) / deviation, -_Z_LIMIT, _Z_LIMIT)
    model = LogisticRegression(C=_STRENGTH, class_weight="balanced", max_iter=500).fit(z, y)
    return Verifier(pool, names, mean, deviation, model.coef_[0], float(model.intercept_[0]), grams)


def _rates(measures: Measures, pool: int, pools: int, rng: np.random.Generator) -> Floats:
    return measures.rates(draw(len(measures.numerators), pool, pools, rng))


def _columns(measures: Measures, names: tuple[str, ...]) -> Measures:
    place = {name: i for i, name in enumerate(measures.names)}
    columns = [place[name] for name in names]
    return Measures(names, measures.numerators[:, columns], measures.denominators[:, columns])
