"""Do the verifiers know real people? `python -m bench.verifier PLACE…`: each place an author's posts.jsonl or folder.

Every author in turn is the one to be known: the oldest 85 % of the texts teach, the newest 15 % are tried against authors
that the verifier never saw (half of the shipped fictional ones and of the other places). Prints the AUC with intervals
by the number of texts in a pool. `--same A,B` names places of one person, which must not stand against each other.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from twin.evaluation import authorship, others
from twin.evaluation.authorship import KINDS, REAL, SIZES

_SHARE = 0.85
_MOST = 400
_WORDS = 230


def main() -> None:
    """Read the command line, learn and try, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("places", type=Path, nargs="+")
    parser.add_argument("--same", default="", help="names of places by one person, joined by commas")
    options = parser.parse_args()
    one = set(filter(None, options.same.split(",")))
    texts = {place.name: next(iter(others.read(place).values())) for place in options.places}
    print(
        "| author | held out | strangers | verifier | "
        + " | ".join(f"{k} text{'s' * (k > 1)}" for k in SIZES)
        + " | equal error, 10 | seconds |"
    )
    print("|---|---|---|---|" + "---|" * (len(SIZES) + 2))
    for name, found in texts.items():
        began = time.monotonic()
        # An essay's opening is what the twin would be asked for.
        own = [others.cut(text, _WORDS) for text in found[-_MOST:]]
        at = int(_SHARE * len(own))
        more = [{n: t} for n, t in texts.items() if n != name and not {n, name} <= one]
        crowd = others.gather(own[:at], more, 7)
        hands = authorship.verify(own[:at], crowd, (), {REAL: own[at:]}, len(own) - at, 7)
        seconds = time.monotonic() - began
        for kind in KINDS:
            cells = [
                f"{o.auc.value:.3f} [{o.auc.low:.3f}, {o.auc.high:.3f}]"
                for k in SIZES
                for o in [hands.outcomes[kind, k]]
            ]
            error = hands.outcomes[kind, SIZES[-1]].error
            print(
                f"| {name} | {len(own) - at} | {hands.strangers} | {kind} | {' | '.join(cells)} | {error:.1%} | {seconds:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
