"""A PEFT LoRA adapter as the GGUF that llama.cpp loads beside its base model."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.errors import ModelError
from twin.files import replacing

if TYPE_CHECKING:
    import numpy as np

_KEY = re.compile(r"^base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])(\.default)?\.weight$")
# model_type in config.json → llama.cpp's architecture, and whether its converter interleaves q and k for RoPE.
_ARCHITECTURES = {
    "llama": ("LLAMA", True),
    "mistral": ("LLAMA", True),
    "qwen2": ("QWEN2", False),
    "qwen3": ("QWEN3", False),
}


def adapter_to_gguf(adapter_dir: Path, base_folder: Path, out: Path) -> Path:
    """Write `adapter_dir` (adapter_config.json, adapter_model.safetensors) as a LoRA GGUF at `out`.

    `base_folder` holds the base model's config.json. A (rank, in) and B (out, rank) are kept in float32; the rows of
    B for q_proj and k_proj are permuted as llama.cpp permutes those weights. llama.cpp scales by alpha / rank.
    Raises ModelError for what llama.cpp has no place for: DoRA, trained biases, whole modules, other architectures.
    """
    import gguf

    config = _adapter_config(adapter_dir)
    base = json.loads((base_folder / "config.json").read_text(encoding="utf-8"))
    name, permuted = _architecture(base)
    arch = getattr(gguf.MODEL_ARCH, name)
    names = gguf.get_tensor_name_map(arch, base["num_hidden_layers"])
    rank = config["r"]
    alpha = config["lora_alpha"] * (math.sqrt(rank) if config.get("use_rslora") else 1.0)
    with replacing(out) as fresh:
        writer = gguf.GGUFWriter(fresh, gguf.MODEL_ARCH_NAMES[arch])
        writer.add_type(gguf.GGUFType.ADAPTER)
        writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
        writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(alpha))
        for key, tensor in sorted(_load(adapter_dir / "adapter_model.safetensors").items()):
            module, side = _parse(key, adapter_dir)
            target = names.get_name(module)
            if target is None:
                raise ModelError("llama.cpp knows no such layer", f"{module} in {adapter_dir}", "Train plain LoRA.")
            if permuted and side == "B" and (heads := _heads(module, base)):
                tensor = _permute(tensor, heads)
            writer.add_tensor(f"{target}.weight.lora_{side.lower()}", tensor)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    return out


def _adapter_config(folder: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError("an adapter can't be read", f"{folder} ({error})", "Train it again.") from error
    unplaced = {
        "use_dora": config.get("use_dora"), "bias": config.get("bias", "none") != "none",
        "modules_to_save": config.get("modules_to_save"), "alpha_pattern": config.get("alpha_pattern"),
        "rank_pattern": config.get("rank_pattern"),
    }  # fmt: skip
    for key, value in unplaced.items():
        if value:
            raise ModelError("llama.cpp can't hold this adapter", f"{key} = {config[key]}", "Train plain LoRA.")
    return config


def _architecture(base: dict[str, Any]) -> tuple[str, bool]:
    kind = base.get("model_type", "")
    if kind not in _ARCHITECTURES:
        known = ", ".join(_ARCHITECTURES)
        raise ModelError("no conversion to GGUF is known for this base model", kind, f"Known are {known}.")
    return _ARCHITECTURES[kind]


def _load(path: Path) -> dict[str, np.ndarray]:
    # Through torch: numpy has no bfloat16.
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return {key: value.float().contiguous().numpy() for key, value in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise ModelError("an adapter's weights can't be read", f"{path} ({error})", "Train it again.") from error


def _parse(key: str, folder: Path) -> tuple[str, str]:
    match = _KEY.match(key)
    if match is None:
        raise ModelError("an adapter holds a tensor that is not LoRA", f"{key} in {folder}", "Train plain LoRA.")
    return match["module"], match["side"]


def _heads(module: str, base: dict[str, Any]) -> int:
    if module.endswith("q_proj"):
        return int(base["num_attention_heads"])
    if module.endswith("k_proj"):
        return int(base.get("num_key_value_heads") or base["num_attention_heads"])
    return 0


def _permute(rows: np.ndarray, heads: int) -> np.ndarray:
    """Rows from Hugging Face's RoPE layout (two halves a head) to llama.cpp's (pairs): (out, rank) → the same shape."""
    import numpy as np

    out, rank = rows.shape
    return np.ascontiguousarray(rows.reshape(heads, 2, out // heads // 2, rank).swapaxes(1, 2).reshape(out, rank))
