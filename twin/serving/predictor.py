"""The local predictor: OpenAI's routes over llama.cpp, one base model, many adapters, swapped while it serves."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin import hosts, lifeline, redact, tracing
from twin import settings as settings_module
from twin.basemodel import bundled_gguf
from twin.errors import ModelError, TwinError
from twin.serving import engine as engines
from twin.serving import gate, http
from twin.serving.engine import Engine

if TYPE_CHECKING:
    import httpx
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

BASE = "base"
_LOOK_SECONDS = 0.25
_DRAIN_SECONDS = 600.0
_log = logging.getLogger("twin.predictor")


@dataclass(frozen=True, slots=True)
class Adapter:
    """One author's adapter file as a pointer names it; two equal values are the same weights."""

    author: str
    gguf: Path
    version: str = ""
    stamp: str = ""


def read_pointers(folder: Path | None, fixed: Mapping[str, Path]) -> dict[str, Adapter]:
    """The adapters wanted now: `fixed` ones, then each `<author>.json` in `folder` (author, version, gguf, sha256).

    Versions under `previous` (version, gguf, sha256 each) are wanted as `<author>@<version>`: they answer whoever asks
    for them by that name, and are there at once when the pointer goes back to one.

    A pointer that is half written, names no file or names one that is gone is left out until it is mended.
    """
    wanted = {author: Adapter(author, path) for author, path in fixed.items()}
    for path in sorted(folder.glob("*.json")) if folder else []:
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            author = str(data["author"])
            named = [(author, data), *((f"{author}@{old['version']}", old) for old in data.get("previous", []))]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
        for name, item in named if author != BASE else []:
            if (adapter := _named(name, item, path.parent)) is not None:
                wanted[name] = adapter
    return wanted


def _named(name: str, item: Any, folder: Path) -> Adapter | None:
    try:
        gguf = (folder / str(item["gguf"])).resolve()
        stat = gguf.stat()
    except (OSError, KeyError, TypeError):
        return None
    stamp = f"{item.get('sha256', '')}:{stat.st_mtime_ns}:{stat.st_size}"
    return Adapter(name, gguf, str(item.get("version", "")), stamp)


