"""What the transformer does for a request: admit it, choose the adapter, run the chain, log the draft."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twin import tracing
from twin.errors import DataError, StoreError, TwinError
from twin.generation import BASE, Predictor
from twin.monitoring import payload
from twin.params import Params
from twin.records import Draft, Step
from twin.serving import keys
from twin.serving.metrics import metrics
from twin.serving.requests import Asked, Refusal
from twin.settings import Settings
from twin.store import Store
from twin.writing import Chain, Commission

_log = logging.getLogger("twin.transformer")
_LIST_SECONDS = 1.0
_KEPT_VECTORS = 8192  # some 13 MB
_LOADING_SECONDS = 30.0


@dataclass(slots=True)
class Twin:
    """One author's twin at work, and any other author whose adapter or chunks are here."""

    params: Params
    settings: Settings
    store: Store
    predictor: Predictor
    chain: Chain
    in_flight: int = 0
    seconds_a_draft: float = 5.0
    listed: tuple[float, dict[str, str]] = (-1e9, {})

    async def write(self, asked: Asked) -> AsyncGenerator[str | Step | Draft]:
        """Yield the first steps, the text as it comes, then the Draft; raises Refusal with the status of HTTP that fits."""
        span = tracing.begin("draft", tracing.incoming.get(), author=asked.author, action=asked.action)
        tracing.outgoing.set(span.header)
        began, first, done = time.monotonic(), True, False
        metrics().waiting.inc()
        try:
            async with contextlib.aclosing(self._write(asked, began)) as pieces:
                async for piece in pieces:
                    if first and not isinstance(piece, Step):
                        metrics().first_word(time.monotonic() - began)
                        metrics().waiting.dec()
                        first = False
                    if isinstance(piece, Draft):
                        done = True
                        metrics().finished(piece, time.monotonic() - began)
                        _trace(span, piece)
                    yield piece
                    # Who asks for the next piece may be another task, with a context of its own.
                    tracing.outgoing.set(span.header)
        except Refusal as refusal:
            metrics().refused(refusal.status)
            self._log(_refused(asked, refusal.status, refusal.message), began)
            span.end(refusal.message)
            raise
        except (GeneratorExit, asyncio.CancelledError):
            # Who has the whole draft need not ask for more: that is no client that went away.
            if not done:
                metrics().refused(499)
                self._log(_refused(asked, 499, "the client went away"), began)
                span.end("the client went away")
            raise
        finally:
            if first:
                metrics().waiting.dec()

    async def _write(self, asked: Asked, began: float) -> AsyncGenerator[str | Step | Draft]:
        serve = self.params.serve
        room = admitted(serve.max_in_flight, self.seconds_a_draft, serve.deadline_seconds)
        if self.in_flight >= room:
            message = f"{self.in_flight} drafts are being written, and no more than {room} at once"
            raise Refusal(429, message, retry_after=self.seconds_a_draft)
        self.in_flight += 1
        metrics().in_flight.inc()
        until = asyncio.get_running_loop().time() + serve.deadline_seconds
        try:
            async with asyncio.timeout_at(until):
                commission = await self._commission(asked)
            async with contextlib.aclosing(self.chain.write(commission)) as pieces:
                while True:
                    # The deadline may strike while the chain works, never while the caller does.
                    async with asyncio.timeout_at(until):
                        piece = await anext(pieces)
                    if isinstance(piece, Draft):
                        self._log(piece, began)
                    yield piece
        except StopAsyncIteration:
            return
        except TimeoutError:
            message = f"the draft took longer than {serve.deadline_seconds:g} s; ask for fewer max_tokens"
            raise Refusal(504, message) from None
        except DataError as error:
            raise Refusal(400, str(error), "action" if commission.given.facts is None else "given") from error
        except TwinError as error:
            raise Refusal(503, str(error), retry_after=5) from error
        finally:
            self.in_flight -= 1
            metrics().in_flight.dec()
            self.seconds_a_draft += 0.2 * (time.monotonic() - began - self.seconds_a_draft)

    def _log(self, what: Draft | payload.Refused, began: float) -> None:
        monitor = self.params.monitor
        payload.record(
            self.settings.database_url, what, time.monotonic() - began,
            text=monitor.text, keep_days=monitor.keep_days, spool=payload.place(self.settings.home),
        )  # fmt: skip

    async def versions(self) -> dict[str, str]:
        """The predictor's models and their versions, asked at most once a second."""
        at, known = self.listed
        if time.monotonic() - at > _LIST_SECONDS:
            known = await asyncio.to_thread(self.predictor.versions)
            self.listed = (time.monotonic(), known)
        return known

    async def healthy(self) -> bool:
        """Whether the embedder is loaded, predictor and store answer, and the author's adapter is where it should be."""
        author = self.params.author.id
        try:
            versions = await self.versions()
            await asyncio.to_thread(self.store.count, author)
        except TwinError as error:
            _log.warning("not ready: %s", error)
            return False
        if author not in versions and _named_long_ago(self.settings.home / "serving" / f"{author}.json"):
            _log.warning("not ready: the predictor has not loaded the adapter of %s; its log says why", author)
            return False
        return True

    async def _commission(self, asked: Asked) -> Commission:
        client = keys.client.get()
        if client is not None and not (client.may(asked.author) and client.may(_owner(asked))):
            raise Refusal(403, f"the key of {client.name!r} is not for this author", "author")
        versions = await self.versions()
        own = self.params.author
        model = asked.adapter
        if model == "auto":
            model = asked.author if asked.author in versions else BASE
        if asked.version and model != BASE and versions.get(model) != asked.version:
            model = f"{model}@{asked.version}"
        if model not in versions:
            raise Refusal(400, f"there is no adapter {model!r}; loaded are {', '.join(shown(versions))}", "adapter")
        if asked.author != own.id and asked.author not in versions and not await self._has_texts(asked.author):
            raise Refusal(400, f"nothing is known of the author {asked.author!r}", "author")
        return Commission(
            brief=asked.brief, author=asked.author, name=own.name if asked.author == own.id else asked.author,
            register=asked.register, model=model, version=versions[model], links=asked.links,
            max_tokens=asked.max_tokens, temperature=asked.temperature, seed=asked.seed, action=asked.action,
            text=asked.text, given=asked.given, language=asked.language, material=asked.material,
        )  # fmt: skip

    async def _has_texts(self, author: str) -> bool:
        return await asyncio.to_thread(self.store.count, author) > 0

    def close(self) -> None:
        """Give the connections back."""
        self.predictor.close()
        self.store.close()


