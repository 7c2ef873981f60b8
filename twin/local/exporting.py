"""The twin as others load it: GGUF and Modelfile for Ollama, one merged model, or vLLM's LoRA folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from twin import basemodel, prompts
from twin import params as params_file
from twin.errors import ModelError
from twin.files import read_json, replacing, write_text
from twin.generation import MIN_P, REPETITION_PENALTY
from twin.params import Params
from twin.serving.gguf import adapter_to_gguf
from twin.settings import Settings
from twin.weights import safe
from twin.workspace import Workspace

_CHATML = """{{- range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
"""


def export_twin(settings: Settings, kind: str, out: Path | None, adapter: Path | None) -> Path:
    """Write the twin of params.yaml's author as `kind` (ollama, merged, vllm); the folder. Raises ModelError."""
    params = params_file.load(settings.root / "params.yaml")
    space = Workspace(settings.root, params.author.id)
    source = adapter or _adapter(space, settings)
    if not (source / "adapter_config.json").exists():
        raise ModelError("there is no trained adapter to export", source, "Run `twin train` first.")
    base = basemodel.local_path(params.train.base_model, settings.home / "models")
    target = out or settings.root / "exports" / params.author.id / kind
    write = {"ollama": ollama, "merged": merged, "vllm": vllm}[kind]
    with replacing(target) as fresh:
        fresh.mkdir(parents=True)
        write(params, base, source, fresh)
    return target


def _adapter(space: Workspace, settings: Settings) -> Path:
    """The adapter that writes now, else the newest one."""
    pointer = settings.home / "serving" / f"{space.author}.json"
    return Path(read_json(pointer)["adapter_dir"]) if pointer.exists() else space.adapter


def ollama(params: Params, base: basemodel.BasePaths, adapter: Path, out: Path) -> None:
    """base.gguf, adapter.gguf and a Modelfile with the twin's system prompt, template and sampling."""
    if base.gguf is None:
        raise ModelError("the base model has no GGUF to export", base.folder, "Put one beside its safetensors.")
    shutil.copyfile(base.gguf, out / "base.gguf")
    adapter_to_gguf(adapter, base.folder, out / "adapter.gguf")
    system = prompts.system(params.author.name, "post")["content"]
    lines = [
        "# ollama create NAME -f Modelfile; llama.cpp: llama-server -m base.gguf --lora adapter.gguf",
        "FROM ./base.gguf",
        "ADAPTER ./adapter.gguf",
        f'TEMPLATE """{_template(base.folder)}"""',
        f"SYSTEM {json.dumps(system, ensure_ascii=False)}",
        f"PARAMETER temperature {params.serve.temperature}",
        f"PARAMETER min_p {MIN_P}",
        f"PARAMETER repeat_penalty {REPETITION_PENALTY}",
        f"PARAMETER num_ctx {params.serve.context_tokens}",
        'PARAMETER stop "<|im_end|>"',
    ]
    write_text(out / "Modelfile", "\n".join(lines) + "\n")


def _template(base: Path) -> str:
    """Ollama's spelling of the base model's chat template; only ChatML is known, which is what most bases speak."""
    for name in ("chat_template.jinja", "tokenizer_config.json"):
        path = base / name
        if path.exists() and "<|im_start|>" in path.read_text(encoding="utf-8"):
            return _CHATML
    raise ModelError(
        "no Modelfile is known for this base model's chat template", base, "Export it as `merged` or `vllm`."
    )


def merged(params: Params, base: basemodel.BasePaths, adapter: Path, out: Path) -> None:
    """One folder of safetensors with tokenizer: the adapter added to the base model's weights, in the base's precision."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    kind = json.loads((base.folder / "config.json").read_text(encoding="utf-8")).get("dtype") or "bfloat16"
    # Added up in float32: in bf16 the small products of LoRA would be rounded away before the sum is.
    model = AutoModelForCausalLM.from_pretrained(base.folder, dtype=torch.float32)
    whole = PeftModel.from_pretrained(model, safe(adapter)).merge_and_unload(safe_merge=True)
    whole.to(getattr(torch, str(kind).removeprefix("torch."))).save_pretrained(out)
    AutoTokenizer.from_pretrained(base.folder).save_pretrained(out)


def vllm(params: Params, base: basemodel.BasePaths, adapter: Path, out: Path) -> None:
    """The adapter's own folder, as `vllm serve BASE --enable-lora --lora-modules AUTHOR=FOLDER` takes it."""
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        shutil.copyfile(adapter / name, out / name)
    config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
    rank = next((r for r in (8, 16, 32, 64, 128, 256, 320, 512) if r >= config["r"]), config["r"])
    author = params.author.id
    lines = [
        f"# {params.author.name}'s adapter for vLLM", "", "```sh",
        f"vllm serve {base.name} --enable-lora --max-lora-rank {rank} --lora-modules {author}=$PWD", "```", "",
        f"Ask for model `{author}` with this system prompt:", "", prompts.system(params.author.name, "post")["content"],
    ]  # fmt: skip
    write_text(out / "README.md", "\n".join(lines) + "\n")
