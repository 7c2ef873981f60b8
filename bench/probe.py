"""The deployment probe's rule for texts in circles: `python -m bench.probe --texts PLACE… --drafts FILE…`.

PLACE is an author's posts.jsonl or folder, FILE an evaluation's drafts.json. Prints how many texts of people and of each
arm fall below the bar, and how often a pool of 4 (no canary) and of 20 (ten minutes of one) such texts would roll back.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from pathlib import Path

from twin.cluster.probe import LOOP, circles, distinct
from twin.evaluation import others
from twin.files import read_json

_WORDS = 250
_POOLS = (4, 20)
_DRAWS = 5000


def main() -> None:
    """Read the command line, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=Path, nargs="*", default=[])
    parser.add_argument("--drafts", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    print(f"| texts | n | lowest | below {LOOP:.0%} | " + " | ".join(f"{n} texts roll back" for n in _POOLS) + " |")
    print("|---|---|---|---|" + "---|" * len(_POOLS))
    for place in options.texts:
        row(place.name, [others.cut(text, _WORDS) for text in next(iter(others.read(place).values()))])
    for number, file in enumerate(options.drafts, 1):
        arms = defaultdict(list)
        for draft in read_json(file):
            arms[draft["arm"]].append(draft["text"])
        for arm, texts in arms.items():
            row(f"run {number}: {arm}", texts)


def row(name: str, texts: list[str]) -> None:
    """One line of the table."""
    shares = [distinct(text) for text in texts]
    chance = random.Random(7)
    # With replacement: a pool of other drafts by the same writer.
    back = [sum(bool(circles(chance.choices(shares, k=n))) for _ in range(_DRAWS)) / _DRAWS for n in _POOLS]
    below = sum(share < LOOP for share in shares) / len(shares)
    print(
        f"| {name} | {len(shares)} | {min(shares):.2f} | {below:.1%} | " + " | ".join(f"{b:.1%}" for b in back) + " |"
    )


if __name__ == "__main__":
    main()
