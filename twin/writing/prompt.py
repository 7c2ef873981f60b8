"""What goes into the prompt: facts and exemplars cut to a budget, so that the first word does not keep one waiting."""

from __future__ import annotations

from collections.abc import Sequence

# Bytes of UTF-8 a token, on the safe side: English has 4 to 5, emoji and other scripts 2 to 3.
_BYTES_A_TOKEN = 3.5
_FRAME_TOKENS = 12


def estimate(text: str) -> int:
    """About how many tokens a text is, rather too many than too few."""
    return round(len(text.encode("utf-8", "replace")) / _BYTES_A_TOKEN) + 1


def fit(texts: Sequence[str], budget: int) -> list[int]:
    """Indices of the texts that fit into `budget` tokens together, in order; one that is too long is passed over."""
    kept = []
    for index, text in enumerate(texts):
        cost = estimate(text) + _FRAME_TOKENS
        if cost <= budget:
            budget -= cost
            kept.append(index)
    return kept
