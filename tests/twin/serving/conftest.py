"""Real serving processes on free ports, each ended by its own test module."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from twin import basemodel

Start = Callable[..., contextlib.AbstractContextManager[str]]


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Call it for a port that nobody listens on."""
    return _free_port


@pytest.fixture(scope="session")
def start() -> Start:
    """A context manager that runs a serving module; see `_process`."""
    return _process


@contextlib.contextmanager
def _process(module: str, *args: str, port: int, ready: str, env: dict[str, str] | None = None) -> Iterator[str]:
    """Run `python -m module`, wait until `ready` answers 200, yield its URL, end it with SIGTERM."""
    url = f"http://127.0.0.1:{port}"
    running = subprocess.Popen([sys.executable, "-m", module, *args], env={**os.environ, **(env or {})})
    try:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            assert running.poll() is None, f"{module} ended with {running.returncode}"
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(url + ready).status_code == 200:
                    break
            time.sleep(0.1)
        yield url
    finally:
        running.terminate()
        assert running.wait(30) == 0, f"{module} did not end cleanly"


@pytest.fixture(scope="session")
def base() -> basemodel.BasePaths:
    """The bundled base model; its safetensors are kept in the developer's own cache, which takes 20 s to fill."""
    home = Path(os.environ.get("TWIN_HOME", Path(os.environ.get("TWIN_ROOT", ".")).resolve() / ".twin"))
    return basemodel.local_path(basemodel.BUNDLED, home / "models")


@pytest.fixture(scope="session")
def make_adapter(base: basemodel.BasePaths) -> Callable[[Path, int, float], Path]:
    """Write a random LoRA as PEFT would have saved it: `make(folder, seed, strength)`."""

    def make(folder: Path, seed: int, strength: float) -> Path:
        import torch
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(base.folder, dtype=torch.float32)
        torch.manual_seed(seed)
        wrapped = get_peft_model(
            model, LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
        )
        for name, weight in wrapped.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=strength)
        wrapped.save_pretrained(folder)
        return folder

    return make