def _named_long_ago(pointer: Path) -> bool:
    """Whether an adapter is wanted for longer than loading one takes. In the cluster vLLM's own readiness says this."""
    try:
        return time.time() - pointer.stat().st_mtime > _LOADING_SECONDS
    except OSError:
        return False


def admitted(most: int, seconds: float, deadline: float) -> int:
    """How many drafts may be written at once where one takes so many `seconds`: `most`, and fewer on a machine so busy
    that they would not be ready within the deadline. To be refused at once beats to be given up after minutes.
    """
    return max(1, min(most, int(most * deadline / 2 / max(seconds, 0.001))))


def _refused(asked: Asked, status: int, why: str) -> payload.Refused:
    return payload.Refused(
        id=uuid.uuid4().hex, author=asked.author, register=asked.register, brief=asked.brief, status=status, why=why
    )


def shown(versions: Iterable[str]) -> list[str]:
    """The models of these that whoever asks may know of: the base model, and adapters of their key's authors."""
    client = keys.client.get()
    return [name for name in versions if name == BASE or client is None or client.may(name.partition("@")[0])]


def _owner(asked: Asked) -> str:
    """Whose adapter is asked for; the base model is everybody's."""
    return asked.author if asked.adapter in ("auto", BASE) else asked.adapter.partition("@")[0]


def _trace(span: tracing.Span, draft: Draft) -> None:
    """The chain's steps as children, though they are told at the end: their lengths are right, their order holds."""
    for step in draft.steps:
        span.past(step.name, step.seconds)
    span.end(tokens=draft.scores.get("tokens", 0.0), adapter=draft.adapter)


def make(params: Params, settings: Settings) -> Twin:
    """Wire the real parts: the store of `settings.database_url`, the embedder, the predictor."""
    from twin.embedding import Embedder

    if not settings.database_url:
        raise StoreError("the transformer has no database", "DATABASE_URL is empty", "Start it with `twin up`.")
    store = Store(settings)
    predictor = Predictor(settings.predictor_url, timeout=params.serve.deadline_seconds, key=settings.predictor_key)
    embedder = Embedder(params.features.embedder, kept=_KEPT_VECTORS)
    return Twin(params, settings, store, predictor, Chain(store, embedder.encode, predictor, params.serve))


def completion(draft: Draft, model: str) -> dict[str, Any]:
    """A draft as OpenAI's chat completion, with the whole record under `twin`."""
    reason = "length" if draft.scores.get("cut_off") else "stop"
    tokens = int(draft.scores.get("tokens", 0))
    return {
        "id": f"chatcmpl-{draft.id}", "object": "chat.completion", "created": int(time.time()), "model": model,
        "choices": [
            {"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": draft.text}},
        ],
        "usage": {"prompt_tokens": 0, "completion_tokens": tokens, "total_tokens": tokens}, "twin": draft.as_dict(),
    }  # fmt: skip
