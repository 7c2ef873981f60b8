"""A control of stage evaluate: an adapter trained on other people's texts, with the author's prompts and settings."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from twin import prompts, tables
from twin.basemodel import BasePaths
from twin.files import replacing
from twin.params import Params
from twin.progress import Progress
from twin.settings import Settings

_HELD = 8
_CHARS_PER_TOKEN = 3.6


def wrong_author(
    texts: Mapping[str, Sequence[str]],
    register: str,
    base: BasePaths,
    params: Params,
    settings: Settings,
    progress: Progress,
) -> Path | None:
    """The control adapter's folder, trained when no earlier run has made the same; None when params leave it out.

    What it gains on the author's texts is the gain of any human prose in this form: only what the author's own adapter
    gains beyond it is the person. Raises TrainingError.
    """
    budget = params.evaluate.wrong_author_tokens
    if not budget or sum(map(len, texts.values())) < 2 * _HELD:
        return None
    rows = _examples(texts, register, params, budget)
    made = settings.home / "controls" / _key(rows, base, params)
    if not (made / "adapter.gguf").exists():
        train_on(rows, made, base, params, settings, progress)
    return made


def _examples(texts: Mapping[str, Sequence[str]], register: str, params: Params, budget: int) -> list[dict[str, str]]:
    """Rows as the dataset stage makes them, one text of each author in turn, up to about `budget` tokens."""
    from twin.training.briefs import brief_for

    longest = max(map(len, texts.values()))
    turns = [(name, i) for i in range(longest) for name in sorted(texts) if i < len(texts[name])]
    rows: list[dict[str, str]] = []
    spent = 0.0
    for name, i in turns:
        text = texts[name][i][: int(params.dataset.max_tokens * 0.75 * _CHARS_PER_TOKEN)]
        asked = prompts.draft(name=params.author.name, register=register, brief=brief_for("", text, "en"))
        rows.append(
            {"id": f"files:{name}-{i}#0", "document_id": f"files:{name}-{i}", "register": register, "kind": "brief",
             "split": "validation" if i == 0 and len(rows) < _HELD else "train",
             "messages": json.dumps(asked, ensure_ascii=False), "completion": text}
        )  # fmt: skip
        spent += (len(text) + sum(len(m["content"]) for m in asked)) / _CHARS_PER_TOKEN
        if spent > budget and len(rows) >= 2 * _HELD:
            break
    return rows


def train_on(
    rows: Sequence[Mapping[str, str]],
    made: Path,
    base: BasePaths,
    params: Params,
    settings: Settings,
    progress: Progress,
    epochs: float = 1.0,
) -> None:
    """Train a LoRA adapter on rows of an examples table, as the train stage does, into `made`."""
    import pandas as pd

    from twin.serving.gguf import adapter_to_gguf
    from twin.training.launch import torchrun
    from twin.training.sft import SftConfig, write_config

    work = made.with_name(f"{made.name}-work")
    tables.write(pd.DataFrame(rows), work / tables.EXAMPLES, "examples")
    choices = params.train.model_copy(update={"epochs": epochs, "token_budget": 0, "evals_per_epoch": 1})
    with progress.step("train the control adapter on other people's texts"), replacing(made) as fresh:
        config = SftConfig(
            base=str(base.folder), dataset=str(work), out=str(fresh), checkpoints=str(work / "checkpoints"),
            progress=str(settings.home / "controls" / "progress"), max_tokens=params.dataset.max_tokens,
            train=choices.model_dump(mode="json"),
        )  # fmt: skip
        torchrun(write_config(config, work / "config.json"), settings.home, 1, settings.logs / "train-control.log")
        adapter_to_gguf(fresh, base.folder, fresh / "adapter.gguf")
    shutil.rmtree(work, ignore_errors=True)


def _key(rows: list[dict[str, str]], base: BasePaths, params: Params) -> str:
    choices = [rows, base.name, params.train.model_dump(mode="json", exclude={"preference"}), params.dataset.max_tokens]
    return hashlib.sha256(json.dumps(choices, sort_keys=True).encode()).hexdigest()[:16]
