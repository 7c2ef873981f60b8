"""Preference tuning after fine-tuning: DPO with an SFT term, on from the adapter that was fine-tuned.

The same entry point starts it (twin.training.sft, with `pairs` in its config), so it runs wherever that runs.
"""

from __future__ import annotations

import math
import shutil
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin import tables
from twin.errors import TrainingError
from twin.files import read_json, replacing, write_json, write_text
from twin.params import Preference, Train
from twin.training.encode import IGNORED, encode
from twin.training.job import Fitted, arguments, at_once, common_dtype, curve_of, fit, gathered, pad, rank, world_size
from twin.weights import safe

if TYPE_CHECKING:
    import pandas as pd

    from twin.training.sft import SftConfig

LIVE_CURVE = "preference-curve.csv"
Item = dict[str, Any]


def run(config: SftConfig) -> None:
    """Tune the adapter on the pairs and keep the last weights. Raises TrainingError where there is no pair.

    The examples' validation split is measured as fine-tuning measures it and decides nothing.
    """
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, set_seed

    train = Train.model_validate(config.train)
    chosen = train.preference
    set_seed(train.seed)
    tokenizer = AutoTokenizer.from_pretrained(config.base)
    items = encoded(tables.read(Path(config.pairs), "pairs"), tokenizer, config.max_tokens)
    if not items:
        raise TrainingError(
            "there is no preference pair to learn from", config.pairs, "Set train.preference.epochs to 0."
        )
    rows = tables.read(Path(config.dataset) / tables.EXAMPLES, "examples")
    held = encode(rows[rows["split"] == "validation"], tokenizer, config.max_tokens)
    world, dtype = world_size(), common_dtype()
    seen: list[float] = []
    base = _listening(AutoModelForCausalLM.from_pretrained(config.base, dtype=dtype), chosen, seen)
    # DeepSpeed keeps fp32 masters of a bf16 adapter: autocast copies would only cost time.
    model = PeftModel.from_pretrained(base, safe(Path(config.adapter)), is_trainable=True, autocast_adapter_dtype=False)

    def collate(batch: Sequence[Item]) -> dict[str, Any]:
        return together(batch, tokenizer.pad_token_id)

    micro = at_once(train, world, rows=2)
    _refer(model, items, collate, micro, Path(config.checkpoints) / "reference.json")
    a_pass = math.ceil(len(items) / train.batch_size)
    steps = max(1, math.ceil(chosen.epochs * a_pass))
    trainer = Trainer(
        model=model,
        args=arguments(
            config.checkpoints, train, world=world, micro=micro, steps=steps,
            every=max(1, round(a_pass / train.evals_per_epoch)), learning_rate=chosen.learning_rate, best=False,
            dtype=dtype,
        ),
        train_dataset=items, eval_dataset=held, data_collator=collate, processing_class=tokenizer,
        callbacks=[_margins(seen)],
    )  # fmt: skip
    tokens = sum(len(item["input_ids"]) + len(item["rejected"]["input_ids"]) for item in items)
    said = f"learn to prefer from {len(items)} pairs, {tokens:,} tokens"
    rate = tokens / len(items) * train.batch_size
    fitted = fit(trainer, said, steps, rate, Path(config.progress), LIVE_CURVE)
    if held and not any(entry["step"] == steps for entry in trainer.state.log_history if "eval_loss" in entry):
        trainer.evaluate()
    if trainer.is_world_process_zero():
        _save(trainer, config, fitted, len(items), a_pass)


def encoded(pairs: pd.DataFrame, tokenizer: Any, max_tokens: int) -> list[Item]:
    """Rows of a pairs table as token ids: the chosen text's `input_ids` and `labels`, and the same of `rejected`.

    Both end with the end-of-turn token where the pair `ends`, as `encode` says: that a text ends is learned, never
    preferred.
    """
    sides = [encode(pairs.assign(completion=pairs[side]), tokenizer, max_tokens) for side in ("chosen", "rejected")]
    return [{**chosen, "rejected": rejected} for chosen, rejected in zip(*sides, strict=True)]


def together(batch: Sequence[Item], pad_id: int) -> dict[str, Any]:
    """Pad as `pad`: all chosen texts, then all rejected ones, [2 × pairs, tokens], and `reference` [pairs, 2] where it
    is known. Items without a rejected text (held-out examples) are padded alone.
    """
    import torch

    rejected = [item["rejected"] for item in batch if "rejected" in item]
    found = pad([*batch, *rejected], pad_id)
    if all("reference" in item for item in batch):
        found["reference"] = torch.tensor([item["reference"] for item in batch], dtype=torch.float32)
    return found


