"""The number format that models are computed in, by processor."""

from __future__ import annotations

import pytest
import torch

from twin import precision


@pytest.mark.parametrize(
    ("has", "dtype"),
    [(True, torch.bfloat16), (False, torch.float32)],
)
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_bf16_only_where_the_processor_multiplies_it(
    monkeypatch: pytest.MonkeyPatch, machine: str, has: bool, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has and machine == "x86_64")
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: has and machine == "aarch64")
    assert precision.cpu_has_bf16() is has
    assert precision.model_dtype() == dtype


def test_a_gpu_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(precision, "cpu_has_bf16", lambda: False)
    assert precision.model_dtype() == torch.bfloat16
