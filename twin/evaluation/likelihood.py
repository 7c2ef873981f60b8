"""Bits per byte of held-out texts under the base model and under adapters, exactly, in one model load."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin.errors import EvaluationError
from twin.precision import model_dtype
from twin.weights import safe

IGNORED = -100
BASE = "base"
_BATCH_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class Row:
    """One text piece as token ids: `labels` are IGNORED in the prompt; `bytes` is the UTF-8 length of what is labelled."""

    document_id: str
    input_ids: Sequence[int]
    labels: Sequence[int]
    bytes: int


@dataclass(frozen=True, slots=True)
class Bits:
    """Bits that one row's labelled tokens cost; `adapter` is None where no adapter was given."""

    row: Row
    base: float
    adapter: float | None


def score(
    base_folder: Path,
    adapters: Mapping[str, Path],
    rows: Sequence[Row],
    tick: Callable[[int], None] = lambda _: None,
) -> dict[str, list[float]]:
    """Bits that each row's labelled tokens cost, in the rows' order: under BASE and under each adapter.

    Batches hold rows of like length and at most about 2,048 tokens. Weights are bf16 or float32
    (`twin.precision`), sums are float64 of float32 log-probabilities; all figures come from the same base weights with
    other adapters switched on. Raises EvaluationError when the model or an adapter can't be loaded.
    """
    if not rows:
        return {name: [] for name in (BASE, *adapters)}
    model, device = _load(base_folder, adapters)
    found = {name: [0.0] * len(rows) for name in (BASE, *adapters)}
    for batch in _batches(rows):
        picked = [rows[i] for i in batch]
        for name, bits_of in found.items():
            if name != BASE:
                model.set_adapter(name)
            with model.disable_adapter() if adapters and name == BASE else nullcontext():
                nats = _nats(model, picked, device)
            for i, value in zip(batch, nats, strict=True):
                bits_of[i] = value / math.log(2)
        tick(len(batch))
    return found


def bits(
    base_folder: Path,
    adapter_dir: Path | None,
    rows: Sequence[Row],
    tick: Callable[[int], None] = lambda _: None,
) -> list[Bits]:
    """Score all rows under the base and, where one is given, under one adapter; as `score`."""
    found = score(base_folder, {} if adapter_dir is None else {"adapter": adapter_dir}, rows, tick)
    adapted: Sequence[float | None] = found.get("adapter") or [None] * len(rows)
    return [Bits(row, base, after) for row, base, after in zip(rows, found[BASE], adapted, strict=True)]


def bits_per_byte(
    base_folder: Path, adapter_dir: Path | None, rows: Sequence[Row], tick: Callable[[int], None] = lambda _: None
) -> list[float]:
    """Bits per byte of each row, under the adapter where one is given, else under the base."""
    scored = bits(base_folder, adapter_dir, rows, tick)
    return [(b.base if b.adapter is None else b.adapter) / b.row.bytes for b in scored]


def by_document(scored: Sequence[Bits]) -> list[tuple[str, float, float, int]]:
    """(document id, base bits, adapter bits, bytes) summed over each document's pieces, in order of appearance."""
    sums: dict[str, tuple[float, float, int]] = {}
    for one in scored:
        base, adapted, size = sums.get(one.row.document_id, (0.0, 0.0, 0))
        mine = one.base if one.adapter is None else one.adapter
        sums[one.row.document_id] = (base + one.base, adapted + mine, size + one.row.bytes)
    return [(document, *values) for document, values in sums.items()]


def document_sums(
    rows: Sequence[Row], found: Mapping[str, Sequence[float]]
) -> tuple[list[str], dict[str, list[float]], list[int]]:
    """(document ids in order of appearance, bits of each by model, bytes of each), summed over a document's pieces."""
    documents = list(dict.fromkeys(row.document_id for row in rows))
    place = {document: i for i, document in enumerate(documents)}
    sums = {name: [0.0] * len(documents) for name in found}
    sizes = [0] * len(documents)
    for i, row in enumerate(rows):
        sizes[place[row.document_id]] += row.bytes
        for name, values in found.items():
            sums[name][place[row.document_id]] += values[i]
    return documents, sums, sizes


def _load(base_folder: Path, adapters: Mapping[str, Path]) -> tuple[Any, str]:
    import torch
    from transformers import AutoModelForCausalLM

    device = "cuda" if torch.cuda.is_available() else "cpu"
    where = base_folder
    try:
        model = AutoModelForCausalLM.from_pretrained(base_folder, dtype=model_dtype())
        for n, (name, folder) in enumerate(adapters.items()):
            where = safe(folder)
            if n == 0:
                from peft import PeftModel

                model = PeftModel.from_pretrained(model, str(folder), name, autocast_adapter_dtype=False)
            else:
                model.load_adapter(str(folder), name, autocast_adapter_dtype=False)
        model = model.to(model_dtype())
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        reason = f"{where} ({type(error).__name__}: {str(error)[:200]})"
        raise EvaluationError("the model can't be loaded for scoring", reason, "Run `twin train` again.") from error
    return model.to(device).eval(), device


def _batches(rows: Sequence[Row]) -> list[list[int]]:
    """Positions of rows, longest first; padded, no batch is over the bound (a single long row may be)."""
    batches: list[list[int]] = []
    for i in sorted(range(len(rows)), key=lambda i: -len(rows[i].input_ids)):
        if batches and len(rows[batches[-1][0]].input_ids) * (len(batches[-1]) + 1) <= _BATCH_TOKENS:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches


def _nats(model: Any, rows: Sequence[Row], device: str) -> list[float]:
    """−log p of each row's labelled tokens. Padded on the left, so that logits are made for the texts' ends alone."""
    import torch

    width = max(len(row.input_ids) for row in rows)
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    mask = torch.zeros_like(ids)
    labels = torch.full_like(ids, IGNORED)
    for i, row in enumerate(rows):
        start = width - len(row.input_ids)
        ids[i, start:], mask[i, start:] = torch.tensor(row.input_ids), 1
        labels[i, start:] = torch.tensor(row.labels)
    first = int((labels != IGNORED).any(0).nonzero()[0])
    keep = width - max(first, 1) + 1
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    with torch.inference_mode():
        logits = model(
            input_ids=ids.to(device), attention_mask=mask.to(device), position_ids=positions.to(device),
            logits_to_keep=keep, use_cache=False,
        ).logits  # fmt: skip
        wanted = labels[:, -(keep - 1) :].to(device)
        return [_sum(row_logits[:-1], target) for row_logits, target in zip(logits, wanted, strict=True)]


def _sum(logits: Any, target: Any) -> float:
    import torch

    losses = torch.nn.functional.cross_entropy(logits.float(), target, ignore_index=IGNORED, reduction="none")
    return float(losses.double().sum())
