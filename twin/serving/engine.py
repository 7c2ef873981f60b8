"""One llama.cpp engine as a child process: a base model with its adapters, on a loopback port of its own."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from twin.errors import ModelError

# The child says this and its address once the model is loaded; llama.cpp itself may print anything before.
_READY = "twin-engine-ready "
_CLOSE_SECONDS = 10


@dataclass(slots=True)
class Engine:
    """A running engine. `adapters` are authors in llama.cpp's order; `in_flight` counts open requests.

    `end_token` is the id of the model's end of text.
    """

    url: str
    key: str
    adapters: tuple[str, ...]
    process: subprocess.Popen[str]
    end_token: int | None = None
    in_flight: int = field(default=0)

    def lora(self, model: str) -> list[dict[str, float]]:
        """llama.cpp's per-request adapter scales: 1 for `model`, 0 for every other (all 0 for the base)."""
        return [{"id": i, "scale": float(author == model)} for i, author in enumerate(self.adapters)]

    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def close(self) -> None:
        """End the process: its lifeline is standard input, so it also ends when this process dies in any way."""
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(_CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(gguf: Path, adapters: Mapping[str, Path], *, threads: int, slots: int, context: int) -> Engine:
    """Load `gguf` and LoRA files (author → GGUF) in a new process; blocks until it answers. Raises ModelError.

    `threads` read a prompt, half of them write; `context` is in tokens a slot. A process of its own because llama.cpp
    loads adapters with the model only, aborts on a malformed file, and gives all memory back only at its end: what
    serves now is never touched by what comes next.
    """
    key = secrets.token_urlsafe(24)
    wish = {
        "gguf": str(gguf), "adapters": [str(path) for path in adapters.values()],
        "threads": threads, "slots": slots, "context": context, "key": key,
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "twin.serving.engine"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdin and process.stdout and process.stderr
    try:
        process.stdin.write(json.dumps(wish) + "\n")
        process.stdin.flush()
    except BrokenPipeError:
        pass
    for line in process.stdout:
        if line.startswith(_READY):
            url = line.removeprefix(_READY).strip()
            return Engine(url, key, tuple(adapters), process, _end_token(url, key))
    reason = process.stderr.read().strip().splitlines()
    process.wait()
    names = ", ".join([gguf.name, *(f"{author}: {path}" for author, path in adapters.items())])
    raise ModelError(
        "llama.cpp can't load the model with its adapters",
        f"{names} ({reason[-1] if reason else f'exit {process.returncode}'})",
        "Check that each file is whole and that the adapters were made for this base model.",
    )


def _end_token(url: str, key: str) -> int | None:
    """The id of the model's end of text; None where the engine can't tell it as one token."""
    import httpx

    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=30) as client:
        try:
            named = client.get("/props").json()["eos_token"]
            found = client.post("/tokenize", json={"content": named, "parse_special": True}).json()["tokens"]
        except (httpx.HTTPError, ValueError, KeyError):
            return None
    return int(found[0]) if len(found) == 1 else None


def _child() -> None:
    """Load, say where, and live until standard input closes."""
    # Threads that wait for each other spin. On a core that another program wants, every wait then costs a time slice:
    # measured on 2 busy cores, 4 requests at once: 4.5 tok/s with OpenMP's default, 90 with this (quiet: 205 and 174).
    os.environ.setdefault("GOMP_SPINCOUNT", "500")
    import xllamacpp

    wish = json.loads(sys.stdin.readline())
    params = xllamacpp.CommonParams()
    params.model.path = wish["gguf"]
    params.model_alias = {"base"}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [wish["key"]]
    params.ui = False
    params.n_parallel = wish["slots"]
    params.n_ctx = wish["context"] * wish["slots"]
    params.n_threads_http = 2 * wish["slots"] + 4
    params.cpuparams_batch.n_threads = wish["threads"]
    params.cpuparams.n_threads = max(1, wish["threads"] // 2)
    params.fit_params = False
    params.warmup = False
    params.verbosity = 0
    # The prompt cache in the slots knows which adapter it was computed with; the one in host memory does not.
    params.cache_ram_mib = 0
    params.cache_idle_slots = False
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path, 0.0) for path in wish["adapters"]]
    server = xllamacpp.Server(params)
    print(_READY + server.listening_address, flush=True)
    # Nothing is said after this line: a full pipe that nobody reads would stop the engine.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    sys.stdin.read()
    del server


if __name__ == "__main__":
    _child()
