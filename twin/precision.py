"""The number format that the processor at hand computes fast."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def cpu_has_bf16() -> bool:
    """Whether the CPU multiplies bf16 itself. Where it must be emulated, float32 is five times as fast."""
    import torch

    if platform.machine().lower() in ("x86_64", "amd64"):
        return bool(torch.cpu._is_avx512_bf16_supported())
    return bool(torch._C._has_mkldnn and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def model_dtype() -> torch.dtype:
    """What a model's weights are computed in here: bf16 on a GPU and on a CPU that has it, else float32."""
    import torch

    return torch.bfloat16 if torch.cuda.is_available() or cpu_has_bf16() else torch.float32
