"""One author through every stage, on a scratch folder: `python -m bench.author --author NAME --from PLACE [--register note]`.

Prints one table row for docs/RESULTS.md: the author's size, the training's speed, the held-out figures, the times.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from twin.cli import STAGES
from twin.files import read_json

ROOT = Path(__file__).parents[1]
PIPELINE = [name for name in STAGES if name != "monitor"]


def run(arguments: list[str], root: Path) -> float:
    """Run `twin …` on `root`; returns seconds, exits with the stage's own words when it fails."""
    began = time.monotonic()
    # The base model's cache is shared: making it is not the author's time.
    env = {**os.environ, "TWIN_ROOT": str(root), "TWIN_HOME": str(root / ".twin")}
    done = subprocess.run([sys.executable, "-m", "twin", *arguments], env=env, cwd=root)
    if done.returncode:
        sys.exit(f"twin {arguments[0]} ended with code {done.returncode}")
    return time.monotonic() - began


def main() -> None:
    """Read the command line, run the stages, print the row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--author", default="", help="left out: the sample author")
    parser.add_argument("--from", dest="places", nargs="+", default=[])
    parser.add_argument("--register", default="post")
    parser.add_argument("--root", type=Path, help="keep the results here")
    options = parser.parse_args()
    root = options.root or Path(tempfile.mkdtemp(prefix="twin-bench-"))
    root.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(ROOT / "params.yaml", root / "params.yaml")
    (root / "examples").exists() or shutil.copytree(ROOT / "examples", root / "examples")
    cached = ROOT / ".twin" / "models"
    if cached.exists() and not (root / ".twin" / "models").exists():
        (root / ".twin").mkdir(exist_ok=True)
        (root / ".twin" / "models").symlink_to(cached)
    if options.author:
        places = [str(Path(p).resolve()) if Path(p).exists() else p for p in options.places]
        run(["init", "--author", options.author, "--register", options.register, "--from", *places], root)
    else:
        run(["init", "--sample"], root)
    seconds = {stage: run([stage], root) for stage in PIPELINE}
    _print(root, seconds)


def _print(root: Path, seconds: dict[str, float]) -> None:
    (dataset,) = root.glob("data/*/dataset/report.json")
    (train,) = root.glob("models/*/adapter/train.json")
    (metrics,) = root.glob("reports/*/evaluation/metrics.json")
    (registration,) = root.glob("models/*/registration/registration.json")
    print("\n| stage | seconds |\n|---|---|")
    for stage, taken in seconds.items():
        print(f"| {stage} | {taken:.0f} |")
    print("\n| figure | value |\n|---|---|")
    for source in (dataset, train, metrics, registration):
        for key, value in read_json(source).items():
            if isinstance(value, int | float | str):
                print(f"| {key} | {f'{value:.4g}' if isinstance(value, float) else value} |")
    print(f"\nresults are in {root}")


if __name__ == "__main__":
    main()
