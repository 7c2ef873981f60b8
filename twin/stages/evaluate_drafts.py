"""The drafts of stage evaluate: every arm's texts, from a predictor of the stage's own, the engine that serves."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from twin import lifeline
from twin.errors import EvaluationError
from twin.evaluation.arms import BASE, Ask, Written, write
from twin.files import read_json, write_json
from twin.params import Params
from twin.progress import Progress
from twin.prompts import STOP, opened
from twin.records import Message

_START_SECONDS = 120
SLOTS = 8
_SAVE_SECONDS = 5.0
# Nobody waits for one of these texts: a busy machine may take long for it, and is no reason to lose an evaluation.
_PATIENCE_SECONDS = 3600.0
_SAMPLING = {"max_new_tokens", "temperature", "min_p", "repetition_penalty"}


def drafts(
    asked: Mapping[str, Ask],
    gguf: Path | None,
    adapters: Mapping[str, Path],
    params: Params,
    progress: Progress,
    kept: Path,
) -> dict[str, list[list[Written]]]:
    """Every arm's texts. `adapters` is model → folder with adapter.gguf. Raises EvaluationError, ServingError.

    What is written is kept in the folder `kept`: an evaluation that was killed continues, and one that only measures
    anew writes nothing again. Another adapter, prompt or way of sampling is written anew.
    """
    from twin.generation import LANDING, LANDING_BIAS, NO_COPIES, Predictor

    if gguf is None:
        raise EvaluationError(
            "the base model has no GGUF to write with",
            params.train.base_model,
            "Put its *.gguf into the folder that train.base_model names.",
        )
    chosen = params.evaluate
    steering = {"landing": [LANDING, LANDING_BIAS], **NO_COPIES}
    store = Store(kept, digests(gguf, adapters), chosen.model_dump(include=_SAMPLING) | steering)
    total = sum(len(ask.prompts) * ask.seeds for ask in asked.values())
    with progress.step("write drafts", total) as step, predictor(gguf, adapters) as url:
        client = Predictor(url, timeout=_PATIENCE_SECONDS)

        def writer(model: str, messages: Sequence[Message], seed: int) -> Written:
            known = store.get(model, messages, seed)
            if known is not None:
                return known
            done = client.chat(
                messages, model, max_tokens=chosen.max_new_tokens, temperature=chosen.temperature, seed=seed, stop=STOP,
                min_p=chosen.min_p, repetition_penalty=chosen.repetition_penalty,
            )  # fmt: skip
            return store.put(model, messages, seed, Written(opened(done.text), done.finish_reason == "stop"))

        try:
            return write(asked, writer, chosen.seed, lambda arm: step.advance(1, arm), SLOTS)
        finally:
            client.close()
            store.save()


def _kept(path: Path) -> dict[str, list[Any]]:
    """What was written before; a damaged file is none: its texts are written again."""
    try:
        found = read_json(path)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


class Store:
    """Texts that were written, by everything that they depend on; saved every few seconds."""

    def __init__(self, folder: Path, digests: Mapping[str, str], sampling: Mapping[str, Any]) -> None:
        self._path, self._digests, self._sampling = folder / "drafts.json", digests, dict(sampling)
        self._known: dict[str, list[Any]] = _kept(self._path)
        self._used: dict[str, list[Any]] = {}
        self._saved, self._lock = time.monotonic(), threading.Lock()

    def get(self, model: str, messages: Sequence[Message], seed: int) -> Written | None:
        """The text, if it was written before."""
        key = self._key(model, messages, seed)
        found = self._known.get(key)
        if found is None:
            return None
        with self._lock:
            self._used[key] = found
        return Written(str(found[0]), bool(found[1]))

    def put(self, model: str, messages: Sequence[Message], seed: int, text: Written) -> Written:
        """Keep a text."""
        with self._lock:
            self._used[self._key(model, messages, seed)] = [text.text, text.ended]
            if time.monotonic() - self._saved > _SAVE_SECONDS:
                self._saved = time.monotonic()
                write_json(self._path, {**self._known, **self._used})
        return text

    def save(self) -> None:
        """Write what this evaluation used; texts of earlier ones go once a whole evaluation has been written."""
        write_json(self._path, self._used if len(self._used) >= len(self._known) else {**self._known, **self._used})

    def _key(self, model: str, messages: Sequence[Message], seed: int) -> str:
        what = [self._digests[model], list(messages), seed, self._sampling]
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]


def digests(gguf: Path, adapters: Mapping[str, Path]) -> dict[str, str]:
    """Model → what tells its weights from others'."""
    base = f"{gguf.name}:{gguf.stat().st_size}"
    return {BASE: base} | {
        model: base + hashlib.sha256((folder / "adapter.gguf").read_bytes()).hexdigest()
        for model, folder in adapters.items()
    }


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
            "--pointers", folder, "--slots", str(SLOTS), "--context", "2048",
        ]  # fmt: skip
        for model, path in adapters.items():
            command += ["--adapter", f"{model}={path / 'adapter.gguf'}"]
        with open(log, "w") as file:
            own = lifeline.tied() | {"TWIN_PREDICTOR_KEY": ""}
            process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=own)
        watch = Predictor(f"http://127.0.0.1:{port}")
        try:
            until = time.monotonic() + _START_SECONDS
            while not watch.healthy():
                if process.poll() is not None or time.monotonic() > until:
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