@dataclass(slots=True)
class Predictor:
    """What serves now (`engine`, `adapters`) and what was refused (author → reason, until its pointer changes)."""

    gguf: Path
    pointers: Path | None
    fixed: Mapping[str, Path]
    threads: int
    slots: int
    context: int
    engine: Engine | None = None
    adapters: dict[str, Adapter] = field(default_factory=dict)
    seen: dict[str, Adapter] | None = None
    refused: dict[str, str] = field(default_factory=dict)
    retiring: set[asyncio.Task[None]] = field(default_factory=set)

    async def refresh(self) -> None:
        """Load what the pointers want, if it changed; requests in flight end on the engine they began on."""
        wanted = await asyncio.to_thread(read_pointers, self.pointers, self.fixed)
        if wanted == self.seen and self.engine is not None and self.engine.alive():
            return
        began = time.monotonic()
        self.seen, self.refused = wanted, {}
        fresh, loaded = await asyncio.to_thread(self._load, wanted)
        old, self.engine, self.adapters = self.engine, fresh, loaded
        _log.warning("serving %s after %.2f s", ", ".join([BASE, *loaded]), time.monotonic() - began)
        if old is not None:
            task = asyncio.create_task(_retire(old))
            self.retiring.add(task)
            task.add_done_callback(self.retiring.discard)

    def _load(self, wanted: dict[str, Adapter]) -> tuple[Engine, dict[str, Adapter]]:
        try:
            return self._start(wanted), wanted
        except ModelError as error:
            if not wanted:
                raise
            _log.error("%s", error)
        good: dict[str, Adapter] = {}
        for author, adapter in wanted.items():
            # Only here, after a failure, is each one tried alone: one bad file must not take the others down.
            try:
                self._start({author: adapter}).close()
                good[author] = adapter
            except ModelError as error:
                self.refused[author] = str(error)
                _log.error("the adapter of %s is refused: %s", author, error)
                before = self.adapters.get(author)
                if before is not None and before != adapter and before.gguf != adapter.gguf and before.gguf.exists():
                    good[author] = before
        good = {**_stand_ins(good, self.refused), **good}
        return self._start(good), good

    def _start(self, wanted: Mapping[str, Adapter]) -> Engine:
        paths = {author: adapter.gguf for author, adapter in wanted.items()}
        return engines.start(self.gguf, paths, threads=self.threads, slots=self.slots, context=self.context)

    async def follow(self) -> None:
        """Look at the pointers for ever; a failure is logged and what serves goes on serving."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self.refresh()
            except TwinError as error:
                _log.error("%s", error)

    def close(self) -> None:
        """End the engine that serves."""
        if self.engine is not None:
            self.engine.close()


def _stand_ins(good: Mapping[str, Adapter], refused: Iterable[str]) -> dict[str, Adapter]:
    """For each author whose adapter was refused and had no forerunner here: the newest kept version that is whole."""
    found: dict[str, Adapter] = {}
    for name, adapter in good.items():
        author, _, version = name.partition("@")
        if version and author in refused and author not in good:
            found.setdefault(author, replace(adapter, author=author))
    return found


async def _retire(old: Engine) -> None:
    until = time.monotonic() + _DRAIN_SECONDS
    try:
        while old.in_flight and time.monotonic() < until:
            await asyncio.sleep(0.1)
    finally:
        await asyncio.to_thread(old.close)


def _brought(scope: Any, key: str) -> bool:
    """Whether a request brings the key; where there is none, each does."""
    given = dict(scope["headers"]).get(b"authorization", b"").removeprefix(b"Bearer ")
    return not key or secrets.compare_digest(given, key.encode())


class Guard:
    """ASGI middleware: where there is a `key`, whoever asks for more than the health must bring it."""

    def __init__(self, app: Any, key: str) -> None:
        self.app, self.key = app, key

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Let a request pass, or answer 401."""
        asked = scope["type"] == "http" and scope["path"] not in ("/health", "/v1/health")
        fine = not asked or _brought(scope, self.key)
        await (self.app if fine else http.error(401, "this predictor has a key"))(scope, receive, send)


def app(predictor: Predictor, *, here: bool = True, key: str = "") -> Starlette:
    """The ASGI application; it follows the pointers while it runs and ends its engines at shut-down.

    `here` says that it is bound to this machine alone; `key` is asked of its clients, where there is one.
    """
    import httpx
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    # A connection a request: llama.cpp's server closes kept ones at will, and a request sent into that gap is lost.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    client = httpx.AsyncClient(timeout=httpx.Timeout(None, connect=5.0), limits=limits, trust_env=False)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        follower = asyncio.create_task(predictor.follow())
        try:
            yield
        finally:
            follower.cancel()
            for task in list(predictor.retiring):
                task.cancel()
            await asyncio.gather(follower, *predictor.retiring, return_exceptions=True)
            await client.aclose()
            await asyncio.to_thread(predictor.close)

    async def models(_: Request) -> Response:
        listed: list[dict[str, Any]] = [
            {"id": BASE, "object": "model", "owned_by": "twin", "root": predictor.gguf.name, "slots": predictor.slots}
        ]
        if predictor.engine is not None and predictor.engine.end_token is not None:
            listed[0] |= {"end_token": predictor.engine.end_token}
        listed += [
            {"id": a.author, "object": "model", "owned_by": "twin", "parent": BASE, "version": a.version}
            for a in predictor.adapters.values()
        ]
        return JSONResponse({"object": "list", "data": listed})

    async def health(request: Request) -> Response:
        ok = predictor.engine is not None and predictor.engine.alive()
        state: dict[str, Any] = {"status": "ok" if ok else "loading"}
        if _brought(request.scope, key):  # whose twins are here is told to nobody else
            state |= {"models": [BASE, *predictor.adapters], "refused": predictor.refused}
        return JSONResponse(state, 200 if ok else 503)

    async def complete(request: Request) -> Response:
        return await _complete(predictor, client, request)

    routes = [Route("/health", health), Route("/v1/health", health), Route("/v1/models", models)]
    routes += [Route(p, complete, methods=["POST"]) for p in ("/v1/chat/completions", "/v1/completions")]
    doors = [Middleware(gate.Gate, here=here), Middleware(Guard, key=key)]
    return Starlette(routes=routes, lifespan=lifespan, middleware=doors)


