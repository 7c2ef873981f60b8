"""A model that is made in a second, and examples for it: the real training code runs on both."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPLITS = ["train"] * 18 + ["validation"] * 4 + ["test"] * 2


def base(folder: Path, texts: Sequence[str]) -> Path:
    """Write a two-layer Llama (random weights, seeded) with a byte-level tokenizer of `texts`; returns the folder."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    raw.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=400, special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"], show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )  # fmt: skip
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<|im_end|>", pad_token="<|im_end|>")
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, eos_token_id=tokenizer.eos_token_id, pad_token_id=None,
        )
    ).save_pretrained(folder)  # fmt: skip
    return folder


def dataset(folder: Path, texts: Sequence[str], about: str) -> Path:
    """Write `examples.parquet` as the dataset stage does, one text for each of SPLITS; `about` takes its number."""
    import pandas as pd

    from twin import tables

    rows = [
        {"id": f"files:{n}#0", "document_id": f"files:{n}", "register": "post", "kind": "brief", "split": split,
         "messages": json.dumps([{"role": "user", "content": about.format(n)}]), "completion": text}
        for n, (split, text) in enumerate(zip(SPLITS, texts, strict=True))
    ]  # fmt: skip
    tables.write(pd.DataFrame(rows), folder / tables.EXAMPLES, "examples")
    return folder
