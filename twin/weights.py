"""Which files of a model may be loaded: safetensors and GGUF hold numbers alone, pickled ones run code when opened."""

from __future__ import annotations

from pathlib import Path

from twin.errors import ModelError

PICKLED = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".npy")


def safe(folder: Path) -> Path:
    """`folder` when its weights are safetensors or GGUF; raises ModelError naming a pickled file, or that there are none.

    A pickled file beside safetensors is refused as well: which of them a library takes is not for us to say. Training's
    own arguments are let be, for nothing reads them.
    """
    if not folder.is_dir():
        raise ModelError("there is no such model", folder, "Train it again, or give its folder.")
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in PICKLED and path.name != "training_args.bin":
            raise ModelError(
                "a model's file may hold code that runs when it is opened", path,
                "Give the model as safetensors (`save_pretrained(…, safe_serialization=True)`).",
            )  # fmt: skip
    if not any(folder.glob("*.safetensors")) and not any(folder.glob("*.gguf")):
        raise ModelError("a model's folder holds no safetensors", folder, "Give the model as safetensors.")
    return folder