async def _complete(predictor: Predictor, client: httpx.AsyncClient, request: Request) -> Response:
    try:
        body = await request.json()
    except ValueError:
        return http.error(400, "the body is not JSON")
    if not isinstance(body, dict):
        return http.error(400, "the body is not a JSON object")
    model = str(body.get("model") or BASE)
    engine = predictor.engine
    if engine is None or not engine.alive():
        return http.error(503, "the model is loading", retry_after=1)
    if model != BASE and model not in engine.adapters:
        known = ", ".join([BASE, *engine.adapters])
        return http.error(404, f"there is no model {model!r}; known models are {known}", field="model")
    body = engine_body(body, model, engine)
    span = tracing.begin("generate", request.headers.get(tracing.HEADER, ""), model=model)
    engine.in_flight += 1
    handed_on = False
    try:
        upstream = client.build_request(
            "POST", engine.url + request.url.path, json=body, headers={"Authorization": f"Bearer {engine.key}"}
        )
        reply = await http.unless_gone(request, client.send(upstream, stream=True))
        handed_on = True
        return http.relay(request, reply, on_end=lambda: _leave(engine, span))
    except http.Gone:
        return http.error(499, "the client went away")
    except httpx_errors() as error:
        return http.error(503, f"the engine did not answer ({type(error).__name__})", retry_after=1)
    finally:
        if not handed_on:
            _leave(engine, span)


def httpx_errors() -> tuple[type[Exception], ...]:
    """What httpx raises when the other side is away (imported late: httpx takes a tenth of a second)."""
    import httpx

    return (httpx.HTTPError,)


def _leave(engine: Engine, span: tracing.Span) -> None:
    engine.in_flight -= 1
    span.end()


def engine_body(body: dict[str, Any], model: str, engine: Engine) -> dict[str, Any]:
    """The request as llama.cpp wants it: the adapter's scale set, vLLM's spelling of the penalty understood."""
    own = {k: v for k, v in body.items() if k not in ("lora", "id_slot", "repetition_penalty")}
    if "repetition_penalty" in body:
        own["repeat_penalty"] = body["repetition_penalty"]
    return own | {"model": model, "lora": engine.lora(model)}


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; 2 and one readable line when it can't."""
    redact.install()
    settings = settings_module.load()
    parser = argparse.ArgumentParser(prog="python -m twin.serving.predictor", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=settings.predictor_port)
    parser.add_argument("--gguf", type=Path, help="the base model (default: the bundled one)")
    parser.add_argument("--pointers", type=Path, default=settings.home / "serving", help="folder of <author>.json")
    parser.add_argument("--adapter", action="append", default=[], metavar="AUTHOR=GGUF", help="a fixed adapter")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 2, help="to read prompts; half of them write")
    parser.add_argument("--slots", type=int, default=4, help="requests decoded at once")
    parser.add_argument("--context", type=int, default=4096, help="tokens a slot holds")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
    lifeline.follow()
    try:
        fixed = {a: Path(p) for a, _, p in (pair.partition("=") for pair in args.adapter)}
        gguf = args.gguf or bundled_gguf()
        if not gguf.is_file():
            raise ModelError("there is no such base model", gguf, "Give --gguf a GGUF file.")
        predictor = Predictor(gguf, args.pointers, fixed, args.threads, args.slots, args.context)
        tracing.setup("twin-predictor", settings.otlp_endpoint)
        sock = http.listen(args.host, args.port, "predictor", "TWIN_PREDICTOR_PORT")
        asyncio.run(predictor.refresh())
        here = hosts.here(sock.getsockname()[0])
        return http.serve(app(predictor, here=here, key=settings.predictor_key), sock)
    except TwinError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
