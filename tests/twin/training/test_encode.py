"""Only the author's words and the end of the text are learned from."""

from pathlib import Path
from typing import Any

import pytest

from twin import tables
from twin.params import Train
from twin.training.encode import IGNORED, encode
from twin.training.job import last_complete, pad
from twin.training.sft import planned_steps


@pytest.fixture(scope="module")
def tokenizer(tiny_base: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_base)


def test_labels_are_the_completion_and_its_end(tokenizer: Any, tiny_dataset: Path) -> None:
    rows = tables.read(tiny_dataset / tables.EXAMPLES)
    example = encode(rows, tokenizer, 256)[0]
    learned = [label for label in example["labels"] if label != IGNORED]
    assert tokenizer.decode(learned[:-1]) == rows["completion"].iloc[0]
    assert learned[-1] == tokenizer.eos_token_id
    assert len(example["labels"]) == len(example["input_ids"])


def test_a_text_cut_by_the_limit_is_not_taught_to_end(tokenizer: Any, tiny_dataset: Path) -> None:
    rows = tables.read(tiny_dataset / tables.EXAMPLES).head(1)
    example = encode(rows, tokenizer, 32)[0]
    assert len(example["input_ids"]) == 32 and example["labels"][-1] != tokenizer.eos_token_id


def test_only_the_last_piece_of_a_text_ends(tokenizer: Any, tiny_dataset: Path) -> None:
    rows = tables.read(tiny_dataset / tables.EXAMPLES).head(2).assign(document_id="files:0")
    first, second = encode(rows, tokenizer, 256)
    assert first["labels"][-1] != tokenizer.eos_token_id == second["labels"][-1]


def test_padding_never_hides_the_end(tokenizer: Any) -> None:
    eos = tokenizer.eos_token_id
    batch = [{"input_ids": [5, 6, eos], "labels": [IGNORED, 6, eos]}, {"input_ids": [7], "labels": [7]}]
    padded = pad(batch, tokenizer.pad_token_id)
    assert padded["labels"].tolist() == [[IGNORED, 6, eos], [7, IGNORED, IGNORED]]
    assert padded["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]


@pytest.mark.parametrize(("budget", "steps"), [(0, 30), (1_000_000, 30), (5_000, 5)])
def test_the_token_budget_bounds_the_steps(budget: int, steps: int) -> None:
    train = Train(epochs=3, batch_size=8, token_budget=budget)
    assert planned_steps(examples=80, tokens=10_000, train=train) == steps


def test_half_written_checkpoints_are_not_trusted(tmp_path: Path) -> None:
    for step in (9, 10, 20):
        (tmp_path / f"checkpoint-{step}").mkdir()
    assert last_complete(tmp_path) is None
    for step in (9, 10):
        (tmp_path / f"checkpoint-{step}" / "complete").touch()
    assert last_complete(tmp_path) == tmp_path / "checkpoint-10"
