"""Stage train: a LoRA adapter from the examples, by torchrun under DeepSpeed."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

from twin import tables
from twin.errors import DataError
from twin.files import read_json, replacing
from twin.params import Params
from twin.progress import Progress
from twin.settings import Settings
from twin.stages.forget_models import note
from twin.stages.preferences import prefer

Metrics = dict[str, float | int | str]


def train(dataset: Path, out: Path, params: Params, settings: Settings, progress: Progress) -> Metrics:
    """Write the adapter (safetensors and GGUF), `train.json` and `loss.csv` below `out`.

    Where `train.preference` asks for it, the adapter is then tuned to prefer the author's texts and the person's edits.
    A run that was killed continues from its last checkpoint when called again with the same data and choices.
    Raises TrainingError, ModelError; with preference tuning DataError and EvaluationError, too.
    """
    from twin.basemodel import local_path
    from twin.serving.gguf import adapter_to_gguf
    from twin.training.launch import torchrun
    from twin.training.sft import SftConfig, write_config

    examples = dataset / tables.EXAMPLES
    if not examples.exists():
        raise DataError("a stage's input is missing", examples, "Run `twin dataset` first, or all with `dvc repro`.")
    with progress.step(f"prepare the base model {params.train.base_model}"):
        base = local_path(params.train.base_model, settings.home / "models")
    work = settings.home / "checkpoints" / params.author.id / _key(examples, params)

    def start(job: Path) -> None:
        torchrun(job, settings.home, params.train.processes, settings.logs / f"train-{params.author.id}.log")

    with replacing(out) as fresh:
        preferring = params.train.preference.epochs > 0
        tuned = work / "fine-tuned" if preferring else fresh
        config = SftConfig(
            base=str(base.folder), dataset=str(dataset), out=str(tuned), checkpoints=str(work),
            progress=str(settings.progress), max_tokens=params.dataset.max_tokens, train=params.train.model_dump(mode="json"),
        )  # fmt: skip
        if not (tuned / "adapter.gguf").exists():
            start(write_config(config, work / "config.json"))
            with progress.step("convert the adapter for the local predictor"):
                adapter_to_gguf(tuned, base.folder, tuned / "adapter.gguf")
        if preferring:
            prefer(replace(config, out=str(fresh)), base, tuned, params, settings, progress, start)
        (fresh / "README.md").unlink(missing_ok=True)
        note(dataset, fresh)
    shutil.rmtree(work, ignore_errors=True)
    metrics: Metrics = read_json(out / "train.json")
    return metrics


def _key(examples: Path, params: Params) -> str:
    """One folder of checkpoints for one set of data and choices: others must not be resumed from."""
    digest = hashlib.sha256(examples.read_bytes())
    digest.update(params.train.model_dump_json().encode())
    digest.update(str(params.dataset.max_tokens).encode())
    return digest.hexdigest()[:16]
