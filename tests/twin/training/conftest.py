"""A tiny Llama with a byte-level tokenizer of its own: the real training code on a model that is made in a second."""

from pathlib import Path

import pytest

from bench import tiny

TEXTS = [
    f"{hour:02d}:12. The pager.\n\nThe {boat} lost its log & I found it under bread {hour}. ⚓"
    for hour in range(12)
    for boat in ("Alma", "Brisk")
]


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a two-layer Llama (random weights, seeded) and its tokenizer."""
    return tiny.base(tmp_path_factory.mktemp("tiny-base"), TEXTS)


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `examples.parquet`: 18 training, 4 validation and 2 test rows."""
    return tiny.dataset(tmp_path_factory.mktemp("tiny-dataset"), TEXTS, "About: bread {}")
