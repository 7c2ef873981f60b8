"""What one more adapter costs the local predictor: `python -m bench.adapters` prints bytes, start, memory and speed.

Adapters of random small weights, of params.yaml's rank, on the bundled model: what they say does not matter here.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from twin.serving.engine import Engine, start

_TOKENS = 96
_PROMPT = "The harbour was quiet and the log said nothing of the night. " * 40
_SLOTS = 8


def main() -> None:
    """Make the adapters, load more and more of them, ask one at a time and eight at once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loaded", type=int, nargs="+", default=[0, 1, 8, 32])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    from twin.basemodel import bundled_gguf

    folder = Path(tempfile.mkdtemp(prefix="twin-bench-"))
    try:
        files = adapters(folder, max(options.loaded))
        print(f"one adapter: {size(folder / 'peft'):.1f} MB as safetensors, {size(files[0]):.1f} MB as GGUF\n")
        print("| adapters loaded | start, s | memory, MB |\n|---|---|---|")
        for count in options.loaded:
            named = {f"author-{n}": file for n, file in enumerate(files[:count])}
            began = time.monotonic()
            engine = start(bundled_gguf(), named, threads=2, slots=_SLOTS, context=1024)
            taken = time.monotonic() - began
            speed(engine, ["base"], 8)
            print(f"| {count} | {taken:.1f} | {memory(engine):,.0f} |", flush=True)
            if count != max(options.loaded):
                engine.close()
        print(f"\n{_TOKENS} new tokens a request, median of {options.rounds} rounds\n")
        print("| requests | tokens/s, all together | tokens a second of processor time |\n|---|---|---|")
        for name, models in requests(engine).items():
            show(name, [speed(engine, models, _TOKENS) for _ in range(options.rounds)])
        for name in ("base", "author-0"):
            show(f"reading a prompt, {name.partition('-')[0]}", [reading(engine, name) for _ in range(options.rounds)])
        engine.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def requests(engine: Engine) -> dict[str, list[str]]:
    """What is asked at once: a model's name for each request."""
    many = list(engine.adapters[:_SLOTS])
    return {
        "1, base model": ["base"],
        "1, an adapter": many[:1],
        "2, one adapter": many[:1] * 2,
        "4, one adapter": many[:1] * 4,
        "8, one adapter": many[:1] * 8,
        "8, two adapters": many[:2] * 4,
        "8, eight adapters": many,
        "8, base model": ["base"] * 8,
    }


def adapters(folder: Path, count: int) -> list[Path]:
    """`count` GGUF files of one random adapter; the PEFT files lie in `folder`/peft."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    from twin.basemodel import local_path
    from twin.params import Train
    from twin.precision import model_dtype
    from twin.serving.gguf import adapter_to_gguf
    from twin.settings import load

    train = Train()
    base = local_path(train.base_model, load().home / "models").folder
    model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=model_dtype())
    config = LoraConfig(r=train.rank, lora_alpha=train.alpha, target_modules="all-linear", task_type="CAUSAL_LM")
    tuned = get_peft_model(model, config, autocast_adapter_dtype=False)
    torch.manual_seed(7)
    for name, weight in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=1e-3)
    tuned.save_pretrained(folder / "peft")
    first = folder / "0.gguf"
    adapter_to_gguf(folder / "peft", base, first)
    for number in range(1, count):
        shutil.copy(first, folder / f"{number}.gguf")
    return [folder / f"{number}.gguf" for number in range(count)]


def show(name: str, found: Sequence[tuple[float, float]]) -> None:
    """One row: the medians of both speeds."""
    print(f"| {name} | " + " | ".join(f"{median(each):.0f}" for each in zip(*found, strict=True)) + " |", flush=True)


def speed(engine: Engine, models: Sequence[str], tokens: int) -> tuple[float, float]:
    """New tokens over all requests, asked at once: a second, and a second of the engine's processor time.

    The second tells more than the first on a machine that others use: one thread writes, so alone both are alike.
    """
    began, used = time.monotonic(), processor(engine)
    with ThreadPoolExecutor(len(models)) as threads:
        list(threads.map(lambda model: ask(engine, model, "The harbour", tokens), models))
    written = len(models) * tokens
    return written / (time.monotonic() - began), written / (processor(engine) - used)


def reading(engine: Engine, model: str) -> tuple[float, float]:
    """Prompt tokens a second by the engine's own clock, and a second of its processor time; two threads read."""
    used = processor(engine)
    timings = ask(engine, model, _PROMPT, 1)["timings"]
    return float(timings["prompt_per_second"]), float(timings["prompt_n"]) / (processor(engine) - used)


def processor(engine: Engine) -> float:
    """Seconds of processor time that the engine has used."""
    import psutil

    used = psutil.Process(engine.process.pid).cpu_times()
    return float(used.user + used.system)


def ask(engine: Engine, model: str, prompt: str, tokens: int) -> Any:
    """One answer of exactly `tokens` tokens, nothing of it cached."""
    import httpx

    body = {
        "model": model, "prompt": prompt, "max_tokens": tokens, "ignore_eos": True, "cache_prompt": False,
        "lora": engine.lora(model), "temperature": 0.7,
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {engine.key}"}
    answer = httpx.post(f"{engine.url}/v1/completions", json=body, headers=headers, timeout=300)
    return answer.raise_for_status().json()


def memory(engine: Engine) -> float:
    """The engine's resident memory, MB."""
    import psutil

    return psutil.Process(engine.process.pid).memory_info().rss / 1e6


def size(place: Path) -> float:
    """A file's or the safetensors' size in a folder, MB."""
    found = [place] if place.is_file() else list(place.glob("*.safetensors"))
    return sum(file.stat().st_size for file in found) / 1e6


if __name__ == "__main__":
    main()
