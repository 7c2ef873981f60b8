"""Supervised fine-tuning of a LoRA adapter: the entry point that torchrun starts, locally and on the cluster.

`python -m torch.distributed.run --nproc-per-node N -m twin.training.sft --config config.json`
"""

from __future__ import annotations

import argparse
import csv
import io
import math
import os
import types
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from twin import tables
from twin.errors import TrainingError
from twin.files import read_json, replacing, write_json, write_text
from twin.params import Train
from twin.progress import Progress
from twin.training.encode import IGNORED, encode
from twin.training.launch import end_with_those_who_started_it

_COMPLETE = "complete"
# Beside the progress file: the curve of a training that still runs.
LIVE_CURVE = "train-curve.csv"


@dataclass(frozen=True, slots=True)
class SftConfig:
    """Where everything lies, and the choices of params.yaml's `train`; paths are strings, for JSON."""

    base: str
    dataset: str
    out: str
    checkpoints: str
    progress: str
    max_tokens: int
    train: dict[str, Any]


def write_config(config: SftConfig, path: Path) -> Path:
    """Write the config where every process of the job reads it."""
    return write_json(path, asdict(config))


def deepspeed_config(train: Train) -> dict[str, Any]:
    """DeepSpeed's settings. The optimizer stays torch's AdamW: LoRA's few weights gain nothing from a fused one."""
    return {
        "zero_optimization": {"stage": train.zero_stage, "overlap_comm": False, "contiguous_gradients": True},
        "zero_force_ds_cpu_optimizer": False,
        "zero_allow_untested_optimizer": True,
        "bf16": {"enabled": True},
        "gradient_clipping": 1.0,
        "train_micro_batch_size_per_gpu": "auto",
        "gradient_accumulation_steps": "auto",
        "train_batch_size": "auto",
    }


def planned_steps(examples: int, tokens: int, train: Train) -> int:
    """Optimizer steps: `epochs` over the data, cut to `token_budget` tokens where one is set."""
    epochs = train.epochs if not train.token_budget else min(train.epochs, train.token_budget / max(1, tokens))
    return max(1, math.ceil(epochs * math.ceil(examples / train.batch_size)))


