"""The gate: whether a challenger may become champion, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from twin.evaluation.authorship import VALID_AUC, Authorship
from twin.evaluation.intervals import Interval

ENOUGH = 30


@dataclass(frozen=True, slots=True)
class Check:
    """One condition: `verdict` is pass, fail, insufficient (too little text) or inconclusive (the measure does not
    work for this author). Only fail holds a challenger back."""

    name: str
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is decided on. `reference` is whom the challenger must beat: the champion, or the base model.

    `gain` is the share of bits saved, `nearer` the masked style distance gained; `copied` is the share of tokens above
    the author's own self-overlap; `losses` are the challenger's figures less the reference's (content, fluency).
    """

    reference: str
    gain: Interval
    nearer: Interval
    copied: Interval
    losses: Mapping[str, Interval]
    hands: Authorship
    texts: int


def decide(
    found: Evidence, *, min_gain: float, max_copied: float, max_loss: float, max_regression: float
) -> list[Check]:
    """All checks, the most telling first. `min_gain` is asked of a first champion only; its successors need a gain
    that is surely above zero. Style is asked where there are enough texts and the verifier works for this author.
    """
    return [
        _likelihood(found, min_gain if found.reference == "base" else 0.0),
        _style(found, max_regression),
        _verifier(found.hands, found.texts),
        Check(
            "copying",
            "pass" if found.copied.value <= max_copied else "fail",
            f"{found.copied.value:.1%} of the words are copied from training texts beyond the author's own habit"
            f" (at most {max_copied:.1%} allowed)",
        ),
        *(_loss(name, interval, found.reference, max_loss) for name, interval in found.losses.items()),
    ]


def promote(checks: Sequence[Check]) -> bool:
    """True when no check fails."""
    return all(check.verdict != "fail" for check in checks)


def proven(checks: Sequence[Check]) -> bool:
    """True when every check passes: promoted, and the style claim stands too."""
    return all(check.verdict == "pass" for check in checks)


def headline(checks: Sequence[Check]) -> str:
    """The verdict in a few words."""
    if not promote(checks):
        return "Held back: " + ", ".join(c.name for c in checks if c.verdict == "fail")
    if proven(checks):
        return "Promoted"
    open_ones = ", ".join(f"{c.name} {c.verdict}" for c in checks if c.verdict != "pass")
    return f"Promoted on likelihood, without harm; not proven: {open_ones}"


def _likelihood(found: Evidence, least: float) -> Check:
    gain = found.gain
    good = gain.value >= least and gain.low > 0
    need = f"at least {least:.1%} and surely above zero" if least else "surely above zero"
    return Check(
        "likelihood",
        "pass" if good else "fail",
        f"held-out texts cost {gain.value:.1%} fewer bits per byte than under the {_called(found.reference)}"
        f" (interval {gain.low:.1%} to {gain.high:.1%}; {need} is needed)",
    )


def _style(found: Evidence, allowed: float) -> Check:
    nearer = found.nearer
    said = (
        f"the style is {nearer.value:+.3f} nearer than the {_called(found.reference)}'s"
        f" (interval {nearer.low:+.3f} to {nearer.high:+.3f}; surely above zero is needed)"
    )
    worse = nearer.high < -allowed
    if math.isnan(nearer.value):
        return Check("style", "insufficient", "the style could not be compared: there are too few texts")
    if found.texts < ENOUGH:
        # Too few texts to claim that the style is better, yet enough to see a clear step back.
        reason = f"insufficient for a style claim: {found.texts} held-out texts, {ENOUGH} are needed; {said}"
        return Check("style", "fail" if worse else "insufficient", reason)
    if not found.hands.valid:
        return Check("style", "fail" if worse else "inconclusive", f"the verifier is not valid for this author; {said}")
    return Check("style", "pass" if nearer.low > 0 else "fail", said)


def _verifier(hands: Authorship, texts: int) -> Check:
    outcome = hands.deciding
    if outcome is None:
        return Check("verifier", "inconclusive", "there are no other authors to try the verifier on")
    said = (
        f"pools of ten held-out texts are told from {hands.strangers} authors it never saw with an AUC of"
        f" {outcome.auc.value:.2f} (interval {outcome.auc.low:.2f} to {outcome.auc.high:.2f}; {VALID_AUC:.2f} is needed)"
    )
    if texts < ENOUGH:
        return Check("verifier", "insufficient", f"{texts} held-out texts, {ENOUGH} are needed; {said}")
    return Check("verifier", "pass" if hands.valid else "inconclusive", said)


def _loss(name: str, found: Interval, reference: str, allowed: float) -> Check:
    """Fail when more than `allowed` is lost and the interval leaves no doubt that something is lost."""
    if math.isnan(found.value):
        return Check(name, "insufficient", f"{name} was not measured")
    lost = found.value < -allowed and found.high < 0
    return Check(
        name,
        "fail" if lost else "pass",
        f"{found.value:+.1%} against the {_called(reference)} (interval {found.low:+.1%} to {found.high:+.1%};"
        f" a sure loss of more than {allowed:.0%} is not allowed)",
    )


def _called(reference: str) -> str:
    return "base model" if reference == "base" else reference


def as_record(checks: Sequence[Check], figures: Mapping[str, float], reference: str = "base") -> dict[str, object]:
    """What gate.json holds."""
    return {
        "promote": promote(checks),
        "proven": proven(checks),
        "headline": headline(checks),
        "against": reference,
        "reasons": [f"{check.name}: {check.verdict}: {check.reason}" for check in checks],
        "checks": [{"name": c.name, "verdict": c.verdict, "reason": c.reason} for c in checks],
        "figures": dict(figures),
    }
