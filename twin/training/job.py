"""What every training job shares: its processes, its arguments, its checkpoints and the curve that is watched."""

from __future__ import annotations

import csv
import io
import math
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twin.files import write_text
from twin.params import Train
from twin.precision import model_dtype
from twin.progress import Progress
from twin.training.encode import IGNORED

_COMPLETE = "complete"
# What a preference job adds to the curve.
_FURTHER = ("margin", "right")


@dataclass(slots=True)
class Fitted:
    """A training's end: seconds in all, the step it went on from, and the seconds of each step without validations."""

    seconds: float = 0.0
    begun: int = 0
    steps: list[float] = field(default_factory=list)

    def step_seconds(self) -> float | None:
        """The median of the steps after the first three, which pay for warming up; None of fewer."""
        return statistics.median(self.steps[3:]) if len(self.steps) > 3 else None


def deepspeed_config(train: Train, half: bool) -> dict[str, Any]:
    """DeepSpeed's settings, for bf16 where `half`. The optimizer stays torch's AdamW: LoRA's few weights gain nothing from a fused one."""
    return {
        "zero_optimization": {"stage": train.zero_stage, "overlap_comm": False, "contiguous_gradients": True},
        "zero_force_ds_cpu_optimizer": False,
        "zero_allow_untested_optimizer": True,
        "bf16": {"enabled": half},
        "gradient_clipping": 1.0,
        "train_micro_batch_size_per_gpu": "auto",
        "gradient_accumulation_steps": "auto",
        "train_batch_size": "auto",
    }


def arguments(
    checkpoints: str,
    train: Train,
    *,
    world: int,
    micro: int,
    steps: int,
    every: int,
    learning_rate: float,
    best: bool,
    dtype: Any,
) -> Any:
    """transformers' TrainingArguments: `train.batch_size` items a step over `world` processes, `micro` of them at once.

    Every `every` steps there is a validation and a checkpoint; `best` keeps the weights with the lowest validation loss.
    """
    import torch
    from transformers import TrainingArguments

    gpu, half = torch.cuda.is_available(), dtype == torch.bfloat16
    return TrainingArguments(
        output_dir=checkpoints, max_steps=steps, per_device_train_batch_size=micro,
        gradient_accumulation_steps=max(1, train.batch_size // (micro * world)), per_device_eval_batch_size=at_once(train, world),
        learning_rate=learning_rate, lr_scheduler_type="cosine",
        warmup_steps=math.ceil(steps * train.warmup_share), weight_decay=0.0,
        bf16=half, use_cpu=not gpu, ddp_backend=None if gpu else "gloo", deepspeed=deepspeed_config(train, half),
        gradient_checkpointing=gpu and train.gradient_checkpointing, train_sampling_strategy="group_by_length", remove_unused_columns=False,
        eval_strategy="steps", eval_steps=every, save_strategy="steps", save_steps=every,
        # Old ones are deleted before the new one counts as whole: the last whole one must not be among them.
        save_total_limit=3, restore_callback_states_from_checkpoint=True,
        load_best_model_at_end=best, metric_for_best_model="eval_loss", greater_is_better=False,
        logging_steps=1, report_to=[], disable_tqdm=True, seed=train.seed, dataloader_num_workers=0,
        prediction_loss_only=True, use_cache=False, log_level="error",
    )  # fmt: skip


def at_once(train: Train, world: int, rows: int = 1) -> int:
    """Items of `rows` rows each that one process takes at once, so that memory holds `train.micro_batch_size` rows."""
    return max(1, min(train.micro_batch_size // rows, train.batch_size // world))


def fit(trainer: Any, said: str, steps: int, tokens_per_step: float, progress: Path, curve: str) -> Fitted:
    """Train on from the last whole checkpoint, if any.

    The first process reports below the folder `progress`, and keeps the losses so far in its file `curve`.
    """
    resumed = last_complete(Path(trainer.args.output_dir))
    fitted = Fitted(begun=_step_of(resumed) if resumed else 0)
    onwards = f", on from step {fitted.begun}" if resumed else ""
    with Progress("train", progress if trainer.is_world_process_zero() else None).step(said + onwards, steps) as step:
        trainer.add_callback(_watcher(step, tokens_per_step, progress / curve, fitted.steps))
        outcome = trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    fitted.seconds = outcome.metrics["train_runtime"]
    return fitted


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


def _watcher(step: Any, tokens_per_step: float, live: Path, seconds: list[float]) -> Any:
    import torch
    from transformers import TrainerCallback

    class Watcher(TrainerCallback):  # the library's only way to be told
        began, first, began_step = time.monotonic(), -1, 0.0

        def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            self.began_step = time.monotonic()

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if self.first < 0:
                # A resumed run begins where the killed one stood, and the first step pays for warm-up.
                self.began, self.first, step.done = time.monotonic(), state.global_step, state.global_step - 1
            steps = state.global_step - self.first
            speed = steps * tokens_per_step / max(1e-6, time.monotonic() - self.began)
            last: dict[str, Any] = next((x for x in reversed(state.log_history) if "loss" in x), {})
            step.advance(1, f"loss {last['loss']:.3f}, {speed:.0f} tokens/s" if last else "")

        def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            # The loss has been read: a GPU has finished the step.
            if "loss" in state.log_history[-1]:
                seconds.append(time.monotonic() - self.began_step)
            if state.is_world_process_zero:
                write_text(live, curve_of(state.log_history))

        def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            # Each process writes its own part of a checkpoint: it is whole when the slowest has written.
            if torch.distributed.is_initialized():
                torch.distributed.barrier()
            if state.is_world_process_zero:
                write_text(Path(args.output_dir) / f"checkpoint-{state.global_step}" / _COMPLETE, "")

    return Watcher()


def curve_of(history: Sequence[Mapping[str, Any]]) -> str:
    """The losses so far as CSV; a validation stands in the row of the training step that it followed."""
    further = [name for name in _FURTHER if any(name in entry for entry in history)]
    held = {int(x["step"]): f"{x['eval_loss']:.5f}" for x in history if "eval_loss" in x}
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["step", "loss", "validation_loss", "learning_rate", *further])
    for entry in history:
        if "loss" in entry:
            at = int(entry["step"])
            row = [at, f"{entry['loss']:.5f}", held.get(at, ""), f"{entry['learning_rate']:.3g}"]
            table.writerow(row + [f"{entry.get(name, float('nan')):.4f}" for name in further])
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


def gathered(mine: Sequence[Any]) -> list[Any]:
    """What every process holds, joined in the processes' order; all of them must call it."""
    import torch.distributed as dist

    if not dist.is_initialized():
        return list(mine)
    found: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(found, list(mine))
    return [one for part in found for one in part]


def common_dtype() -> Any:
    """The number format that all processes train in: bf16 only where each one's processor has it."""
    import torch

    return torch.bfloat16 if all(gathered([model_dtype() == torch.bfloat16])) else torch.float32


def rank() -> int:
    """This process's place among them; accelerate's own count stays 1 on the CPU until a Trainer is made."""
    import torch.distributed as dist

    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """How many processes train together; joins them first."""
    import torch.distributed as dist
    from accelerate import PartialState

    _join()
    PartialState()
    return dist.get_world_size() if dist.is_initialized() else 1
