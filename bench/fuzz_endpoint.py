"""Thousands of requests made from the endpoint's OpenAPI document: `python -m bench.fuzz_endpoint --cases 20000`."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from hypothesis.errors import Unsatisfiable

from twin import settings as environment
from twin.files import write_text
from twin.local import postgres
from twin.local.processes import Child
from twin.monitoring import roles

WORDS = "The kettle whistles at 7. I pour the tea and count the cups: there are 4 of them. Nobody asks why."
_READY_SECONDS = 300.0
# Longer than this for one answer of an engine that writes at once is called a hang.
SLOW_SECONDS = 2.0


@dataclass(slots=True)
class Tally:
    """What came of the requests: `statuses` counts, `broken` are 5xx or broken connections, `slow` took over 2 s."""

    cases: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    statuses: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)


@contextlib.contextmanager
def quick_engine() -> Iterator[str]:
    """A predictor on loopback that writes the same words at once, so that all the time goes into the endpoint."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response, StreamingResponse
    from starlette.routing import Route

    async def models(_: Request) -> Response:
        return JSONResponse({"data": [{"id": "base"}, {"id": "ada", "version": "3"}]})

    async def chat(request: Request) -> Response:
        await request.json()

        async def events() -> AsyncIterator[str]:
            for word in WORDS.split(" "):
                yield _event({"choices": [{"delta": {"content": word + " "}}]})
            yield _event({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"completion_tokens": 24}})
            yield "data: [DONE]\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    routes = [Route("/v1/models", models), Route("/health", models)]
    app = Starlette(routes=[*routes, Route("/v1/chat/completions", chat, methods=["POST"])])
    sock = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


def _event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data)}\n\n"


@contextlib.contextmanager
def endpoint(database_url: str = "", home: Path | None = None) -> Iterator[str]:
    """The real endpoint as a process, over a real store and the quick engine; yields its URL.

    `database_url` names a store that is there already; `home` holds the clients' keys, if any are to be asked.
    """
    folder = Path(tempfile.mkdtemp(prefix="twin-fuzz-"))
    settings = replace(environment.load(), root=folder, home=home or folder / "home", database_url=database_url)
    write_text(folder / "params.yaml", "author: {id: ada, name: Ada Reed}\nserve: {max_in_flight: 8}\n")
    port = _free_port()
    with postgres.running(settings) as url, quick_engine() as predictor:
        _fill(replace(settings, database_url=url))
        env = {
            "DATABASE_URL": roles.make(url), "TWIN_ROOT": str(folder), "TWIN_HOME": str(settings.home),
            "TWIN_PREDICTOR_URL": predictor,
        }  # fmt: skip
        address = f"http://127.0.0.1:{port}"
        arguments = ["-m", "twin.serving.transformer", "--http_port", str(port)]
        child = Child("endpoint", arguments, env, folder, f"{address}/v2/health/ready").start()
        try:
            until = time.monotonic() + _READY_SECONDS
            while not child.ready():
                if child.code() is not None or time.monotonic() > until:
                    raise RuntimeError(f"the endpoint did not start: {child.last_words()}")
                time.sleep(0.1)
            yield address
        finally:
            if child.process is not None:
                child.process.terminate()
                child.process.wait(30)
    shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _fill(settings: environment.Settings) -> None:
    """Three texts of Ada's: retrieval, citing and checking have something to work on."""
    from datetime import UTC, datetime

    import pandas as pd

    from twin.embedding import Embedder
    from twin.records import content_hash
    from twin.store import Store

    texts = [f"{WORDS} {topic} is what the {n}th morning is about." for n, topic in enumerate(("Tea", "Rain", "Bread"))]
    now = pd.Timestamp(datetime(2025, 1, 1, tzinfo=UTC))
    frame = pd.DataFrame(
        {
            "id": f"files:{n}#0", "document_id": f"files:{n}", "author": "ada", "register": "post", "source": "files",
            "url": f"https://x.example/{n}", "title": str(n), "ordinal": 0, "text": text, "start": 0, "end": len(text),
            "published_at": now, "sha256": content_hash(text), "event_timestamp": now,
        }
        for n, text in enumerate(texts)
    )  # fmt: skip
    with Store(settings) as store:
        store.apply()
        store.write_chunks(frame.assign(embedding=list(Embedder().encode(texts))))


