"""A base model that was only half fetched is named, or made anew where it is our own copy."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from twin import basemodel
from twin.errors import ModelError


def model(folder: Path) -> Path:
    """A folder with weights, whole."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    save_file({"a": np.zeros((8, 8), np.float32), "b": np.ones(3, np.float32)}, folder / "model.safetensors")
    return folder / "model.safetensors"


@pytest.mark.parametrize("left", [0, 5, 60, -1])
def test_weights_that_are_cut_anywhere_are_found_and_named(tmp_path: Path, left: int) -> None:
    weights = model(tmp_path / "base")
    assert basemodel.local_path(str(tmp_path / "base"), tmp_path).folder == tmp_path / "base"
    weights.write_bytes(weights.read_bytes()[:left])
    with pytest.raises(ModelError, match=r"not whole: .*model\.safetensors\. Delete it"):
        basemodel.local_path(str(tmp_path / "base"), tmp_path)


def test_our_own_copy_of_the_bundled_model_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights, made = model(tmp_path / basemodel.BUNDLED_NAME), []
    monkeypatch.setattr(basemodel, "_dequantise", lambda gguf, folder: made.append(folder))
    basemodel.local_path("bundled", tmp_path)
    assert made == []
    weights.write_bytes(weights.read_bytes()[:-7])
    basemodel.local_path("bundled", tmp_path)
    assert made == [weights.parent]
