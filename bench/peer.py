"""Our training beside TRL's SFTTrainer with its defaults: `python -m bench.peer --root FOLDER [--tokens 30000]`.

FOLDER is what `python -m bench.author --root FOLDER` left behind. Same base model, examples, LoRA shape, learning rate,
batch of a step and number of steps; what else TRL sets by itself stays as it is. One process each, one after the other.
Both adapters are judged by one function on the same validation examples. TRL is no part of the twin: `pip install trl`.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.sweep import trained
from twin import params as params_file
from twin import settings as environment
from twin import tables
from twin.basemodel import local_path
from twin.files import read_json, write_json
from twin.params import Params, Train
from twin.training.encode import encode
from twin.workspace import Workspace


def main() -> None:
    """Train twice, judge twice, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=30_000, help="to learn from, in each of the two")
    parser.add_argument("--theirs", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.theirs:
        theirs(read_json(options.theirs))
        return
    root = options.root.resolve()
    params = params_file.load(root / "params.yaml")
    train = params.train.model_copy(update={"token_budget": options.tokens, "processes": 1})
    params = params.model_copy(update={"train": train})
    rows = {"the twin": ours(root, params)}
    rows["TRL's SFTTrainer"] = beside(root, params, rows["the twin"])
    held = {name: held_out(root, params, row["adapter"]) for name, row in rows.items()}
    print(f"{rows['the twin']['steps']} steps of {train.batch_size} examples. Held-out loss in nats a token.\n")
    print("| | tokens/s | seconds | held-out loss, base to adapter |\n|---|---|---|---|")
    before = held_out(root, params, None)
    for name, row in rows.items():
        print(f"| {name} | {row['speed']:.0f} | {row['seconds']:.0f} | {before:.4f} to {held[name]:.4f} |")
    mine, other = rows["the twin"], rows["TRL's SFTTrainer"]
    gap = held["the twin"] / held["TRL's SFTTrainer"] - 1
    print(f"\n{mine['speed'] / other['speed']:.2f} times the tokens a second; the loss differs by {gap:+.2%}.")


def ours(root: Path, params: Params) -> dict[str, Any]:
    """Our own training, as `twin train` starts it."""
    done = trained(root, params)
    return {
        "adapter": done["folder"],
        "steps": done["steps"],
        "seconds": done["seconds"],
        "speed": done["tokens_per_second"],
    }


def beside(root: Path, params: Params, mine: dict[str, Any]) -> dict[str, Any]:
    """TRL's training in a process of its own: {adapter, seconds, speed in tokens a second, padding not counted}."""
    space = Workspace(root, params.author.id)
    with tempfile.TemporaryDirectory() as work:
        job = {
            "base": base_of(params), "dataset": str(space.dataset), "out": str(root / "sweep" / "trl"),
            "steps": mine["steps"], "train": params.train.model_dump(mode="json"), "checkpoints": work,
            "max_tokens": params.dataset.max_tokens,
        }  # fmt: skip
        config = write_json(Path(work) / "config.json", job)
        run = ["nice", "-n", "10", sys.executable, "-m", "bench.peer", "--root", str(root), "--theirs", str(config)]
        subprocess.run(run, check=True, stdout=sys.stderr)
    return {"adapter": root / "sweep" / "trl", **read_json(root / "sweep" / "trl" / "trl.json")}


def theirs(job: dict[str, Any]) -> None:
    """The process of TRL: conversations in, an adapter out."""
    from datasets import Dataset  # type: ignore[import-not-found, import-untyped, unused-ignore]
    from peft import LoraConfig
    from transformers import AutoTokenizer
    from trl import SFTConfig, SFTTrainer  # type: ignore[import-not-found, attr-defined, unused-ignore]

    train = Train.model_validate(job["train"])
    rows = tables.read(Path(job["dataset"]) / tables.EXAMPLES, "examples")
    rows = rows[rows["split"] == "train"]
    tokenizer = AutoTokenizer.from_pretrained(job["base"])
    mean = sum(len(e["input_ids"]) for e in encode(rows, tokenizer, job["max_tokens"])) / len(rows)
    pairs = [
        {"prompt": json.loads(m), "completion": [{"role": "assistant", "content": c}]}
        for m, c in zip(rows["messages"], rows["completion"], strict=True)
    ]
    trainer = SFTTrainer(
        model=job["base"],
        args=SFTConfig(
            output_dir=job["checkpoints"], max_steps=job["steps"], per_device_train_batch_size=train.batch_size,
            learning_rate=train.learning_rate, lr_scheduler_type="cosine",
            warmup_steps=math.ceil(job["steps"] * train.warmup_share), seed=train.seed, use_cpu=True, report_to=[],
            save_strategy="no", disable_tqdm=True,
        ),
        train_dataset=Dataset.from_list(pairs), processing_class=tokenizer,
        peft_config=LoraConfig(r=train.rank, lora_alpha=train.alpha, target_modules="all-linear", task_type="CAUSAL_LM"),
    )  # fmt: skip
    began = time.monotonic()
    trainer.train()
    seconds = time.monotonic() - began
    trainer.model.save_pretrained(job["out"])
    speed = mean * train.batch_size * job["steps"] / seconds
    write_json(Path(job["out"]) / "trl.json", {"seconds": round(seconds, 1), "speed": round(speed, 1)})


def base_of(params: Params) -> str:
    """The base model's folder of safetensors."""
    return str(local_path(params.train.base_model, environment.load().home / "models").folder)


def held_out(root: Path, params: Params, adapter: Path | None) -> float:
    """Mean loss of the validation split's completions, nats a token, in fp32; the base model's without an adapter."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base_of(params))
    model: Any = AutoModelForCausalLM.from_pretrained(base_of(params), dtype=torch.float32)
    if adapter:
        model = PeftModel.from_pretrained(model, str(adapter))
    rows = tables.read(Workspace(root, params.author.id).dataset / tables.EXAMPLES, "examples")
    total, count = 0.0, 0
    for one in encode(rows[rows["split"] == "validation"], tokenizer, params.dataset.max_tokens):
        ids, labels = torch.tensor([one["input_ids"]]), torch.tensor([one["labels"]])
        with torch.inference_mode():
            words = int((labels[:, 1:] != -100).sum())
            total, count = total + float(model(input_ids=ids, labels=labels).loss) * words, count + words
    return total / count


if __name__ == "__main__":
    main()
