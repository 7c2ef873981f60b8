"""Bits per byte against a plain computation on a tiny random model: padding, batches and the adapter change nothing."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from twin.errors import EvaluationError
from twin.evaluation.likelihood import IGNORED, Row, _batches, bits, bits_per_byte, by_document


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A random two-layer Llama and a LoRA adapter whose B is not zero."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("tiny")
    config = LlamaConfig(
        vocab_size=97, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=128, initializer_range=0.2,
    )  # fmt: skip
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder / "base")
    model = get_peft_model(
        LlamaForCausalLM.from_pretrained(folder / "base", dtype=torch.bfloat16),
        LoraConfig(r=4, lora_alpha=16, target_modules="all-linear", init_lora_weights=False),
    )
    model.save_pretrained(folder / "adapter")
    return folder / "base", folder / "adapter"


def _rows(n: int) -> list[Row]:
    rng = random.Random(5)
    rows = []
    for i in range(n):
        prompt = [rng.randrange(97) for _ in range(rng.randrange(1, 20))]
        body = [rng.randrange(97) for _ in range(rng.randrange(3, 40))]
        rows.append(Row(f"d{i // 2}", prompt + body, [IGNORED] * len(prompt) + body, 3 * len(body)))
    return rows


@pytest.mark.slow
def test_batched_bits_are_the_plain_ones_with_and_without_the_adapter(tiny: tuple[Path, Path]) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base, adapter = tiny
    rows = _rows(12)
    ticks: list[int] = []
    found = bits(base, adapter, rows, ticks.append)
    assert sum(ticks) == 12 and [b.row for b in found] == rows
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16).eval()
    assert [b.base for b in found] == pytest.approx([_plain(plain, r) for r in rows], rel=0.01)
    adapted = PeftModel.from_pretrained(plain, str(adapter)).eval()
    assert [b.adapter for b in found] == pytest.approx([_plain(adapted, r) for r in rows], rel=0.01)
    assert any(abs(b.base - (b.adapter or 0)) > 0.05 * b.base for b in found)
    assert bits_per_byte(base, None, rows[:3]) == pytest.approx([b.base / b.row.bytes for b in found[:3]], rel=0.01)


def _plain(model: object, row: Row) -> float:
    import torch

    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([row.input_ids])).logits[0, :-1].float()  # type: ignore[operator]
    target = torch.tensor(row.labels)[1:]
    return float(torch.nn.functional.cross_entropy(logits, target, ignore_index=IGNORED, reduction="sum")) / math.log(2)


def test_batches_hold_every_row_once_and_keep_the_bound() -> None:
    rows = [Row("d", [1] * n, [1] * n, 1) for n in (3000, 900, 900, 900, 10, 10)]
    batches = _batches(rows)
    assert sorted(i for batch in batches for i in batch) == list(range(6))
    assert all(len(b) == 1 or len(rows[b[0]].input_ids) * len(b) <= 2048 for b in batches)


def test_pieces_are_summed_by_document() -> None:
    from twin.evaluation.likelihood import Bits

    rows = _rows(4)
    scored = [Bits(row, 10.0, 8.0) for row in rows]
    assert by_document(scored) == [
        ("d0", 20.0, 16.0, rows[0].bytes + rows[1].bytes), ("d1", 20.0, 16.0, rows[2].bytes + rows[3].bytes),
    ]  # fmt: skip


def test_nothing_to_score_is_nothing() -> None:
    assert bits(Path("nowhere"), None, []) == []


@pytest.mark.slow
def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="twin train"):
        bits(tmp_path / "gone", None, _rows(1))
