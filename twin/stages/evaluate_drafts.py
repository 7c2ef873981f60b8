"""The drafts of stage evaluate: every arm's texts, from a predictor of the stage's own, the engine that serves."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from twin.errors import EvaluationError
from twin.evaluation.arms import STOP, Ask, Written, opened, write
from twin.params import Params
from twin.progress import Progress
from twin.records import Message

_START_SECONDS = 120
_SLOTS = 8


def drafts(
    asked: Mapping[str, Ask], gguf: Path | None, adapters: Mapping[str, Path], params: Params, progress: Progress
) -> dict[str, list[list[Written]]]:
    """Every arm's texts. `adapters` is model → folder with adapter.gguf. Raises EvaluationError, ServingError."""
    from twin.generation import Predictor

    if gguf is None:
        raise EvaluationError(
            "the base model has no GGUF to write with",
            params.train.base_model,
            "Put its *.gguf into the folder that train.base_model names.",
        )
    chosen = params.evaluate
    total = sum(len(ask.prompts) * ask.seeds for ask in asked.values())
    with progress.step("write drafts", total) as step, predictor(gguf, adapters) as url:
        client = Predictor(url)

        def writer(model: str, messages: Sequence[Message], seed: int) -> Written:
            done = client.chat(
                messages, model, max_tokens=chosen.max_new_tokens, temperature=chosen.temperature, seed=seed, stop=STOP,
                min_p=chosen.min_p, repetition_penalty=chosen.repetition_penalty,
            )  # fmt: skip
            return Written(opened(done.text), done.finish_reason == "stop")

        try:
            return write(asked, writer, chosen.seed, lambda arm: step.advance(1, arm), _SLOTS)
        finally:
            client.close()


@contextmanager
def predictor(gguf: Path, adapters: Mapping[str, Path]) -> Iterator[str]:
    """Start the local predictor on a free port, with these adapters alone; it is stopped at the end."""
    from twin.generation import Predictor

    with tempfile.TemporaryDirectory(prefix="twin-evaluate-") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        log = Path(folder) / "log"
        command = [
            sys.executable, "-m", "twin.serving.predictor", "--port", str(port), "--gguf", str(gguf),
            "--pointers", folder, "--slots", str(_SLOTS), "--context", "2048",
        ]  # fmt: skip
        for model, path in adapters.items():
            command += ["--adapter", f"{model}={path / 'adapter.gguf'}"]
        with open(log, "w") as file:
            process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        watch = Predictor(f"http://127.0.0.1:{port}")
        try:
            until = time.time() + _START_SECONDS
            while not watch.healthy():
                if process.poll() is not None or time.time() > until:
                    raise EvaluationError(
                        "the predictor did not start", log.read_text()[-400:].strip(), "Run `twin train` again."
                    )
                time.sleep(0.2)
            if missing := sorted(set(adapters) - set(watch.models())):
                raise EvaluationError(
                    "the predictor refused an adapter",
                    f"{', '.join(missing)} ({log.read_text()[-400:].strip()})",
                    "Run `twin train` again.",
                )
            yield watch.url
        finally:
            watch.close()
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
