"""Training on a GPU beside TRL's SFTTrainer: `python -m bench.gpu [--shapes 1b 8b] [--work FOLDER]`.

Random weights of Llama's shapes, rank 16, made-up texts packed into rows of 4,096 tokens. Ours is the training job
itself, as torchrun starts it; TRL keeps its defaults but for packing, the length of a row and the rows of a step. A row
of the table: tokens a second and share of the card's peak from the median step, and peak memory of the allocator. TRL is no
part of the twin: `pip install trl`.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from bench import tiny
from twin import tables
from twin.files import read_json, write_json
from twin.params import Train
from twin.training.encode import IGNORED, encode
from twin.training.launch import torchrun
from twin.training.packing import pack
from twin.training.sft import SftConfig, write_config

ROOM = 4096
# Rows of a step, so many at once; steps, of which the first three warm up.
ROWS, STEPS = 4, 11
# Dense bf16 operations a second, from the cards' data sheets.
PEAK = {"H100": 989e12, "H200": 989e12, "A100": 312e12}
SHAPES = {
    "tiny": {"hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2, "num_attention_heads": 8,
             "num_key_value_heads": 2, "vocab_size": 512, "tie_word_embeddings": True},
    "1b": {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32,
           "num_key_value_heads": 8, "vocab_size": 128_256, "tie_word_embeddings": True},
    "8b": {"hidden_size": 4096, "intermediate_size": 14_336, "num_hidden_layers": 32, "num_attention_heads": 32,
           "num_key_value_heads": 8, "vocab_size": 128_256, "tie_word_embeddings": False},
}  # fmt: skip
OURS: dict[str, dict[str, Any]] = {
    "the twin": {},
    "the twin, not compiled": {"compile": False},
    "the twin, no checkpointing": {"gradient_checkpointing": False},
}
TRL: dict[str, dict[str, Any]] = {
    "TRL": {},
    # Rows are filled by cutting texts, and texts see their neighbours: no mask that follows the borders.
    "TRL, no checkpointing, rows filled": {"gradient_checkpointing": False, "packing_strategy": "wrapped"},
}


def main() -> None:
    """Make the models, train each way, print a row as each ends; one that fails says why in its row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", nargs="+", default=["1b", "8b"], choices=SHAPES)
    parser.add_argument("--ways", nargs="+", default=["the twin", "TRL"], choices=[*OURS, *TRL])
    parser.add_argument("--micro", type=int, default=2, help="rows at once")
    parser.add_argument("--work", type=Path, default=Path("/tmp/twin-gpu"))
    parser.add_argument("--theirs", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.theirs:
        theirs(read_json(options.theirs))
        return
    print(
        "| shape | way | rows at once | tokens/s | of the peak | by 6N | peak GiB | loss |\n|---|---|---|---|---|---|---|---|"
    )
    for shape in options.shapes:
        folder = options.work / shape
        model(folder / "base", shape)
        texts(folder / "data")
        for way in options.ways:
            began = time.monotonic()
            try:
                choices = {"micro_batch_size": options.micro, **OURS.get(way, {})}
                done = ours(folder, choices) if way in OURS else beside(folder, options.micro, TRL[way])
                print(row(shape, way, folder, done), flush=True)
            except Exception as error:
                traceback.print_exc()
                print(f"| {shape} | {way} | failed: {str(error)[-300:]!r} |", flush=True)
            print(f"… {shape}, {way}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def model(folder: Path, shape: str) -> None:
    """Write a Llama of random weights and a byte-level tokenizer into `folder`, unless it is there."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    if (folder / "made").exists():
        return
    tiny.base(folder, ["so many words, so little to say"])
    card = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_default_dtype(torch.bfloat16)
    with torch.device(card):
        made = LlamaForCausalLM(LlamaConfig(max_position_embeddings=ROOM * 2, dtype="bfloat16", **SHAPES[shape]))
    torch.set_default_dtype(torch.float32)
    made.save_pretrained(folder)
    (folder / "made").touch()
    del made
    if card == "cuda":
        torch.cuda.empty_cache()


def texts(folder: Path) -> None:
    """Examples for every step, none longer than a row: briefs of 60 tokens, texts of 200 to 2,000."""
    import pandas as pd

    chance = random.Random(7)
    # Of single bytes, as the tokenizer knows no others: a token a letter.
    words = ["".join(chance.choices("bcdfghjklmnpqrstvwxz", k=chance.randint(2, 9))) for _ in range(500)]
    rows: list[dict[str, Any]] = []
    wanted = {"train": ROOM * ROWS * STEPS, "validation": ROOM // 2}
    for split, tokens in wanted.items():
        while tokens > 0:
            long = int(200 * 10 ** chance.random())
            said = " ".join(chance.choices(words, k=long // 6))[:long]
            brief = " ".join(chance.choices(words, k=10))[:60]
            asked = json.dumps([{"role": "user", "content": brief}])
            rows.append({"id": f"files:{len(rows)}#0", "document_id": f"files:{len(rows)}", "register": "post",
                         "kind": "brief", "split": split, "messages": asked, "completion": said})  # fmt: skip
            tokens -= long + 100
    tables.write(pd.DataFrame(rows), folder / tables.EXAMPLES, "examples")


def ours(folder: Path, choices: dict[str, Any]) -> dict[str, Any]:
    """The training job, as the stage starts it."""
    out = folder / "ours" / str(abs(hash(json.dumps(choices))))
    train = Train.model_validate(
        {
            "rank": 16,
            "alpha": 32,
            "batch_size": ROWS,
            "packed_tokens": ROOM,
            "epochs": 1,
            "evals_per_epoch": 1,
            **choices,
        }
    )
    config = SftConfig(
        base=str(folder / "base"), dataset=str(folder / "data"), out=str(out / "adapter"),
        checkpoints=str(out / "checkpoints"), progress=str(out), max_tokens=ROOM, train=train.model_dump(mode="json"),
    )  # fmt: skip
    torchrun(write_config(config, out / "config.json"), folder, 1, out / "log")
    report = read_json(out / "adapter" / "train.json")
    examples = encoded(folder)
    packed = len(pack(examples, ROOM))
    return {
        "seconds": report["step_seconds"], "peak": report["gpu_peak_bytes"], "rows": packed,
        "micro": train.micro_batch_size, "loss": report["validation_loss"],
    }  # fmt: skip


def beside(folder: Path, micro: int, further: dict[str, Any]) -> dict[str, Any]:
    """TRL's training in a process of its own."""
    job = {"folder": str(folder), "further": {"per_device_train_batch_size": micro, **further}}
    config = write_json(folder / "theirs.json", job)
    subprocess.run([sys.executable, "-m", "bench.gpu", "--theirs", str(config)], check=True, stdout=sys.stderr)
    return dict(read_json(folder / "theirs-done.json"))


def theirs(job: dict[str, Any]) -> None:
    """The process of TRL: the same conversations, model, LoRA shape and rows of a step."""
    import torch
    from datasets import Dataset  # type: ignore[import-not-found, import-untyped, unused-ignore]
    from peft import LoraConfig
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer  # type: ignore[import-not-found, attr-defined, unused-ignore]

    folder, further = Path(job["folder"]), job["further"]
    rows = tables.read(folder / "data" / tables.EXAMPLES, "examples")
    rows = rows[rows["split"] == "train"]
    pairs = [
        {"prompt": json.loads(m), "completion": [{"role": "assistant", "content": c}]}
        for m, c in zip(rows["messages"], rows["completion"], strict=True)
    ]
    seconds: list[float] = []

    class Watch(TrainerCallback):
        began = 0.0

        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.began = time.monotonic()

        def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if "loss" in state.log_history[-1]:
                seconds.append(time.monotonic() - self.began)

    card = torch.cuda.is_available()
    trainer = SFTTrainer(
        model=str(folder / "base"),
        args=SFTConfig(
            output_dir=str(folder / "trl"), max_steps=STEPS - 2, packing=True, max_length=ROOM, report_to=[],
            gradient_accumulation_steps=ROWS // further["per_device_train_batch_size"], save_strategy="no",
            disable_tqdm=True, logging_steps=1, use_cpu=not card, model_init_kwargs={"dtype": "bfloat16"}, **further,
        ),
        train_dataset=Dataset.from_list(pairs), callbacks=[Watch()],
        peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
    )  # fmt: skip
    trainer.train()
    losses = [x["loss"] for x in trainer.state.log_history if "loss" in x]
    done = {
        "seconds": statistics.median(seconds[3:]), "peak": torch.cuda.max_memory_allocated() if card else None,
        "rows": len(trainer.train_dataset), "micro": further["per_device_train_batch_size"], "loss": losses[-1],
    }  # fmt: skip
    write_json(folder / "theirs-done.json", done)


def encoded(folder: Path) -> list[dict[str, list[int]]]:
    """The training examples as token ids."""
    from transformers import AutoTokenizer

    rows = tables.read(folder / "data" / tables.EXAMPLES, "examples")
    return encode(rows[rows["split"] == "train"], AutoTokenizer.from_pretrained(folder / "base"), ROOM)


def row(shape: str, way: str, folder: Path, done: dict[str, Any]) -> str:
    """One line of the table."""
    import torch

    examples = encoded(folder)
    tokens = sum(len(e["input_ids"]) for e in examples)
    share = ROWS / done["rows"] / done["seconds"]
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    peak = next((operations for name, operations in PEAK.items() if name in card), float("nan"))
    needed, six = operations_of(examples, SHAPES[shape])
    memory = f"{done['peak'] / 2**30:.1f}" if done["peak"] else "–"
    return (
        f"| {shape} | {way} | {done['micro']} | {tokens * share:,.0f} | {needed * share / peak:.1%} |"
        f" {six * share / peak:.1%} | {memory} | {done['loss']:.3f} |"
    )


def operations_of(examples: list[dict[str, list[int]]], shape: dict[str, Any]) -> tuple[float, float]:
    """Operations that a pass of LoRA needs, and 6N per token as training of all weights is counted.

    A frozen product costs 2 forward and 2 for its input's gradient; an adapter's 6; the head's counts where a label is.
    Attention looks at half of each text's square. What is computed twice to save memory is not counted.
    """
    wide, inner, layers = shape["hidden_size"], shape["intermediate_size"], shape["num_hidden_layers"]
    keys = wide // shape["num_attention_heads"] * shape["num_key_value_heads"]
    frozen = layers * (2 * wide * wide + 2 * wide * keys + 3 * wide * inner)
    adapter = layers * 16 * (2 * 2 * wide + 2 * (wide + keys) + 3 * (wide + inner))
    head = wide * shape["vocab_size"]
    tokens = sum(len(e["input_ids"]) for e in examples)
    labels = sum(label != IGNORED for e in examples for label in e["labels"])
    attention = sum(6 * len(e["input_ids"]) ** 2 * wide * layers for e in examples)
    needed = tokens * (4 * frozen + 6 * adapter) + labels * 4 * head + attention
    return needed, tokens * 6 * (frozen + head) + attention


if __name__ == "__main__":
    main()
