"""All figures of one evaluation, put together from likelihood, style, copying and fluency."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from twin.evaluation.arms import ARMS, LORA, Case, Written
from twin.evaluation.copying import Corpus
from twin.evaluation.fluency import length_ratio, loops
from twin.evaluation.intervals import Interval, over, share, share_gained
from twin.evaluation.style import REAL, Style, compare
from twin.voice.delta import profile


@dataclass(frozen=True, slots=True)
class Fluency:
    """One arm's share of texts that ended and that loop, with exact intervals; the median length beside the author's."""

    ended: Interval
    looping: Interval
    length: float


@dataclass(frozen=True, slots=True)
class Results:
    """Everything the report shows. `documents` is (id, base bits, adapter bits, bytes) of each held-out text."""

    documents: Sequence[tuple[str, float, float, int]]
    base_bits: float
    adapter_bits: float
    gain: Interval
    style: Style
    unmasked: Style
    copied: dict[str, Interval]
    excess: Interval
    longest: dict[str, int]
    fluency: dict[str, Fluency]

    def flat(self) -> dict[str, float]:
        """The numbers as metrics.json holds them; what could not be computed is left out."""
        found: dict[str, float] = {
            "bits_per_byte_base": self.base_bits,
            "bits_per_byte_adapter": self.adapter_bits,
            **self.gain.flat("bits_per_byte_gain"),
            "held_out_documents": len(self.documents),
            **self.excess.flat("copy_share_above_self"),
            "style_separation_auc": self.style.separation,
        }
        for kind, style in (("style", self.style), ("ngram", self.unmasked)):
            for arm, interval in style.distance.items():
                found |= interval.flat(f"{kind}_distance_{arm}")
            for arm, interval in style.closure.items():
                found |= interval.flat(f"{kind}_gap_closure_{arm}")
        for arm, interval in self.copied.items():
            found[f"copy_share_{arm}"] = interval.value
            found[f"longest_copy_tokens_{arm}"] = self.longest[arm]
        for arm, fluency in self.fluency.items():
            found[f"ended_share_{arm}"] = fluency.ended.value
            found[f"loop_share_{arm}"] = fluency.looping.value
            found[f"length_ratio_{arm}"] = fluency.length
        return {key: round(float(value), 6) for key, value in found.items() if math.isfinite(value)}


def measure(
    documents: Sequence[tuple[str, float, float, int]],
    cases: Sequence[Case],
    written: Mapping[str, Sequence[Written]],
    training_first: Sequence[str],
    training_all: Sequence[str],
    *,
    pool: int,
    copy_tokens: int,
    draws: int,
    seed: int,
) -> Results:
    """Compute all figures. `training_first` opens training documents and teaches the style; `training_all` is every
    training text, from which nothing may be copied.
    """
    base, adapted = [d[1] for d in documents], [d[2] for d in documents]
    size = sum(d[3] for d in documents)
    texts = {REAL: [c.real for c in cases], **{arm: [w.text for w in written[arm]] for arm in ARMS}}
    corpus = Corpus(copy_tokens).add(training_all)
    counts = {arm: [corpus.copied(text) for text in found] for arm, found in texts.items()}
    return Results(
        documents=documents,
        base_bits=sum(base) / size,
        adapter_bits=sum(adapted) / size,
        gain=share_gained(base, adapted, draws, seed),
        style=compare(profile(training_first, pool, seed), texts, draws, seed),
        unmasked=compare(profile(training_first, pool, seed, unmasked=True), texts, draws, seed),
        copied={arm: _copied(found, None, draws, seed) for arm, found in counts.items()},
        excess=_copied(counts[LORA], counts[REAL], draws, seed),
        longest={arm: max(longest for _, _, longest in found) for arm, found in counts.items()},
        fluency={arm: _fluency(written[arm], cases) for arm in ARMS},
    )


def _copied(
    found: Sequence[tuple[int, int, int]], habit: Sequence[tuple[int, int, int]] | None, draws: int, seed: int
) -> Interval:
    """Share of tokens in copied spans, less the share in the author's own held-out texts where `habit` is given."""
    import numpy as np

    ours, theirs = np.array(found), np.array(habit if habit is not None else found)
    factor = 0.0 if habit is None else 1.0

    def statistic(rows: np.ndarray) -> float:
        mine = ours[rows, 0].sum() / max(1, ours[rows, 1].sum())
        return float(mine - factor * theirs[rows, 0].sum() / max(1, theirs[rows, 1].sum()))

    return over(len(ours), statistic, draws, seed)


def _fluency(written: Sequence[Written], cases: Sequence[Case]) -> Fluency:
    return Fluency(
        ended=share(sum(w.ended for w in written), len(written)),
        looping=share(sum(loops(w.text) for w in written), len(written)),
        length=median(length_ratio(w.text, c.real) for w, c in zip(written, cases, strict=True)),
    )
