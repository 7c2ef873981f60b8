"""A whole serving stack in a scratch home for the benchmark: store, bare engine, two predictors, one transformer."""

from __future__ import annotations

import contextlib
import dataclasses
import random
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.store import docstrings
from twin import params as params_file
from twin import prompts
from twin.basemodel import bundled_gguf
from twin.embedding import Embedder
from twin.files import write_json, write_text
from twin.generation import Predictor, payload
from twin.local import postgres
from twin.local.processes import Child
from twin.params import Params
from twin.records import content_hash
from twin.serving import engine as engines
from twin.settings import Settings, load
from twin.store import Store
from twin.writing import Chain, Commission, gather
from twin.writing.work import Work

AUTHORS = 8
TEXTS = 60  # chunks an author
SLOTS, THREADS, CONTEXT = 4, 2, 4096
_READY_SECONDS = 300.0


@dataclass(slots=True)
class Stack:
    """What runs. `direct` is a predictor that only the benchmark asks, `behind` the one behind the transformer."""

    params: Params
    chain: Chain
    briefs: list[str]
    engine: engines.Engine
    direct: str
    transformer: str
    processes: dict[str, Any]
    model: str

    def author(self, number: int = 0) -> str:
        """The id of one of the authors; the first is the twin's own."""
        return f"bench-{number}"

    def messages(self, brief: str) -> list[Any]:
        """The very messages that the transformer's chain sends for a brief of the first author."""
        asked = Commission(
            brief=brief, author=self.author(), name=self.params.author.name, register="post", model=self.model
        )
        work = Work(asked, self.chain.encode)
        gather.gather(work, self.chain.store, self.chain.serve)
        return self.chain.prompt(work)

    def body(self, messages: Sequence[Any], max_tokens: int, seed: int) -> dict[str, Any]:
        """The body of these messages for predictor and engine."""
        serve = self.params.serve
        own = payload(
            messages, self.model, max_tokens=max_tokens, temperature=serve.temperature, seed=seed, stop=prompts.STOP
        )
        return own | {"stream": True, "stream_options": {"include_usage": True}}


@contextlib.contextmanager
def running(adapter: Path | None) -> Iterator[Stack]:
    """Start everything on free ports; `adapter` (GGUF) is every author's, else the base model writes."""
    home = Path(tempfile.mkdtemp(prefix="twin-bench-"))
    # Whoever ends the benchmark ends what it started, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        write_text(home / "params.yaml", "author: {id: bench-0, name: Ada Reed}\n")
        plain = dataclasses.replace(load(), root=home, home=home, database_url="")
        settings = dataclasses.replace(plain, database_url=stack.enter_context(postgres.running(plain)))
        names = [f"bench-{n}" for n in range(AUTHORS)] if adapter else []
        for name in names:
            write_json(home / "serving" / f"{name}.json", {"author": name, "version": "1", "gguf": str(adapter)})
        yield _started(stack, settings, {name: adapter for name in names if adapter})


def _started(stack: contextlib.ExitStack, settings: Settings, adapters: dict[str, Path]) -> Stack:
    embedder, params = Embedder().load(), params_file.load(settings.root / "params.yaml")
    store = stack.enter_context(Store(settings))
    briefs = _fill(store, embedder)
    bare = engines.start(bundled_gguf(), adapters, threads=THREADS, slots=SLOTS, context=CONTEXT)
    stack.callback(bare.close)
    ports = [_free_port() for _ in range(3)]
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    env = {
        "DATABASE_URL": settings.database_url, "TWIN_ROOT": str(settings.root), "TWIN_HOME": str(settings.home),
        "TWIN_PREDICTOR_URL": urls[1],
    }  # fmt: skip
    module, limits = "twin.serving.predictor", ["--threads", str(THREADS), "--slots", str(SLOTS)]
    settings.logs.mkdir(parents=True, exist_ok=True)
    children = [
        Child("direct", ["-m", module, "--port", str(ports[0]), *limits], env, settings.logs, f"{urls[0]}/health"),
        Child("predictor", ["-m", module, "--port", str(ports[1]), *limits], env, settings.logs, f"{urls[1]}/health"),
        Child(
            "transformer", ["-m", "twin.serving.transformer", "--http_port", str(ports[2])], env, settings.logs,
            f"{urls[2]}/v2/health/ready",
        ),
    ]  # fmt: skip
    for child in children:
        child.start()
        stack.callback(_end, child)
    for child in children:
        _wait(child)
    chain = Chain(store, embedder.encode, Predictor(urls[0]), params.serve)
    processes = {child.name: child.process for child in children}
    return Stack(params, chain, briefs, bare, urls[0], urls[2], processes, "bench-0" if adapters else "base")


def _fill(store: Store, embedder: Embedder) -> list[str]:
    """Write every author's chunks; the briefs are openings of texts that nobody wrote."""
    import pandas as pd

    texts = sorted(set(docstrings(60)))
    random.Random(7).shuffle(texts)
    now, kept = pd.Timestamp(datetime(2025, 1, 1, tzinfo=UTC)), texts[: AUTHORS * TEXTS]
    frame = pd.DataFrame(
        {
            "id": f"files:{n}#0", "document_id": f"files:{n}", "author": f"bench-{n // TEXTS}", "register": "post",
            "source": "files", "url": f"https://bench.example/{n}", "title": f"Text {n}", "ordinal": 0, "text": text,
            "start": 0, "end": len(text), "published_at": now, "sha256": content_hash(text), "event_timestamp": now,
        }
        for n, text in enumerate(kept)
    )  # fmt: skip
    store.apply()
    store.write_chunks(frame.assign(embedding=list(embedder.encode(kept))))
    return [" ".join(text.split()[:14]) for text in texts[AUTHORS * TEXTS : AUTHORS * TEXTS + 400]]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(child: Child) -> None:
    until = time.monotonic() + _READY_SECONDS
    while not child.ready():
        if child.code() is not None or time.monotonic() > until:
            raise SystemExit(f"the {child.name} did not start: {child.last_words()}")
        time.sleep(0.2)


def _end(child: Child) -> None:
    if child.process is not None:
        child.process.terminate()
        child.process.wait(30)
