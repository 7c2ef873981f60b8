"""Choices of training side by side, by validation loss: `python -m bench.sweep --root FOLDER [--try rank=32,alpha=64 …]`.

FOLDER is what `python -m bench.author --root FOLDER` left behind. The first row is its params.yaml as it stands; each
other row changes what it names. Every run trains on the train split and is judged by the validation split: the test
split is never read. Runs that were made before are not made again (`FOLDER/sweep`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import shutil
from pathlib import Path
from typing import Any

from twin import params as params_file
from twin import settings as environment
from twin import tables
from twin.basemodel import local_path
from twin.files import read_json
from twin.params import Params, Train
from twin.training.launch import torchrun
from twin.training.sft import SftConfig, write_config
from twin.workspace import Workspace

TRIES = ("learning_rate=0.001", "learning_rate=0.0002", "rank=64,alpha=128", "batch_size=4", "epochs=5,token_budget=0")


def main() -> None:
    """Read the command line, train for each choice, print a row as each ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--try", dest="tries", nargs="*", default=list(TRIES))
    options = parser.parse_args()
    root = options.root.resolve()
    params = params_file.load(root / "params.yaml")
    print(
        "| choice | steps | seconds | tokens/s | loss at its first look to best, nats a token | change to the first |"
    )
    print("|---|---|---|---|---|---|", flush=True)
    first = math.nan
    for choice in ["as in params.yaml", *options.tries]:
        changed = dict(part.split("=", 1) for part in choice.split(",")) if "=" in choice else {}
        train = Train.model_validate({**params.train.model_dump(), **changed})
        found = trained(root, params.model_copy(update={"train": train}))
        loss = float(found["validation_loss"])
        first = loss if math.isnan(first) else first
        print(
            f"| {choice} | {found['steps']} | {found['seconds']:.0f} | {found['tokens_per_second']:.0f} |"
            f" {found['first_validation_loss']:.4f} to {loss:.4f} | {loss / first - 1:+.2%} |",
            flush=True,
        )


def trained(root: Path, params: Params) -> dict[str, Any]:
    """train.json of a training with these choices, made now or kept from before, and the adapter's `folder`."""
    space, settings = Workspace(root, params.author.id), environment.load()
    examples = space.dataset / tables.EXAMPLES
    train = params.train.model_dump(mode="json")
    chosen = json.dumps([train, params.dataset.max_tokens], sort_keys=True)
    key = hashlib.sha256(chosen.encode() + examples.read_bytes()).hexdigest()[:12]
    folder = root / "sweep" / key
    if not (folder / "adapter" / "train.json").exists():
        config = SftConfig(
            base=str(local_path(params.train.base_model, settings.home / "models").folder), dataset=str(space.dataset),
            out=str(folder / "adapter"), checkpoints=str(folder / "checkpoints"), progress=str(folder),
            max_tokens=params.dataset.max_tokens, train=train,
        )  # fmt: skip
        torchrun(write_config(config, folder / "config.json"), settings.home, params.train.processes, folder / "log")
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return {**read_json(folder / "adapter" / "train.json"), "folder": folder / "adapter"}


if __name__ == "__main__":
    main()
