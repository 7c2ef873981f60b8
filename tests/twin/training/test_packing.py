"""Packed rows: nothing is lost, no example sees its neighbour, and the loss is that of the examples alone."""

from itertools import pairwise

import pytest

from twin.errors import TrainingError
from twin.training import packing, sft
from twin.training.encode import IGNORED
from twin.training.job import pad

LENGTHS = (40, 25, 9, 31, 17, 22, 12)


def examples() -> list[dict[str, list[int]]]:
    made = []
    for number, length in enumerate(LENGTHS):
        ids = [(number * 31 + n * 7) % 190 + 5 for n in range(length)]
        made.append({"input_ids": ids, "labels": [IGNORED] * 4 + ids[4:]})
    return made


def test_every_example_is_in_one_row_and_rows_are_few() -> None:
    rows = packing.pack(examples(), 64)
    assert len(rows) == 3 and all(len(row["input_ids"]) <= 64 for row in rows)
    found = []
    for row in rows:
        begins = [n for n, place in enumerate(row["position_ids"]) if place == 0] + [len(row["position_ids"])]
        found += [tuple(row["input_ids"][a:b]) for a, b in pairwise(begins)]
    assert sorted(found) == sorted(tuple(e["input_ids"]) for e in examples())
    assert sum(label != IGNORED for row in rows for label in row["labels"]) == sum(LENGTHS) - 4 * len(LENGTHS)


def test_what_is_longer_than_a_row_is_refused_by_name() -> None:
    with pytest.raises(TrainingError, match=r"40 tokens does not fit into a row of 39") as error:
        packing.pack(examples(), 39)
    assert "train.packed_tokens" in str(error.value)


def test_the_filling_is_a_segment_that_nobody_learns_from() -> None:
    batch = packing.stack(packing.pack(examples(), 64), pad_id=3, room=64)
    assert batch["input_ids"].shape == batch["labels"].shape == batch["position_ids"].shape == (3, 64)
    borders = batch["segments"].tolist()
    lengths = [b - a for a, b in pairwise(borders)]
    assert sum(lengths) == 3 * 64 and set(LENGTHS) <= set(lengths) and len(lengths) == len(LENGTHS) + 3
    assert int((batch["labels"] != IGNORED).sum()) == sum(LENGTHS) - 4 * len(LENGTHS)


def test_packed_rows_have_the_loss_of_padded_ones() -> None:
    model = small("cpu", None)
    packed = model(**packing.stack(packing.pack(examples(), 64), 3, 64), num_items_in_batch=1)["loss"]
    assert packed.item() == pytest.approx(model(**pad(examples(), 3), num_items_in_batch=1)["loss"].item(), rel=1e-5)


def test_on_a_gpu_attention_loss_and_compiled_layers_agree_with_the_plain_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    batch = {k: v.cuda() for k, v in packing.stack(packing.pack(examples(), 64), 3, 64).items()}
    found = {}
    for name, attention, compiled, fused in (
        ("plain", None, False, False), ("varlen", packing.register(), False, False),
        ("fused", packing.ATTENTION, False, True), ("compiled", packing.ATTENTION, True, True),
    ):  # fmt: skip
        with monkeypatch.context() as patch:
            if not fused:
                patch.setattr(sft, "_fused_loss", lambda: None)
            model = small("cuda", attention).bfloat16()
            for layer in model.model.layers if compiled else ():
                layer.compile()
            loss = model(**batch, num_items_in_batch=1)["loss"]
            loss.backward()
            weight = model.model.layers[0].self_attn.q_proj.weight.grad.float()
            found[name] = (loss.item(), weight)
    loss, weight = found["plain"]
    for name, (other, learned) in found.items():
        assert other == pytest.approx(loss, rel=5e-3), name
        assert float((learned - weight).norm() / weight.norm()) < 0.03, name


def small(card: str, attention: str | None):  # type: ignore[no-untyped-def]
    import types

    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=200, hidden_size=128, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, use_cache=False, attn_implementation=attention,
        )
    ).to(card)  # fmt: skip
    model.lm_head.weight.requires_grad_(False)
    model.forward = types.MethodType(sft.completion_loss, model)
    return model