def narrowed(part: Any, name: str = "") -> Any:
    """The document with names that exist here, so that requests get past the first check; links lead nowhere outside."""
    known = {
        "author": ["ada"], "adapter": ["auto", "base", "ada"], "version": ["", "3"], "model": ["twin", "base", "ada"],
        "facts": ["files:0#0", "files:1#0"], "links": ["http://127.0.0.1/", "http://10.0.0.1/x", "ftp://x.example/", "x"],
    }  # fmt: skip
    if isinstance(part, list):
        return [narrowed(item) for item in part]
    if not isinstance(part, dict):
        return part
    if name in known:
        enum = {"type": "string", "enum": known[name]}
        return part | {"items": enum} if part.get("type") == "array" else enum
    return {key: narrowed(value, key) for key, value in part.items()}


def fuzz(url: str, cases: int, seed: int = 8, headers: dict[str, str] | None = None) -> Tally:
    """Send `cases` requests, as many valid as wrong ones over all operations, and count how each was answered."""
    import requests  # type: ignore[import-untyped]
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from schemathesis import GenerationMode

    document = narrowed(httpx.get(f"{url}/openapi.json", timeout=30).json())
    schema = schemathesis.openapi.from_dict(document)
    # A document with a fault gives an error here in the place of an operation, and has no `ok` to be asked for.
    operations: list[Any] = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr]
    wanted = [
        (o, mode, 20 if o.body else 1)
        for o in operations
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    ]
    total, tally, began = sum(weight for *_, weight in wanted), Tally(), time.monotonic()
    with requests.Session() as session:
        session.headers.update(headers or {})
        for operation, mode, weight in wanted:

            @seeded(seed)
            @settings(
                max_examples=max(1, cases * weight // total), database=None, deadline=None, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            @given(case=operation.as_strategy(generation_mode=mode))
            def send(case: Any) -> None:
                _send(session, url, case, tally)

            # An operation without parameters has no wrong form; hypothesis says so by an error.
            with contextlib.suppress(Unsatisfiable):
                send()
    tally.seconds = time.monotonic() - began
    return tally


def _send(session: Any, url: str, case: Any, tally: Tally) -> None:
    given = case.as_transport_kwargs(base_url=url)
    began = time.monotonic()
    try:
        reply = session.request(**given, timeout=30)
        status, said = reply.status_code, reply.text[:200]
    except Exception as error:
        status, said = 599, f"{type(error).__name__}: {error}"[:200]
    took = time.monotonic() - began
    tally.cases += 1
    tally.statuses[f"{case.method} {case.path} {status}"] += 1
    tally.slowest = max(tally.slowest, took)
    body = json.dumps(given.get("json", str(given.get("data"))), default=str)[:600]
    shown = f"{case.method} {given['url'].removeprefix(url)} {body} → {status} {said}"
    if status >= 500:
        tally.broken.append(shown)
    if took > SLOW_SECONDS:
        tally.slow.append(f"{took:.1f} s: {shown}")


def main() -> None:
    """Print one line of figures, and what broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=8)
    args = parser.parse_args()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    with endpoint() as url:
        tally = fuzz(url, args.cases, args.seed)
    print("| requests | seconds | slowest, s | over 2 s | 5xx or broken |\n|---|---|---|---|---|")
    print(
        f"| {tally.cases:,} | {tally.seconds:.0f} | {tally.slowest:.2f} | {len(tally.slow)} | {len(tally.broken)} |\n"
    )
    for name, count in sorted(tally.statuses.items()):
        print(f"- {name}: {count:,}")
    for line in [*tally.broken[:30], *tally.slow[:10]]:
        print(f"- {line}")


if __name__ == "__main__":
    main()
