"""Examples packed end to end into rows of one length, each blind to its neighbours: no padding to compute."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Any

from twin.errors import TrainingError
from twin.training.encode import IGNORED

# The name under which transformers finds `attend`.
ATTENTION = "twin_varlen"


def pack(examples: Sequence[dict[str, list[int]]], room: int) -> list[dict[str, list[int]]]:
    """Examples of `input_ids` and `labels` → rows of at most `room` tokens, with `position_ids` that begin anew.

    Best-fit decreasing: the longest first, each into the fullest row that still takes it. Raises TrainingError where an
    example is longer than a row.
    """
    free: list[tuple[int, int]] = []
    rows: list[dict[str, list[int]]] = []
    for example in sorted(examples, key=lambda e: -len(e["input_ids"])):
        length = len(example["input_ids"])
        if length > room:
            raise TrainingError(
                f"an example of {length} tokens does not fit into a row of {room}",
                "train.packed_tokens is less than dataset.max_tokens",
                f"Set train.packed_tokens to {length} or more, or to 0.",
            )
        at = bisect_left(free, (length, -1))
        if at == len(free):
            rows.append({"input_ids": [], "labels": [], "position_ids": []})
            left, row = room, len(rows) - 1
        else:
            left, row = free.pop(at)
        insort(free, (left - length, row))
        rows[row]["input_ids"] += example["input_ids"]
        rows[row]["labels"] += example["labels"]
        rows[row]["position_ids"] += range(length)
    return rows


def stack(batch: Sequence[dict[str, list[int]]], pad_id: int, room: int) -> dict[str, Any]:
    """Rows of `pack` → input_ids, labels and position_ids, each [rows, room] int64, and `segments` int32.

    `segments` holds the borders of all examples in the flattened rows, [examples + 1]; what fills a row up to `room` is
    a segment of its own that nobody learns from.
    """
    import torch

    fill = [room - len(row["input_ids"]) for row in batch]
    places = [row["position_ids"] + list(range(n)) for row, n in zip(batch, fill, strict=True)]
    position = torch.tensor(places)
    begins = (position.flatten() == 0).nonzero().flatten()
    return {
        "input_ids": torch.tensor([row["input_ids"] + [pad_id] * n for row, n in zip(batch, fill, strict=True)]),
        "labels": torch.tensor([row["labels"] + [IGNORED] * n for row, n in zip(batch, fill, strict=True)]),
        "position_ids": position,
        "segments": torch.cat([begins, torch.tensor([position.numel()])]).to(torch.int32),
    }


def register() -> str:
    """Make `attend` known to transformers; returns its name. Only for a GPU: elsewhere `sdpa` masks by the positions."""
    from transformers import AttentionInterface

    AttentionInterface.register(ATTENTION, attend)
    return ATTENTION


def attend(
    module: Any, query: Any, key: Any, value: Any, attention_mask: Any, *, segments: Any, scaling: float | None = None,
    **_: Any,
) -> tuple[Any, None]:  # fmt: skip
    """Causal attention inside each segment by torch's own FlashAttention: [rows, heads, tokens, size] queries in.

    The mask is not looked at: the segments say it all, and a dense mask of a row would cost the square of its length.
    """
    from torch.nn.attention.varlen import varlen_attn

    rows, heads, tokens, size = query.shape
    # Not every torch with this function shares one key among several queries' heads.
    repeats = heads // key.shape[1]
    key, value = (x.repeat_interleave(repeats, dim=1) if repeats > 1 else x for x in (key, value))
    q, k, v = (x.transpose(1, 2).reshape(rows * tokens, heads, size) for x in (query, key, value))
    out: Any = varlen_attn(q, k, v, segments, segments, tokens, tokens, scale=scaling, window_size=(-1, 0))
    return out.view(rows, tokens, heads, size), None
