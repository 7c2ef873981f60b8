"""What one evaluation found, as the report, the gate and metrics.json read it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from twin.evaluation.authorship import Authorship
from twin.evaluation.intervals import Interval
from twin.evaluation.style import Style


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm's texts: shares with intervals; `length` is the median beside the author's; `longest` in tokens.

    `unsupported` counts numbers, names and first-person claims a hundred words; `citations` is the share that is valid,
    None where nothing was cited; not finite is what was not measured.
    """

    ended: Interval
    looping: Interval
    sound: Interval
    length: float
    copied: Interval
    copies: Interval
    longest: int
    covered: Interval
    unsupported: Interval
    in_band: Interval
    citations: Interval | None


@dataclass(frozen=True, slots=True)
class Results:
    """Everything the report shows. `documents` is (id, base bits, adapter bits, bytes) of each held-out text.

    `bits` is model → bits per byte; `gains` is model → the share of its bits that the adapter saves. `excess` is the
    adapter's share of copied tokens above the author's own. `against` holds the adapter's figures less `reference`'s;
    `with_facts` the unsupported claims of the adapter less the base's where both were shown facts.
    """

    documents: Sequence[tuple[str, float, float, int]]
    bits: Mapping[str, float]
    gains: Mapping[str, Interval]
    style: Style
    unmasked: Style
    authorship: Authorship
    arms: Mapping[str, Arm]
    own: Arm
    excess: Interval
    copying_texts: Interval
    reference: str
    nearer: Interval
    against: Mapping[str, Interval]
    with_facts: Interval | None
    briefs: int
    impostors: int

    def flat(self) -> dict[str, float]:
        """The numbers as metrics.json holds them; what could not be computed is left out."""
        found: dict[str, float] = {
            "bits_per_byte_base": self.bits["base"],
            "bits_per_byte_adapter": self.bits["lora"],
            **self.gains["base"].flat("bits_per_byte_gain"),
            "held_out_documents": len(self.documents),
            **self.excess.flat("copy_share_above_self"),
            **self.copying_texts.flat("copying_texts_above_self"),
            "copy_share_real": self.own.copied.value,
            "longest_copy_tokens_real": self.own.longest,
            "covered_points_real": self.own.covered.value,
            "unsupported_per_100_words_real": self.own.unsupported.value,
            "style_separation_auc": self.style.separation,
            "impostor_authors": self.impostors,
            **self.style.floor.flat("style_distance_impostors"),
        }
        for model, gain in self.gains.items():
            if model != "base":
                found |= {f"bits_per_byte_{model}": self.bits[model], **gain.flat(f"bits_per_byte_gain_on_{model}")}
        for kind, style in (("style", self.style), ("ngram", self.unmasked)):
            for arm, interval in style.distance.items():
                found |= interval.flat(f"{kind}_distance_{arm}")
            for arm, interval in style.closure.items():
                found |= interval.flat(f"{kind}_gap_closure_{arm}")
        found |= _authorship(self.authorship)
        for name, arm_found in self.arms.items():
            found |= _arm(name, arm_found)
        for name, interval in self.against.items():
            found |= interval.flat(f"{name}_against_{self.reference}")
        if self.with_facts is not None:
            found |= self.with_facts.flat("unsupported_with_facts_against_base")
        return {key: round(float(value), 6) for key, value in found.items() if math.isfinite(value)}


def _authorship(hands: Authorship) -> dict[str, float]:
    found: dict[str, float] = {"verifier_valid": float(hands.valid)}
    for (kind, size), outcome in hands.outcomes.items():
        found |= outcome.auc.flat(f"verifier_{kind}_auc_{size}")
        found[f"verifier_{kind}_equal_error_{size}"] = outcome.error
        for arm, interval in outcome.accepted.items():
            found |= interval.flat(f"accepted_{kind}_{size}_{arm}")
    return found


def _arm(name: str, arm: Arm) -> dict[str, float]:
    found: dict[str, float] = {
        f"longest_copy_tokens_{name}": arm.longest, f"length_ratio_{name}": arm.length,
        **arm.ended.flat(f"ended_share_{name}"), **arm.looping.flat(f"loop_share_{name}"),
        **arm.sound.flat(f"sound_share_{name}"), **arm.copied.flat(f"copy_share_{name}"),
        **arm.copies.flat(f"copying_texts_{name}"), **arm.covered.flat(f"covered_points_{name}"),
        **arm.unsupported.flat(f"unsupported_per_100_words_{name}"), **arm.in_band.flat(f"in_perplexity_band_{name}"),
    }  # fmt: skip
    return found | (arm.citations.flat(f"valid_citations_{name}") if arm.citations else {})
