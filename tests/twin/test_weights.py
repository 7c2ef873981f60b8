"""Only safetensors and GGUF are loaded: a pickled file is refused by name, and what is in it never runs."""

from __future__ import annotations

import pickle

import pytest

from twin import basemodel, weights
from twin.errors import ModelError


class Bomb:
    """Unpickled, it leaves a mark."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (open, (str(self.mark), "w"))


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "adapter_model.bin", "model.pt", "W.PTH", "x.ckpt", "x.pkl", "optimizer.pickle"]
)
@pytest.mark.parametrize("beside", [True, False])
def test_a_pickled_file_is_refused_and_never_opened(tmp_path, name, beside):
    folder, mark = tmp_path / "model", tmp_path / "mark"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / name).write_bytes(pickle.dumps(Bomb(mark)))
    if beside:
        (folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="may hold code"):
        weights.safe(folder)
    with pytest.raises(ModelError, match="may hold code"):
        basemodel.local_path(str(folder), tmp_path / "cache")
    assert not mark.exists()


def test_a_folder_without_weights_is_named(tmp_path):
    with pytest.raises(ModelError, match="no safetensors"):
        weights.safe(tmp_path)
    with pytest.raises(ModelError, match="no such model"):
        weights.safe(tmp_path / "nowhere")
    (tmp_path / "a.safetensors").write_bytes(b"")
    (tmp_path / "training_args.bin").write_bytes(b"")
    assert weights.safe(tmp_path) == tmp_path
