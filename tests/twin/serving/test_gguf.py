"""The converted adapter must do in llama.cpp what it does in peft."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from twin.basemodel import BasePaths
from twin.errors import ModelError
from twin.serving import engine
from twin.serving.gguf import adapter_to_gguf

PROMPT = [{"role": "user", "content": "Write a short post about ferries."}]


def float_gguf(source: Path, target: Path) -> Path:
    """The base model in float32, with exactly the values that the bf16 safetensors hold: nothing is quantised."""
    import gguf
    import numpy as np
    import torch

    reader, writer = gguf.GGUFReader(source), gguf.GGUFWriter(target, "llama")
    own = ("general.architecture", "general.file_type", "general.quantization_version")
    for item in reader.fields.values():
        if not item.name.startswith("GGUF.") and item.name not in own:
            inner = item.types[-1] if item.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(item.name, item.contents(), item.types[0], inner)
    for tensor in reader.tensors:
        values = gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if len(tensor.shape) > 1:
            values = torch.from_numpy(values.copy()).to(torch.bfloat16).float().numpy()
        writer.add_tensor(tensor.name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return target


def in_llama(running: engine.Engine, model: str, prompt: str) -> tuple[dict[int, float], str]:
    body = {
        "prompt": prompt, "n_predict": 24, "temperature": 0, "n_probs": 100, "lora": running.lora(model),
        "cache_prompt": False,
    }  # fmt: skip
    reply = httpx.post(
        running.url + "/completion", json=body, headers={"Authorization": f"Bearer {running.key}"}, timeout=240
    ).json()
    return {t["id"]: t["logprob"] for t in reply["completion_probabilities"][0]["top_logprobs"]}, reply["content"]


def in_peft(model: Any, tokenizer: Any, prompt: str) -> tuple[Any, str]:
    import torch

    tokens = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        chances = torch.log_softmax(model(tokens).logits[0, -1], -1)
        written = model.generate(tokens, max_new_tokens=24, do_sample=False)[0, tokens.shape[1] :]
    return chances, tokenizer.decode(written, skip_special_tokens=True)


@pytest.mark.slow
def test_llama_cpp_and_peft_agree(
    tmp_path: Path, base: BasePaths, make_adapter: Callable[[Path, int, float], Path]
) -> None:
    """In float32 the log-probabilities agree within 1e-2 with and without the adapter, and the greedy text is equal."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = make_adapter(tmp_path / "adapter", 3, 0.03)
    converted = adapter_to_gguf(folder, base.folder, tmp_path / "adapter.gguf")
    assert base.gguf is not None
    plain = float_gguf(base.gguf, tmp_path / "base.gguf")
    tokenizer = AutoTokenizer.from_pretrained(base.folder)
    prompt = tokenizer.apply_chat_template(PROMPT, add_generation_prompt=True, tokenize=False)
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base.folder, dtype=torch.float32), folder)
    running = engine.start(plain, {"hesk": converted}, threads=2, slots=1, context=512)
    try:
        with model.disable_adapter():
            base_chances, base_text = in_peft(model, tokenizer, prompt)
        for name, (chances, text) in {
            "base": (base_chances, base_text),
            "hesk": in_peft(model, tokenizer, prompt),
            # Once more without: what an adapter wrote must not linger in the prompt cache.
            "base again": (base_chances, base_text),
        }.items():
            found, written = in_llama(running, name.split()[0], prompt)
            assert max(abs(float(chances[token]) - value) for token, value in found.items()) < 1e-2, name
            assert written == text, name
        assert in_llama(running, "hesk", prompt)[1] != base_text
    finally:
        running.close()


@pytest.mark.slow
def test_a_broken_adapter_is_named(tmp_path: Path, base: BasePaths) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF and then nothing")
    assert base.gguf is not None
    with pytest.raises(ModelError, match=r"hesk.*broken\.gguf"):
        engine.start(base.gguf, {"hesk": broken}, threads=1, slots=1, context=256)


@pytest.mark.parametrize(
    ("config", "kind", "told"),
    [
        ({"use_dora": True}, "llama", "use_dora"),
        ({"modules_to_save": ["lm_head"]}, "llama", "modules_to_save"),
        ({"bias": "all"}, "llama", "bias"),
        ({}, "mamba", "mamba"),
    ],
)
def test_what_llama_cpp_can_not_hold_is_refused(
    tmp_path: Path, config: dict[str, object], kind: str, told: str
) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 8, "lora_alpha": 16, **config}))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind, "num_hidden_layers": 1}))
    with pytest.raises(ModelError, match=told):
        adapter_to_gguf(tmp_path, tmp_path, tmp_path / "out.gguf")
    assert not (tmp_path / "out.gguf").exists()
