"""What `twin export` writes is loaded and run by the engines that run here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from twin.basemodel import BasePaths
from twin.errors import ModelError
from twin.local import exporting
from twin.params import loads
from twin.serving import engine

PARAMS = loads("author: {id: hesk, name: Ines Hesk}")
PROMPT = "Write a short post about ferries."


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory, make_adapter: Callable[[Path, int, float], Path]) -> Path:
    return make_adapter(tmp_path_factory.mktemp("exported"), 5, 0.03)


@pytest.mark.slow
def test_the_ollama_folder_runs_in_llama_cpp(tmp_path: Path, base: BasePaths, adapter: Path) -> None:
    exporting.ollama(PARAMS, base, adapter, tmp_path)
    lines = (tmp_path / "Modelfile").read_text(encoding="utf-8").splitlines()
    assert {"FROM ./base.gguf", "ADAPTER ./adapter.gguf", "PARAMETER min_p 0.1"} <= set(lines)
    assert any(line.startswith('SYSTEM "You are Ines Hesk.') for line in lines)
    running = engine.start(tmp_path / "base.gguf", {"hesk": tmp_path / "adapter.gguf"}, threads=2, slots=1, context=512)
    try:
        said = []
        for model in ("base", "hesk"):
            body = {
                "prompt": PROMPT,
                "n_predict": 12,
                "temperature": 0,
                "ignore_eos": True,
                "lora": running.lora(model),
            }
            key = {"Authorization": f"Bearer {running.key}"}
            said.append(httpx.post(f"{running.url}/completion", json=body, headers=key, timeout=120).json()["content"])
    finally:
        running.close()
    assert said[1] and said[0] != said[1]


@pytest.mark.slow
def test_the_merged_model_is_the_base_with_the_adapter(tmp_path: Path, base: BasePaths, adapter: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    exporting.merged(PARAMS, base, adapter, tmp_path)
    tokens = AutoTokenizer.from_pretrained(tmp_path)(PROMPT, return_tensors="pt")["input_ids"]
    whole = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    plain = AutoModelForCausalLM.from_pretrained(base.folder, dtype=torch.float32)
    with torch.no_grad():
        merged = torch.log_softmax(whole(tokens).logits[0, -1], -1)
        alone = torch.log_softmax(plain(tokens).logits[0, -1], -1)
        apart = torch.log_softmax(PeftModel.from_pretrained(plain, adapter)(tokens).logits[0, -1], -1)
    # bf16 keeps eight bits of each weight: the merged model is near the pair, and far from the base alone.
    assert float((merged - apart).abs().max()) < 0.35 * float((alone - apart).abs().max())
    assert merged.argmax() == apart.argmax()


@pytest.mark.slow
def test_the_vllm_folder_loads_as_peft_and_names_its_rank(tmp_path: Path, base: BasePaths, adapter: Path) -> None:
    from peft import PeftConfig
    from safetensors import safe_open

    exporting.vllm(PARAMS, base, adapter, tmp_path)
    assert PeftConfig.from_pretrained(tmp_path).r == 8
    with safe_open(tmp_path / "adapter_model.safetensors", "pt") as file:
        assert len(list(file.keys())) == 2 * 7 * 30
    told = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "--max-lora-rank 8" in told and "hesk=$PWD" in told


def test_a_base_without_chatml_has_no_modelfile(tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": "[INST]"}), encoding="utf-8")
    with pytest.raises(ModelError, match="no Modelfile is known"):
        exporting._template(tmp_path)
