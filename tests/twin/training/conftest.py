"""A tiny Llama with a byte-level tokenizer of its own: the real training code on a model that is made in a second."""

import json
from pathlib import Path

import pandas as pd
import pytest

from twin import tables

TEXTS = [
    f"{hour:02d}:12. The pager.\n\nThe {boat} lost its log & I found it under bread {hour}. ⚓"
    for hour in range(12)
    for boat in ("Alma", "Brisk")
]
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a two-layer Llama (random weights, seeded) and its tokenizer."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-base")
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    raw.train_from_iterator(
        TEXTS,
        trainers.BpeTrainer(
            vocab_size=400, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
        ),
    )
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


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `examples.parquet`: 18 training, 4 validation and 2 test rows."""
    folder = tmp_path_factory.mktemp("tiny-dataset")
    splits = ["train"] * 18 + ["validation"] * 4 + ["test"] * 2
    rows = [
        {"id": f"files:{n}#0", "document_id": f"files:{n}", "register": "post", "kind": "brief", "split": split,
         "messages": json.dumps([{"role": "user", "content": f"About: bread {n}"}]), "completion": text}
        for n, (split, text) in enumerate(zip(splits, TEXTS, strict=True))
    ]  # fmt: skip
    tables.write(pd.DataFrame(rows), folder / tables.EXAMPLES, "examples")
    return folder
