"""Supervised fine-tuning of a LoRA adapter: the entry point that torchrun starts, locally and on the cluster.

`python -m torch.distributed.run --nproc-per-node N -m twin.training.sft --config config.json`
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import types
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from twin import redact, tables
from twin.errors import TrainingError
from twin.files import read_json, replacing, write_json, write_text
from twin.params import Train
from twin.training import packing
from twin.training.encode import IGNORED, encode
from twin.training.job import Fitted, arguments, at_once, common_dtype, curve_of, fit, pad, world_size
from twin.training.launch import end_with_those_who_started_it

# Beside the progress file: the curve of a training that still runs.
LIVE_CURVE = "train-curve.csv"


@dataclass(frozen=True, slots=True)
class SftConfig:
    """Where everything lies, and the choices of params.yaml's `train`; paths are strings, for JSON.

    With `pairs`, a table of preference pairs, the job goes on from the adapter in the folder `adapter` and learns to
    prefer (twin.training.preference); else it learns a new adapter from the examples.
    """

    base: str
    dataset: str
    out: str
    checkpoints: str
    progress: str
    max_tokens: int
    train: dict[str, Any]
    adapter: str = ""
    pairs: str = ""


def write_config(config: SftConfig, path: Path) -> Path:
    """Write the config where every process of the job reads it."""
    return write_json(path, asdict(config))


def planned_steps(examples: int, tokens: int, train: Train) -> int:
    """Optimizer steps: `epochs` over the data, cut to `token_budget` tokens where one is set."""
    epochs = train.epochs if not train.token_budget else min(train.epochs, train.token_budget / max(1, tokens))
    return max(1, math.ceil(epochs * math.ceil(examples / train.batch_size)))


def run(config: SftConfig) -> None:
    """Train, keeping the weights with the lowest validation loss. Raises TrainingError on an empty split."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, EarlyStoppingCallback, Trainer, set_seed

    train = Train.model_validate(config.train)
    set_seed(train.seed)
    tokenizer = AutoTokenizer.from_pretrained(config.base)
    rows = tables.read(Path(config.dataset) / tables.EXAMPLES, "examples")
    parts = {s: encode(rows[rows["split"] == s], tokenizer, config.max_tokens) for s in ("train", "validation")}
    for name, part in parts.items():
        if not part:
            raise TrainingError(f"the {name} split holds no example", config.dataset, "Collect more texts.")
    world, dtype, room = world_size(), common_dtype(), train.packed_tokens
    tokens = sum(len(e["input_ids"]) for e in parts["train"])
    examples = len(parts["train"])
    if room:
        parts = {name: packing.pack(part, room) for name, part in parts.items()}
    attention = packing.register() if room and torch.cuda.is_available() else None
    model = _with_lora(
        AutoModelForCausalLM.from_pretrained(config.base, dtype=dtype, attn_implementation=attention), train
    )
    steps = planned_steps(len(parts["train"]), tokens, train)
    every = max(1, round(math.ceil(len(parts["train"]) / train.batch_size) / train.evals_per_epoch))
    trainer = Trainer(
        model=model,
        args=arguments(
            config.checkpoints, train, world=world, micro=at_once(train, world), steps=steps, every=every,
            learning_rate=train.learning_rate, best=True, dtype=dtype,
        ),
        train_dataset=parts["train"], eval_dataset=parts["validation"],
        data_collator=lambda batch: (
            packing.stack(batch, tokenizer.pad_token_id, room) if room else pad(batch, tokenizer.pad_token_id)
        ), processing_class=tokenizer,
        callbacks=[EarlyStoppingCallback(early_stopping_patience=train.patience)],
    )  # fmt: skip
    rate = tokens / len(parts["train"]) * train.batch_size
    said = f"learn from {examples} examples, {tokens:,} tokens"
    fitted = fit(trainer, said, steps, rate, Path(config.progress), LIVE_CURVE)
    if trainer.is_world_process_zero():
        _save(trainer, Path(config.out), fitted, rate, tokens)


