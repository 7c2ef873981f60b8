"""Examples as token ids: only the author's own words, and the end of the text, are learned from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

IGNORED = -100


def encode(frame: pd.DataFrame, tokenizer: Any, max_tokens: int) -> list[dict[str, list[int]]]:
    """Rows of `examples.parquet` → dicts of `input_ids` and `labels` (equal lengths, at most `max_tokens`).

    Labels of the prompt are IGNORED; the end-of-turn token is a label, else the model would never learn to stop. A
    completion that was cut by the limit ends without it: a text must not be taught to stop in mid-sentence. A prompt
    that leaves less than an eighth of `max_tokens` is cut from its left.
    """
    eos = tokenizer.eos_token_id
    prompts = [
        tokenizer.apply_chat_template(json.loads(m), tokenize=False, add_generation_prompt=True)
        for m in frame["messages"]
    ]
    prompt_ids = tokenizer(prompts, add_special_tokens=False)["input_ids"]
    completion_ids = tokenizer(list(frame["completion"]), add_special_tokens=False)["input_ids"]
    last = list(frame["ends"]) if "ends" in frame else _last_pieces(list(frame["document_id"]))
    encoded = []
    for prompt, completion, ends in zip(prompt_ids, completion_ids, last, strict=True):
        prompt = prompt[-(max_tokens - max_tokens // 8) :]
        body = completion + ([eos] if ends else [])
        body = body[: max_tokens - len(prompt)]
        encoded.append({"input_ids": prompt + body, "labels": [IGNORED] * len(prompt) + body})
    return encoded


def _last_pieces(document_ids: Sequence[str]) -> list[bool]:
    """True where an example is the last piece of its document: only there the text ends."""
    return [i + 1 == len(document_ids) or document_ids[i + 1] != d for i, d in enumerate(document_ids)]
