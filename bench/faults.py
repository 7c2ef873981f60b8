"""Kill -9 at random moments: `python -m bench.faults --runs 100 --seed 1` prints what came back, and what did not.

A small author's project is collected, prepared, indexed, trained, registered and written with, while one part of it (or
all) is killed; then the same command is given again, as a person would. Exits with 1 when anything was lost, torn, left
behind or hung.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench import faults_checks as checks
from bench.faults_checks import Kept
from bench.faults_stack import PARTS, Stack
from bench.faults_stages import STAGES, Stages
from bench.faults_world import project

# How often each is drawn; what starts fast is killed often.
WEIGHTS = {
    "the desk": 45, "collect": 10, "prepare": 4, "features": 1, "train": 1, "register": 2,
    "predictor": 8, "engine": 8, "database": 12, "transformer": 2, "web interface": 3, "supervisor": 1, "everything": 3,
}  # fmt: skip


@dataclass(slots=True)
class Told:
    """What came of one victim's runs."""

    runs: int = 0
    at_work: int = 0
    seconds: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)

    def row(self, name: str) -> str:
        """The table's line."""
        healed = f"{statistics.median(self.seconds):.1f} / {max(self.seconds):.1f}" if self.seconds else "-"
        met = [f"{self.answers[kind]}" if self.answers else "-" for kind in ("done", "told", "hung")]
        kinds = Counter(line.partition(":")[0] for line in self.bad)
        found = [str(kinds[kind]) for kind in ("lost", "torn", "litter", "orphan", "not healed")]
        return f"| {name} | {self.runs} | {self.at_work} | {healed} | {' | '.join(met + found)} |"


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--victims", nargs="+", choices=list(WEIGHTS), default=list(WEIGHTS))
    parser.add_argument("--extensions", type=Path, help="DeepSpeed's compiled part, such as .twin/torch_extensions")
    options = parser.parse_args()
    told = run(options.runs, options.seed, options.victims, options.extensions)
    print(
        "| killed | runs | while at work | seconds until whole again, median / longest | requests answered | told why not "
        "| hung | lost | torn | left behind | orphans | not healed |\n|---|" + "---|" * 11
    )
    for name, one in told.items():
        print(one.row(name))
    bad = [f"- {name}: {line}" for name, one in told.items() for line in one.bad]
    print("\n".join(["", *bad]))
    return 1 if bad or any(one.answers["hung"] for one in told.values()) else 0


def run(runs: int, seed: int, victims: list[str], extensions: Path | None = None) -> dict[str, Told]:
    """So many kills, drawn by the seed; what came of each victim's."""
    chance = random.Random(seed)
    plan = drawn(runs, victims, chance)
    told = {name: Told() for name in WEIGHTS if name in plan}
    kept = Kept()
    with project(bool({"train", "register"} & set(plan)), extensions) as made:
        stages = Stages(made, kept, chance)
        # Without the stack first: what the stages made is then there for it to serve.
        for name in [name for name in plan if name not in PARTS]:
            _one(told[name], name, stages.kill)
            told[name].bad += [f"lost: {what}" for what in checks.lost(made, kept)]
        parts = [name for name in plan if name in PARTS]
        if parts:
            with Stack(made, kept, chance) as stack:
                for name in parts:
                    _one(told[name], name, stack.kill)
                    told[name].bad += [f"lost: {what}" for what in checks.lost(made, kept)]
            told[parts[-1]].bad += [f"orphan: {what}" for what in checks.orphans(made)]
    return told


def drawn(runs: int, victims: list[str], chance: random.Random) -> list[str]:
    """Victims in the order of their turns: each at least once where there are enough runs, the rest by weight."""
    first = list(victims)[:runs]
    weights = [WEIGHTS[name] for name in victims]
    return sorted(first + chance.choices(victims, weights, k=runs - len(first)), key=[*STAGES, *PARTS].index)


def _one(told: Told, name: str, kill: Callable[[str, Told], None]) -> None:
    began = time.monotonic()
    told.runs += 1
    before = len(told.bad)
    kill(name, told)
    said = "; ".join(told.bad[before:]) or "whole again"
    print(f"{name} {told.runs}: {said} ({time.monotonic() - began:.1f} s)", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