def run(config: SftConfig) -> None:
    """Train, keeping the weights with the lowest validation loss. Raises TrainingError on an empty split."""
    import torch
    from transformers import (
        AutoModelForCausalLM,
        AutoTokenizer,
        EarlyStoppingCallback,
        Trainer,
        TrainingArguments,
        set_seed,
    )

    train = Train.model_validate(config.train)
    set_seed(train.seed)
    tokenizer = AutoTokenizer.from_pretrained(config.base)
    rows = tables.read(Path(config.dataset) / tables.EXAMPLES, "examples")
    parts = {s: encode(rows[rows["split"] == s], tokenizer, config.max_tokens) for s in ("train", "validation")}
    for name, part in parts.items():
        if not part:
            raise TrainingError(f"the {name} split holds no example", config.dataset, "Collect more texts.")
    world = _world_size()
    micro = max(1, min(train.micro_batch_size, train.batch_size // world))
    gpu = torch.cuda.is_available()
    model = _with_lora(AutoModelForCausalLM.from_pretrained(config.base, dtype=torch.bfloat16), train)
    tokens = sum(len(e["input_ids"]) for e in parts["train"])
    steps = planned_steps(len(parts["train"]), tokens, train)
    every = max(1, round(math.ceil(len(parts["train"]) / train.batch_size) / train.evals_per_epoch))
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output_dir=config.checkpoints, max_steps=steps, per_device_train_batch_size=micro,
            gradient_accumulation_steps=max(1, train.batch_size // (micro * world)), per_device_eval_batch_size=micro,
            learning_rate=train.learning_rate, lr_scheduler_type="cosine",
            warmup_steps=math.ceil(steps * train.warmup_share), weight_decay=0.0,
            bf16=True, use_cpu=not gpu, ddp_backend=None if gpu else "gloo", deepspeed=deepspeed_config(train),
            gradient_checkpointing=gpu, train_sampling_strategy="group_by_length", remove_unused_columns=False,
            eval_strategy="steps", eval_steps=every, save_strategy="steps", save_steps=every,
            # Old ones are deleted before the new one counts as whole: the last whole one must not be among them.
            save_total_limit=3, restore_callback_states_from_checkpoint=True,
            load_best_model_at_end=True, metric_for_best_model="eval_loss", greater_is_better=False,
            logging_steps=1, report_to=[], disable_tqdm=True, seed=train.seed, dataloader_num_workers=0,
            prediction_loss_only=True, use_cache=False, log_level="error",
        ),
        train_dataset=parts["train"], eval_dataset=parts["validation"],
        data_collator=lambda batch: pad(batch, tokenizer.pad_token_id), processing_class=tokenizer,
        callbacks=[EarlyStoppingCallback(early_stopping_patience=train.patience)],
    )  # fmt: skip
    rate = tokens / len(parts["train"]) * train.batch_size
    resumed = last_complete(Path(config.checkpoints))
    begun = _step_of(resumed) if resumed else 0
    onwards = f", on from step {begun}" if resumed else ""
    with Progress("train", Path(config.progress) if trainer.is_world_process_zero() else None).step(
        f"learn from {len(parts['train'])} examples, {tokens:,} tokens{onwards}", steps
    ) as step:
        trainer.add_callback(_watcher(step, rate, Path(config.progress) / LIVE_CURVE))
        outcome = trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    if trainer.is_world_process_zero():
        _save(trainer, Path(config.out), outcome, rate, tokens, begun)


def pad(batch: list[dict[str, list[int]]], pad_id: int) -> dict[str, Any]:
    """Right-pad to the batch's longest: input_ids, attention_mask and labels, each [batch, tokens] int64.

    The mask comes from the lengths, never from the pad id: where pad and end-of-turn are one token, the end would be
    lost.
    """
    import torch

    longest = max(len(e["input_ids"]) for e in batch)
    fill = [longest - len(e["input_ids"]) for e in batch]
    return {
        "input_ids": torch.tensor([e["input_ids"] + [pad_id] * n for e, n in zip(batch, fill, strict=True)]),
        "attention_mask": torch.tensor([[1] * (longest - n) + [0] * n for n in fill]),
        "labels": torch.tensor([e["labels"] + [IGNORED] * n for e, n in zip(batch, fill, strict=True)]),
    }


def last_complete(checkpoints: Path) -> Path | None:
    """The newest checkpoint that was written to its end, if any; half-written ones are not trusted."""
    return max((p.parent for p in checkpoints.glob(f"checkpoint-*/{_COMPLETE}")), key=_step_of, default=None)


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _with_lora(model: Any, train: Train) -> Any:
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
    # DeepSpeed keeps fp32 masters of the bf16 adapter: autocast copies would only cost time.
    return get_peft_model(model, config, autocast_adapter_dtype=False)


def completion_loss(
    self: Any, input_ids: Any, attention_mask: Any = None, labels: Any = None, num_items_in_batch: Any = None, **_: Any
) -> dict[str, Any]:
    """A causal LM's forward that computes logits only where a label is: the loss, summed per token.

    Divided by `num_items_in_batch` (all labels of the global batch) where given, else the mean of this batch.
    """
    import torch

    hidden = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state[:, :-1]
    wanted = labels[:, 1:] != IGNORED
    logits = self.lm_head(hidden[wanted]).float()
    loss = torch.nn.functional.cross_entropy(logits, labels[:, 1:][wanted], reduction="sum")
    return {"loss": loss / (num_items_in_batch if num_items_in_batch is not None else wanted.sum())}


def _watcher(step: Any, tokens_per_step: float, live: Path) -> Any:
    import time

    import torch
    from transformers import TrainerCallback

    class Watcher(TrainerCallback):  # the library's only way to be told
        began, first = time.time(), -1

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if self.first < 0:
                # A resumed run begins where the killed one stood, and the first step pays for warm-up.
                self.began, self.first, step.done = time.time(), state.global_step, state.global_step - 1
            steps = state.global_step - self.first
            speed = steps * tokens_per_step / max(1e-6, time.time() - self.began)
            last: dict[str, Any] = next((x for x in reversed(state.log_history) if "loss" in x), {})
            step.advance(1, f"loss {last.get('loss', float('nan')):.3f}, {speed:.0f} tokens/s")

        def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.is_world_process_zero:
                write_text(live, _curve(state.log_history))

        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            # Each process writes its own part of a checkpoint: it is whole when the slowest has written.
            if torch.distributed.is_initialized():
                torch.distributed.barrier()
            if state.is_world_process_zero:
                write_text(Path(args.output_dir) / f"checkpoint-{state.global_step}" / _COMPLETE, "")

    return Watcher()


def _save(trainer: Any, out: Path, outcome: Any, tokens_per_step: float, tokens: int, begun: int) -> None:
    history = trainer.state.log_history
    held = {int(x["step"]): x["eval_loss"] for x in history if "eval_loss" in x}
    seconds = outcome.metrics["train_runtime"]
    speed = tokens_per_step * (trainer.state.global_step - begun) / seconds
    with replacing(out) as fresh:
        trainer.model.save_pretrained(fresh)
        write_text(fresh / "loss.csv", _curve(history))
        write_json(
            fresh / "train.json",
            {"steps": trainer.state.global_step, "train_tokens": tokens, "seconds": round(seconds, 1),
             "tokens_per_second": round(speed, 1), "validation_loss": min(held.values(), default=float("nan")),
             "first_validation_loss": held[min(held)] if held else None, "processes": _world_size(),
             "resumed_from_step": begun, "restarts": int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))},
        )  # fmt: skip


def _curve(history: Sequence[Mapping[str, Any]]) -> str:
    """The losses so far as CSV; a validation stands in the row of the training step that it followed."""
    held = {int(x["step"]): f"{x['eval_loss']:.5f}" for x in history if "eval_loss" in x}
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["step", "loss", "validation_loss", "learning_rate"])
    for entry in history:
        if "loss" in entry:
            at = int(entry["step"])
            table.writerow([at, f"{entry['loss']:.5f}", held.get(at, ""), f"{entry['learning_rate']:.3g}"])
    return out.getvalue()


def _join() -> None:
    """Join the other processes of this attempt; only where torchrun's own store is used.

    torchrun (2.13) keeps one store for all attempts: by chance a process finds a dead one's address there before its
    successor's, and waits for it. Keys of their own for each attempt part them.
    """
    import torch
    import torch.distributed

    dist: Any = torch.distributed
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True" or dist.is_initialized():
        return
    world, attempt = int(os.environ["WORLD_SIZE"]), os.environ["TORCHELASTIC_RESTART_COUNT"]
    shared = dist.TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), world, is_master=False)
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group(
        "nccl" if gpu else "gloo", store=dist.PrefixStore(f"attempt-{attempt}", shared),
        rank=int(os.environ["RANK"]), world_size=world,
    )  # fmt: skip


def _world_size() -> int:
    import torch.distributed as dist
    from accelerate import PartialState

    _join()
    PartialState()
    return dist.get_world_size() if dist.is_initialized() else 1


def main() -> None:
    """Read the config named on the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", type=Path, required=True)
    end_with_those_who_started_it()
    run(SftConfig(**read_json(parser.parse_args().config)))


if __name__ == "__main__":
    main()
