"""Fine-tuning alone against fine-tuning and preference tuning: `python -m bench.preference --root FOLDER --work FOLDER`.

FOLDER is what `python -m bench.author --root FOLDER` leaves. The pairs, the tuning and what is measured go below
`--work`: a run that was killed goes on when called again. Both adapters write for the validation split's briefs; no
text of the test split is read.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin import params as parameters
from twin import tables
from twin.evaluation.arms import ALIGNED, LORA, first_pieces
from twin.files import read_json, replacing, write_json
from twin.params import Params
from twin.progress import Progress
from twin.settings import Settings, load
from twin.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

_WARM = 16
# What is printed: words, the metric's name with the arm's place, how it is written.
ROWS = (
    ("bits per byte, held out", "bits_per_byte_{bits}", ".4f"),
    ("style gap closed (masked, pools)", "style_gap_closure_{arm}", ".0%"),
    ("… lower end", "style_gap_closure_{arm}_low", ".0%"),
    ("pools taken for the author (masked)", "accepted_masked_{pool}_{arm}", ".0%"),
    ("pools taken for the author (grammar)", "accepted_grammar_{pool}_{arm}", ".0%"),
    ("tokens in copied spans", "copy_share_{arm}", ".2%"),
    ("ended", "ended_share_{arm}", ".1%"),
    ("loops", "loop_share_{arm}", ".1%"),
    ("points made", "covered_points_{arm}", ".0%"),
    ("unsupported / 100 words", "unsupported_per_100_words_{arm}", ".2f"),
    ("length beside the author's", "length_ratio_{arm}", ".2f"),
)


def main() -> None:
    """Tune, let both adapters write, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--epochs", type=float, default=2.0)
    parser.add_argument("--texts", type=int, default=100)
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--briefs", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--max-new-tokens", type=int, help="of a draft; left out: as params.yaml says")
    options = parser.parse_args()
    params = chosen(parameters.load(options.root / "params.yaml"), options)
    # The project is read; logs, progress and drafts go to the bench's own folder, and no champion is looked for.
    home = options.work / "home"
    settings = dataclasses.replace(load(), root=options.root, home=home, mlflow_uri=f"sqlite:///{home}/none.db")
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "models").exists() and (options.root / ".twin" / "models").exists():
        (home / "models").symlink_to((options.root / ".twin" / "models").resolve())
    began = time.monotonic()
    tuned = tune(options.work, params, settings)
    show(tuned, measure(options.work, params, settings), params, time.monotonic() - began)


def chosen(params: Params, options: argparse.Namespace) -> Params:
    """The project's params with the bench's choices of tuning, and an evaluation of these two adapters alone."""
    preference = params.train.preference.model_copy(
        update={"epochs": options.epochs, "texts": options.texts, "tries": options.tries,
                "learning_rate": options.learning_rate}
    )  # fmt: skip
    evaluate = params.evaluate.model_copy(
        update={
            "briefs": options.briefs,
            "seeds": options.seeds,
            "wrong_author_tokens": 0,
            "max_new_tokens": options.max_new_tokens or params.evaluate.max_new_tokens,
        }
    )
    train = params.train.model_copy(update={"preference": preference})
    return params.model_copy(update={"train": train, "evaluate": evaluate})


def tune(work: Path, params: Params, settings: Settings) -> dict[str, Any]:
    """Tune a copy of the project's adapter as stage train does; returns its train.json."""
    from twin.basemodel import local_path
    from twin.stages.preferences import prefer
    from twin.training.launch import torchrun
    from twin.training.sft import SftConfig

    space, models = Workspace(settings.root, params.author.id), work / "models"
    if not (models / "adapter").exists():
        shutil.copytree(space.adapter, models / "adapter")
    if not (models / ALIGNED).exists():
        base = local_path(params.train.base_model, settings.home / "models")

        def start(job: Path) -> None:
            torchrun(job, load().home, 1, settings.logs / "preference.log")

        with replacing(models / ALIGNED) as fresh:
            config = SftConfig(
                base=str(base.folder), dataset=str(space.dataset), out=str(fresh), checkpoints=str(work),
                progress=str(settings.progress), max_tokens=params.dataset.max_tokens,
                train=params.train.model_dump(mode="json"),
            )  # fmt: skip
            prefer(config, base, models / "adapter", params, settings, Progress("train", settings.progress), start)
    found: dict[str, Any] = read_json(models / ALIGNED / "train.json")
    return found


def measure(work: Path, params: Params, settings: Settings) -> dict[str, float]:
    """Run stage evaluate on the validation split, both adapters as its arms; returns its metrics."""
    from twin.stages.evaluate import evaluate

    rows = tables.read(Workspace(settings.root, params.author.id).dataset / tables.EXAMPLES, "examples")
    tables.write(shifted(rows), work / "dataset" / tables.EXAMPLES, "examples")
    metrics = evaluate(
        work / "dataset", work / "models" / "adapter", work / "no-features", work / "evaluation", params, settings,
        Progress("evaluate", settings.progress),
    )  # fmt: skip
    found = {name: float(value) for name, value in metrics.items()}
    write_json(work / "metrics.json", found)
    return found


def shifted(rows: pd.DataFrame) -> pd.DataFrame:
    """The examples one split further: validation is what is tested on, and the test split is not there.

    Some training texts stand as validation, too: the evaluation warms its verifier with what the base writes for them.
    """
    import pandas as pd

    held = rows[rows["split"].eq("validation")].assign(split="test")
    warm = first_pieces(rows, "train").tail(_WARM).assign(split="validation")
    warm = warm.assign(id=warm["id"] + "-warm")
    return pd.concat([rows[rows["split"].eq("train")], warm, held], ignore_index=True)


def show(tuned: Mapping[str, Any], metrics: Mapping[str, float], params: Params, seconds: float) -> None:
    """Print what was tuned on, then both adapters side by side."""
    for name, value in tuned.items():
        if name.startswith("preference_"):
            print(f"{name.removeprefix('preference_')}: {value}")
    print(f"\n{metrics['briefs']:.0f} validation briefs, {params.evaluate.seeds} texts each; {seconds:.0f} s\n")
    print("| | SFT | SFT + preference |\n|---|---|---|")
    for words, pattern, form in ROWS:
        values = [
            metrics.get(pattern.format(arm=arm, bits=bits, pool=params.evaluate.pool), float("nan"))
            for arm, bits in ((LORA, "adapter"), (ALIGNED, ALIGNED))
        ]
        print(f"| {words} | " + " | ".join(f"{value:{form}}" for value in values) + " |")


if __name__ == "__main__":
    main()
