"""Which of an author's texts show the voice best together: different from one another, not near to a topic."""

from __future__ import annotations

from collections.abc import Sequence

from twin.voice.measures import masked


def diverse(texts: Sequence[str], count: int, max_words: int = 250) -> list[int]:
    """Positions of up to `count` texts, farthest-first in masked style from the most typical one (Gonzalez 1985).

    Texts over `max_words` are passed over while there are enough others: a prompt has room for few long ones.
    """
    import numpy as np

    short = [i for i, text in enumerate(texts) if len(text.split()) <= max_words]
    if len(short) < count:
        short = sorted(range(len(texts)), key=lambda i: len(texts[i]))[: max(count, len(short))]
    if not short or count < 1:
        return []
    found = masked([texts[i] for i in short])
    rates = found.rates(np.arange(len(short))[:, None])
    spread = rates.std(0)
    z = np.clip((rates - rates.mean(0)) / np.where(spread > 0, spread, 1.0), -3.0, 3.0)
    chosen = [int(np.abs(z).sum(1).argmin())]
    nearest = np.abs(z - z[chosen[0]]).sum(1)
    while len(chosen) < min(count, len(short)):
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.abs(z - z[chosen[-1]]).sum(1))
    return [short[i] for i in chosen]
