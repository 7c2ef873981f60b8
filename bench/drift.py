"""How often does drift alarm for nothing, and does it find a fifth in another style? `python -m bench.drift [PLACE…]`.

Each place is an author's posts.jsonl or folder; without one, the shipped fictional authors. For every author texts are
drawn at random: a reference of 80 or 300, and 200 answers. Nothing planted: the share of alarms is the false ones, in one
section and in a report of three. Then 40 of the 200 are planted: another author's texts, or the author's own changed in
one way. Beside it what Evidently's preset says by itself: half of the columns at p < 0.05, or one at 0.05 over their
number (both by Kolmogorov and Smirnov). `--author NAME` measures one, `--reference N` with one size.
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.evaluation import others
from twin.evaluation.intervals import share as exact
from twin.monitoring import sections
from twin.monitoring.calibrate import decide
from twin.monitoring.drift import _informative

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_SHARE = 0.05
_SIZES = (80, 300)
_WORDS = 230
_DRAWS = 200


def main() -> None:
    """Read the command line, simulate, print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("places", type=Path, nargs="*")
    parser.add_argument("--author", default="", help="the one to measure; the others are planted")
    parser.add_argument("--reference", type=int, action="append", help=f"its texts (default: {_SIZES})")
    parser.add_argument("--window", type=int, default=200, help="answers that are looked at, a fifth of them planted")
    parser.add_argument("--repeats", type=int, default=100)
    options = parser.parse_args()
    texts = {place.name: next(iter(others.read(place).values())) for place in options.places} or others.shipped()
    texts = {name: [others.cut(text, _WORDS) for text in found] for name, found in texts.items()}
    print("| author, texts | reference | planted | calibrated | preset, half of the columns | preset, corrected | s |")
    print("|---|---|---|---|---|---|---|")
    for number, name in enumerate(texts):
        if options.author in ("", name):
            stranger = list(texts)[(number + 1) % len(texts)]
            _author(name, texts[name], stranger, texts[stranger], options)


def _author(name: str, own: list[str], stranger: str, theirs: list[str], options: argparse.Namespace) -> None:
    import numpy as np

    planted: dict[str, list[str] | None] = {
        "nothing": None, "nothing, three sections": None, f"texts of {stranger}": theirs,
        "exclamation marks and emoji": [_loud(text) for text in own], "a sentence a line": [_lines(text) for text in own],
        "half as long": [_half(text) for text in own],
    }  # fmt: skip
    pool = sections.style(own, ["post"] * len(own))
    for size in options.reference or _SIZES:
        for kind, other in planted.items():
            rng, began = np.random.default_rng(7), time.monotonic()
            changed = None if other is None else sections.style(other, ["post"] * len(other))
            times = options.repeats if changed is not None else 2 * options.repeats
            found = [_once(pool, changed, size, kind.endswith("sections"), options.window, rng) for _ in range(times)]
            cells = [_cell(sum(one[i] for one in found), times) for i in range(3)]
            seconds = time.monotonic() - began
            print(f"| {name}, {len(own)} | {size} | {kind} | {' | '.join(cells)} | {seconds:.0f} |", flush=True)


def _once(
    pool: pd.DataFrame, changed: pd.DataFrame | None, size: int, whole: bool, window: int, rng: np.random.Generator
) -> tuple[bool, bool, bool]:
    """One report: alarms of the calibrated thresholds, of the preset, and of the preset with corrected p-values."""

    def drawn(frame: Any, count: int) -> Any:
        return frame.iloc[rng.integers(0, len(frame), count)]

    import pandas as pd

    current = drawn(pool, window)
    if changed is not None:
        current = pd.concat([current.iloc[window // 5 :], drawn(changed, window // 5)])
    pairs = [(drawn(pool, size), current)]
    if whole:
        asked = ["words", "register"]
        pairs += [(drawn(pool, 300), current), (drawn(pool, size)[asked], drawn(pool, window)[asked])]
    made = [sections.voice("", *pair) for pair in pairs]
    alarm = False
    for section in made:
        names = _informative(section)
        left, right = (frame[names].to_numpy(float) for frame in (section.reference, section.current))
        alarm |= decide(left, right, _SHARE / len(made), int(rng.integers(2**31)), _DRAWS).alarm
    p = [value for section in made for value in _ks(section)]
    return alarm, sum(x < _SHARE for x in p) >= len(p) / 2, min(p) < _SHARE / len(p)


def _ks(section: sections.Section) -> list[float]:
    """What Evidently's `ks` gives for each column, by the limiting distribution: a hundred times as fast."""
    import numpy as np
    from scipy.special import kolmogorov

    names = [name for name in _informative(section) if name != "style_distance"]
    left, right = (np.sort(frame[names].to_numpy(float), axis=0) for frame in (section.reference, section.current))
    root = np.sqrt(len(left) * len(right) / (len(left) + len(right)))
    found = []
    for one, other in zip(left.T, right.T, strict=True):
        at = np.concatenate([one, other])
        below = [np.searchsorted(side, at, "right") / len(side) for side in (one, other)]
        found.append(float(kolmogorov(root * np.abs(below[0] - below[1]).max())))
    return found


def _cell(count: int, times: int) -> str:
    found = exact(count, times)
    return f"{found.value:.1%} [{found.low:.0%}, {found.high:.0%}]"


def _loud(text: str) -> str:
    return re.sub(r"\.(\s|$)", r"! 🚀\1", text)


def _lines(text: str) -> str:
    return re.sub(r"([.!?])\s+", "\\1\n\n", text)


def _half(text: str) -> str:
    parts: list[str] = re.split(r"(?<=[.!?])\s+", text)
    return " ".join(parts[: max(1, len(parts) // 2)])


if __name__ == "__main__":
    main()