def _with_lora(model: Any, train: Train) -> Any:
    import torch
    from peft import LoraConfig, get_peft_model

    # Vocabulary logits at prompt positions are the largest product of a small model and nobody looks at them.
    model.forward = types.MethodType(completion_loss, model)
    model.config.use_cache = False
    # Needed by gradient checkpointing: the frozen embeddings' output must carry gradients.
    model.enable_input_require_grads()
    config = LoraConfig(
        r=train.rank, lora_alpha=train.alpha, lora_dropout=train.dropout, target_modules="all-linear",
        task_type="CAUSAL_LM",
    )  # fmt: skip
    # DeepSpeed keeps fp32 masters of a bf16 adapter: autocast copies would only cost time.
    learner = get_peft_model(model, config, autocast_adapter_dtype=False)
    # Layer by layer: they are all alike, so one is compiled. ZeRO-3 fetches their weights by hooks that break it.
    if train.compile and torch.cuda.is_available() and train.zero_stage < 3:
        for layer in model.model.layers:
            layer.compile()
    return learner


def completion_loss(
    self: Any, input_ids: Any, attention_mask: Any = None, labels: Any = None, num_items_in_batch: Any = None,
    position_ids: Any = None, segments: Any = None, **_: Any,
) -> dict[str, Any]:  # fmt: skip
    """A causal LM's forward that computes logits only where a label is: the loss, summed per token.

    Divided by `num_items_in_batch` (all labels of the global batch) where given, else the mean of this batch.
    """
    seen = self.model(input_ids=input_ids, attention_mask=attention_mask, position_ids=position_ids, segments=segments)
    hidden = seen.last_hidden_state[:, :-1]
    wanted = labels[:, 1:] != IGNORED
    loss = _summed_loss(hidden[wanted], self.lm_head, labels[:, 1:][wanted])
    return {"loss": loss / (num_items_in_batch if num_items_in_batch is not None else wanted.sum())}


def _summed_loss(hidden: Any, head: Any, labels: Any) -> Any:
    """Cross-entropy of [n, hidden] against [n], summed; on a GPU by Liger's kernel where it is installed.

    The kernel never holds all logits. It reads the head's weight itself, so not where ZeRO-3 has taken that apart.
    """
    import torch

    fused = _fused_loss() if hidden.is_cuda and head.weight.numel() and head.bias is None else None
    if fused:
        return fused(head.weight, hidden, labels)
    return torch.nn.functional.cross_entropy(head(hidden).float(), labels, reduction="sum")


@cache
def _fused_loss() -> Any:
    try:
        from liger_kernel.transformers import LigerFusedLinearCrossEntropyLoss
    except ImportError:
        return None
    return LigerFusedLinearCrossEntropyLoss(reduction="sum")


def _save(trainer: Any, out: Path, fitted: Fitted, tokens_per_step: float, tokens: int) -> None:
    import torch

    history = trainer.state.log_history
    held = {int(x["step"]): x["eval_loss"] for x in history if "eval_loss" in x}
    speed = tokens_per_step * (trainer.state.global_step - fitted.begun) / fitted.seconds
    with replacing(out) as fresh:
        trainer.model.save_pretrained(fresh)
        write_text(fresh / "loss.csv", curve_of(history))
        write_json(
            fresh / "train.json",
            {"steps": trainer.state.global_step, "train_tokens": tokens, "seconds": round(fitted.seconds, 1),
             "tokens_per_second": round(speed, 1), "validation_loss": min(held.values(), default=float("nan")),
             "first_validation_loss": held[min(held)] if held else None, "processes": world_size(),
             "resumed_from_step": fitted.begun, "restarts": int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")),
             "step_seconds": fitted.step_seconds(), "dtype": str(trainer.model.dtype).removeprefix("torch."),
             "gpu_peak_bytes": torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None},
        )  # fmt: skip


def main() -> None:
    """Read the config named on the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    redact.install()
    end_with_those_who_started_it()
    # DeepSpeed loads it for a tuner that nothing here uses: half of the time and a third of the memory of its import.
    sys.modules["mlflow"] = None  # type: ignore[assignment]
    config = SftConfig(**read_json(parser.parse_args().config))
    if config.pairs:
        from twin.training import preference

        preference.run(config)
    else:
        run(config)


if __name__ == "__main__":
    main()
