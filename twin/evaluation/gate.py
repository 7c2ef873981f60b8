"""The gate: whether a challenger may become champion, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from twin.evaluation.intervals import Interval

ENOUGH = 30


@dataclass(frozen=True, slots=True)
class Check:
    """One condition: `verdict` is pass, fail or insufficient; only fail holds a challenger back."""

    name: str
    verdict: str
    reason: str


def decide(
    *,
    gain: Interval,
    copied: Interval,
    nearer: Interval,
    texts: int,
    min_gain: float,
    max_copied: float,
    max_regression: float,
) -> list[Check]:
    """The three checks. `gain` is the share of bits saved, `copied` the share of tokens above the author's own
    self-overlap, `nearer` the style distance gained on the base, `texts` how many held-out texts were written for.
    """
    return [
        _likelihood(gain, min_gain),
        Check(
            "copying",
            "pass" if copied.value <= max_copied else "fail",
            f"{copied.value:.1%} of the words are copied from training texts beyond the author's own habit"
            f" (at most {max_copied:.1%} allowed)",
        ),
        _style(nearer, texts, max_regression),
    ]


def promote(checks: list[Check]) -> bool:
    """True when no check fails."""
    return all(check.verdict != "fail" for check in checks)


def _likelihood(gain: Interval, least: float) -> Check:
    good = gain.value >= least and gain.low > 0
    return Check(
        "likelihood",
        "pass" if good else "fail",
        f"held-out texts cost {gain.value:.1%} fewer bits per byte than under the base model"
        f" (interval {gain.low:.1%} to {gain.high:.1%}; at least {least:.1%} and surely above zero is needed)",
    )


def _style(nearer: Interval, texts: int, allowed: float) -> Check:
    said = f"the style is {nearer.value:+.3f} nearer than the base's (interval {nearer.low:+.3f} to {nearer.high:+.3f})"
    if math.isnan(nearer.value):
        return Check("style", "insufficient", "the style could not be compared: there are too few texts")
    if texts < ENOUGH:
        # Too few texts to claim that the style is better, yet enough to see a clear step back.
        worse = nearer.high < -allowed
        reason = f"insufficient for a style claim: {texts} held-out texts, {ENOUGH} are needed; {said}"
        return Check("style", "fail" if worse else "insufficient", reason)
    return Check("style", "pass" if nearer.value >= -allowed else "fail", said)


def as_record(checks: list[Check], figures: Mapping[str, float]) -> dict[str, object]:
    """What gate.json holds."""
    return {
        "promote": promote(checks),
        "reasons": [f"{check.name}: {check.reason}" for check in checks],
        "checks": [{"name": c.name, "verdict": c.verdict, "reason": c.reason} for c in checks],
        "figures": dict(figures),
    }