def preference_loss(logps: Any, tokens: Any, reference: Any, beta: float, sft_weight: float) -> tuple[Any, Any]:
    """(loss, margins [pairs]): −log σ(margin) and `sft_weight` times the chosen text's nats a token, mean over pairs.

    `logps` and `tokens` are [2 × pairs], chosen first; `reference` [pairs, 2]. A margin is β times what the chosen text
    has gained on the reference less what the rejected one has. DPO: Rafailov et al., NeurIPS 2023; the second term:
    Pang et al., NeurIPS 2024.
    """
    import torch

    pairs = len(reference)
    gained = logps - reference.T.reshape(-1)
    margins = beta * (gained[:pairs] - gained[pairs:])
    nats = -(logps / tokens)[:pairs]
    return (sft_weight * nats - torch.nn.functional.logsigmoid(margins)).mean(), margins


def _listening(model: Any, chosen: Preference, seen: list[float]) -> Any:
    """The model with a forward that gives the preference loss; each pair's margin goes to `seen` while it learns.

    Logits are made only where a label is. Without a reference the loss is the mean per token, as in fine-tuning.
    """
    import torch

    def forward(
        self: Any, input_ids: Any, attention_mask: Any = None, labels: Any = None, reference: Any = None, **_: Any
    ) -> dict[str, Any]:
        hidden = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state[:, :-1]
        wanted = labels[:, 1:] != IGNORED
        logits = self.lm_head(hidden[wanted]).float()
        nats = torch.nn.functional.cross_entropy(logits, labels[:, 1:][wanted], reduction="none")
        logps = -torch.zeros(len(labels), device=nats.device).index_add(0, wanted.nonzero()[:, 0], nats)
        if reference is None:
            return {"loss": nats.mean(), "logps": logps}
        loss, margins = preference_loss(logps, wanted.sum(1), reference, chosen.beta, chosen.sft_weight)
        if torch.is_grad_enabled():
            seen.extend(margins.tolist())
        return {"loss": loss, "logps": logps}

    model.forward = types.MethodType(forward, model)
    # The loss is a mean over pairs: Trainer must not count tokens for it.
    model.accepts_loss_kwargs = False
    model.config.use_cache = False
    # Needed by gradient checkpointing: the frozen embeddings' output must carry gradients.
    model.enable_input_require_grads()
    return model


def _refer(model: Any, items: list[Item], collate: Callable[..., dict[str, Any]], micro: int, kept: Path) -> None:
    """Give every item its `reference`: both texts' log-probabilities under the adapter as it was fine-tuned.

    Computed once, by all processes together, and kept: a run that goes on must not refer to what it has become.
    """
    import torch

    if not kept.exists():
        device, own, world = "cuda" if torch.cuda.is_available() else "cpu", rank(), world_size()
        model.to(device).eval()
        order = sorted(range(len(items)), key=lambda i: len(items[i]["input_ids"]))[own::world]
        mine: list[tuple[int, list[float]]] = []
        for picked in (order[at : at + micro] for at in range(0, len(order), micro)):
            batch = {name: value.to(device) for name, value in collate([items[i] for i in picked]).items()}
            with torch.no_grad():
                logps = model(**batch)["logps"].reshape(2, -1).T.tolist()
            mine += zip(picked, logps, strict=True)
        found = [logps for _, logps in sorted(gathered(mine))]
        if not own:
            write_json(kept, found)
    else:
        found = read_json(kept)
    for item, logps in zip(items, found, strict=True):
        item["reference"] = logps


def _margins(seen: list[float]) -> Any:
    """A callback that writes each step's mean margin, and the share of pairs ranked as they should be, to the history."""
    from transformers import TrainerCallback

    class Margins(TrainerCallback):
        def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if "loss" not in state.log_history[-1]:
                return
            found = gathered(seen)
            seen.clear()
            state.log_history[-1]["margin"] = sum(found) / len(found)
            state.log_history[-1]["right"] = sum(margin > 0 for margin in found) / len(found)

    return Margins()


def _save(trainer: Any, config: SftConfig, fitted: Fitted, pairs: int, a_pass: int) -> None:
    history = trainer.state.log_history
    held = [entry["eval_loss"] for entry in history if "eval_loss" in entry]
    last = [entry for entry in history if "margin" in entry][-a_pass:]
    before = Path(config.adapter)
    with replacing(Path(config.out)) as fresh:
        trainer.model.save_pretrained(fresh)
        shutil.copyfile(before / "loss.csv", fresh / "loss.csv")
        write_text(fresh / "preference.csv", curve_of(history))
        found = {
            "steps": trainer.state.global_step, "seconds": round(fitted.seconds, 1), "resumed_from_step": fitted.begun, "pairs": pairs,
            "loss": last[-1]["loss"], "validation_loss": held[-1] if held else None,
            "margin": round(sum(entry["margin"] for entry in last) / len(last), 4),
            "right_share": round(sum(entry["right"] for entry in last) / len(last), 4),
        }  # fmt: skip
        fine_tuned = read_json(before / "train.json")
        write_json(fresh / "train.json", fine_tuned | {f"preference_{name}": value for name, value in found.items()})
