"""Whose hand is it? Verifiers tried on unseen people first, then on what the arms wrote; every figure with its interval."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from twin.evaluation.intervals import Interval, percentile, share
from twin.evaluation.others import Others
from twin.voice import grammar, verifier
from twin.voice.delta import draw

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Pools = NDArray[np.intp]

REAL = "real"
MASKED, NGRAM, GRAMMAR = "masked", "ngram", "grammar"
KINDS = (MASKED, NGRAM, GRAMMAR)
SIZES = (1, 5, 10)
VALID_AUC = 0.9
_POOLS = 200
_REPLICATE_POOLS = 40
_REPLICATES = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    """One verifier at one pool size.

    `auc` tells the author's held-out texts from people it never saw; `error` is its equal-error rate, at `threshold`.
    `accepted` is the share of an arm's pools above the threshold; `below` the AUC with which the author's own pools
    are told from an arm's: 0.5 is no difference, 1 is plain to see.
    """

    auc: Interval
    error: float
    threshold: float
    accepted: dict[str, Interval]
    below: dict[str, float]


@dataclass(frozen=True, slots=True)
class Authorship:
    """(kind, pool size) → outcome; `strangers` is how many unseen authors the verifiers were tried on."""

    outcomes: dict[tuple[str, int], Outcome] = field(default_factory=dict)
    strangers: int = 0
    learned_from: int = 0

    @property
    def deciding(self) -> Outcome | None:
        """The masked verifier on pools of ten: the one that the gate asks."""
        return self.outcomes.get((MASKED, SIZES[-1]))

    @property
    def valid(self) -> bool:
        """Whether the deciding verifier tells the author from unseen people with an AUC of at least .90."""
        return self.deciding is not None and self.deciding.auc.value >= VALID_AUC


@dataclass(frozen=True, slots=True)
class _Scorer:
    """How one verifier scores: texts are measured once, then pools of row numbers are scored in no time."""

    measure: Callable[[Sequence[str]], Any]
    score: Callable[[Any, Any], Any]


def verify(
    own: Sequence[str],
    others: Others,
    machine: Sequence[str],
    arms: Mapping[str, Sequence[str]],
    briefs: int,
    seed: int,
) -> Authorship:
    """Learn from `own` training texts, half of the other authors and `machine` (the base model's texts for other
    briefs); try on `arms[REAL]` and the other half; then judge the arms.

    An arm's texts stand seed after seed, each seed's in the order of the briefs. Empty without other authors.
    """
    if not others.learn or not others.test or len(own) < 2 or briefs < 2:
        return Authorship()
    people = [*others.learn.values(), *([tuple(machine)] if len(machine) > 1 else [])]
    tongue = _by_grammar(grammar.learn(own, [t for texts in people for t in texts], seed))
    outcomes = {}
    for size in SIZES:
        judges = {
            MASKED: _by_traits(verifier.fit(own, people, size, seed)),
            NGRAM: _by_traits(verifier.fit(own, people, size, seed, unmasked=True)),
            GRAMMAR: tongue,
        }
        for kind, judge in judges.items():
            outcomes[kind, size] = _try(judge, list(others.test.values()), arms, briefs, size, seed)
    return Authorship(outcomes, len(others.test), len(others.learn))


def _by_traits(found: verifier.Verifier) -> _Scorer:
    return _Scorer(found.measure, found.scores)


def _by_grammar(found: grammar.Grammar) -> _Scorer:
    import numpy as np

    def measure(texts: Sequence[str]) -> Floats:
        return np.array(found.ratios(texts), float)

    def score(table: Floats, pools: Pools) -> Floats:
        return np.asarray(table[pools, 0].sum(1) / table[pools, 1].sum(1))

    return _Scorer(measure, score)


def _try(
    judge: _Scorer,
    strangers: Sequence[Sequence[str]],
    arms: Mapping[str, Sequence[str]],
    briefs: int,
    size: int,
    seed: int,
) -> Outcome:
    import numpy as np

    rng = np.random.default_rng(seed)
    theirs = [(judge.measure(texts), len(texts)) for texts in strangers]
    ours = {name: (judge.measure(texts), max(1, len(texts) // briefs)) for name, texts in arms.items()}

    def once(rows: Pools, people: Pools, many: int) -> tuple[dict[str, Floats], Floats]:
        picked = rows[draw(briefs, size, many, rng)]
        scores = {
            name: judge.score(table, picked + briefs * rng.integers(0, seeds, picked.shape))
            for name, (table, seeds) in ours.items()
        }
        each = max(2, many // len(people))
        others = [judge.score(theirs[i][0], draw(theirs[i][1], size, each, rng)) for i in people]
        return scores, np.concatenate(others)

    scores, far = once(np.arange(briefs), np.arange(len(theirs)), _POOLS)
    threshold, error = equal_error(scores[REAL], far)
    replicates: dict[str, list[float]] = {name: [] for name in scores}
    aucs = []
    for _ in range(_REPLICATES):
        people = rng.integers(0, len(theirs), len(theirs))
        again, away = once(rng.integers(0, briefs, briefs), people, _REPLICATE_POOLS)
        level = equal_error(again[REAL], away)[0]
        aucs.append(auc(again[REAL], away))
        for name, found in again.items():
            replicates[name].append(float((found >= level).mean()))
    return Outcome(
        auc=percentile(auc(scores[REAL], far), aucs),
        error=error,
        threshold=threshold,
        accepted={
            name: _share(float((found >= threshold).mean()), replicates[name], briefs // size)
            for name, found in scores.items()
        },
        below={name: auc(scores[REAL], found) for name, found in scores.items() if name != REAL},
    )


def _share(value: float, replicates: Sequence[float], independent: int) -> Interval:
    """The bootstrap's interval; where it sees no spread at 0 or 1, the exact one of as many pools as share no text."""
    found = percentile(value, replicates)
    if value in (0.0, 1.0) and found.low == found.high:
        exact = share(int(value) * max(1, independent), max(1, independent))
        return Interval(value, exact.low, exact.high)
    return Interval(value, min(found.low, value), max(found.high, value))


def auc(high: Floats, low: Floats) -> float:
    """The chance that a value of `high` is above one of `low`; ties count half."""
    return float((high[:, None] > low[None, :]).mean() + 0.5 * (high[:, None] == low[None, :]).mean())


def equal_error(own: Floats, others: Floats) -> tuple[float, float]:
    """(threshold, rate) at which as many of the author's pools are refused as others' are accepted.

    Where a whole range of thresholds is equally good, its middle.
    """
    import numpy as np

    every = np.unique(np.concatenate([own, others]))
    if len(every) < 2:
        return float(every[0]), 0.5
    marks = (every[1:] + every[:-1]) / 2
    refused = np.searchsorted(np.sort(own), marks) / len(own)
    accepted = 1.0 - np.searchsorted(np.sort(others), marks) / len(others)
    gap = np.abs(refused - accepted)
    best = np.flatnonzero(gap <= gap.min() + 1e-12)
    low, high = every[best[0]], every[best[-1] + 1]
    at = best[len(best) // 2]
    return float((low + high) / 2), float((refused[at] + accepted[at]) / 2)
