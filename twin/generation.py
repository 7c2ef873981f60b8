"""The only client of the predictor: OpenAI's chat route, the same for the local engine and vLLM in the cluster."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twin import tracing
from twin.errors import ServingError
from twin.records import Message

if TYPE_CHECKING:
    import httpx

BASE = "base"
# Chosen by reading drafts of a 135M model: without them it loops; a penalty of 1.1 or more twists its sentences.
MIN_P = 0.1
REPETITION_PENALTY = 1.05
# A text that has used this share of its room is asked to end: the model's wish to stop grows, and a small one counts
# where a sentence is over. In the middle of one it stays too small to matter.
LANDING = 0.75
LANDING_BIAS = 5.0
# llama.cpp's DRY: what stands in the prompt or the text already is not said again word for word. Up to 8 tokens on end
# are free, such as names and turns; the twelfth costs e^7.5. It bounds copies of facts and loops. By default a quotation
# mark or a colon would begin the count anew. vLLM knows no such thing and passes over these fields.
NO_COPIES: dict[str, Any] = {
    "dry_multiplier": 0.8, "dry_base": 1.75, "dry_allowed_length": 8, "dry_penalty_last_n": 4096,
    "dry_sequence_breakers": ["\n"],
}  # fmt: skip
_MEND = "Start it with `twin up` (or set TWIN_PREDICTOR_URL to the one that runs)."


@dataclass(frozen=True, slots=True)
class Completion:
    """A finished text; `tokens` counts the new ones, `finish_reason` is stop or length."""

    text: str
    tokens: int
    finish_reason: str


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a text as it is written; the last one has a `finish_reason` and the count of new tokens."""

    text: str
    finish_reason: str = ""
    tokens: int = 0


def payload(
    messages: Sequence[Message],
    model: str,
    *,
    max_tokens: int,
    temperature: float,
    seed: int | None = None,
    stop: Sequence[str] = (),
    min_p: float = MIN_P,
    repetition_penalty: float = REPETITION_PENALTY,
) -> dict[str, Any]:
    """The request's body: OpenAI's fields, and `min_p`, `repetition_penalty` and NO_COPIES, which plain OpenAI lacks."""
    body: dict[str, Any] = {
        "model": model, "messages": list(messages), "max_tokens": max_tokens, "temperature": temperature,
        "min_p": min_p, "repetition_penalty": repetition_penalty, **NO_COPIES,
    }  # fmt: skip
    optional = {"seed": seed, "stop": list(stop) or None}
    return body | {key: value for key, value in optional.items() if value is not None}


def landing(body: dict[str, Any], end_token: int | None) -> tuple[dict[str, Any], int]:
    """The request for the text before it is asked to end, and the tokens that are kept for its end (0: all in one)."""
    kept = int(body["max_tokens"] * (1 - LANDING)) if end_token is not None else 0
    return body | {"max_tokens": body["max_tokens"] - kept}, kept


def ending(body: dict[str, Any], text: str, kept: int, end_token: int) -> dict[str, Any]:
    """The request that goes on with `text`, in `kept` more tokens; vLLM has to be told that it is not to begin anew."""
    return body | {
        "messages": [*body["messages"], {"role": "assistant", "content": text}], "max_tokens": kept,
        "logit_bias": {str(end_token): LANDING_BIAS}, "add_generation_prompt": False, "continue_final_message": True,
    }  # fmt: skip


class Turns:
    """Who may write now: as many texts as there are slots, all by one model, in the order in which they were asked for.

    llama.cpp decodes no two adapters in one batch and goes by the number of the slot: under load a text in the last slot
    would wait for ever. And a text that is asked to end finds its slot free, with what it has read.
    """

    def __init__(self, slots: int) -> None:
        self._slots, self._writing, self._model = slots, 0, ""
        self._waiting: deque[tuple[str, asyncio.Future[None]]] = deque()

    @contextlib.asynccontextmanager
    async def turn(self, model: str) -> AsyncIterator[None]:
        """Wait for one's turn, and give it back at the end."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((model, mine))
        self._next()
        try:
            await mine
            yield
        finally:
            if mine.done() and not mine.cancelled():
                self._writing -= 1
            self._next()

    def _next(self) -> None:
        while self._waiting:
            model, future = self._waiting[0]
            if not future.cancelled():
                if self._writing and (model != self._model or self._writing == self._slots):
                    return
                self._writing, self._model = self._writing + 1, model
                future.set_result(None)
            self._waiting.popleft()


class Predictor:
    """A connection to one predictor, with its key where it asks for one. Every failure is a ServingError that names it.

    A predictor that tells its model's `end_token` in /v1/models is asked in two: see `landing`. One that tells how many
    `slots` it has is streamed from in turns: see `Turns`.
    """

    def __init__(self, url: str, timeout: float = 300.0, key: str = "") -> None:
        self.url, self.timeout, self.key = url.rstrip("/"), timeout, key
        self._end: int | None = None
        self._listed = False
        self._slots = 0
        self._turns: Turns | None = None
        self._client: httpx.Client | None = None
        self._async: httpx.AsyncClient | None = None

    def chat(
        self,
        messages: Sequence[Message],
        model: str = BASE,
        *,
        max_tokens: int = 360,
        temperature: float = 0.8,
        seed: int | None = None,
        stop: Sequence[str] = (),
        min_p: float = MIN_P,
        repetition_penalty: float = REPETITION_PENALTY,
        steered: bool = True,
    ) -> Completion:
        """Write one text and wait for it. `model` is `base` or an author's id.

        Not `steered`, nothing asks it to end or keeps it from copying.
        """
        body = payload(
            messages, model, max_tokens=max_tokens, temperature=temperature, seed=seed, stop=stop,
            min_p=min_p, repetition_penalty=repetition_penalty,
        )  # fmt: skip
        if not steered:
            return self._complete({key: value for key, value in body.items() if key not in NO_COPIES})
        end = self._end_token()
        first, kept = landing(body, end)
        done = self._complete(first)
        if not kept or end is None or done.finish_reason != "length":
            return done
        rest = self._complete(ending(body, done.text, kept, end))
        # llama.cpp repeats what it was given, vLLM does not.
        text = done.text + rest.text.removeprefix(done.text)
        return Completion(text, done.tokens + rest.tokens, rest.finish_reason)

    def _complete(self, body: dict[str, Any]) -> Completion:
        data = self._call("POST", "/v1/chat/completions", body)
        choice = data["choices"][0]
        text = choice["message"]["content"] or ""
        return Completion(text, data["usage"]["completion_tokens"], choice["finish_reason"])

    async def stream(self, body: dict[str, Any]) -> AsyncGenerator[Delta]:
        """Yield a text as it is written, for a body made by `payload`; closing the iterator stops the predictor."""
        end = await asyncio.to_thread(self._end_token)
        if self._slots and self._turns is None:
            self._turns = Turns(self._slots)
        turn = self._turns.turn(body["model"]) if self._turns else contextlib.nullcontext()
        async with turn, contextlib.aclosing(self._legs(body, end)) as deltas:
            async for delta in deltas:
                yield delta

    async def _legs(self, body: dict[str, Any], end: int | None) -> AsyncGenerator[Delta]:
        first, kept = landing(body, end)
        text, tokens, last = "", 0, Delta("")
        async with contextlib.aclosing(self._stream(first)) as deltas:
            async for last in deltas:
                text += last.text
                if last.text:
                    yield last
        if kept and end is not None and last.finish_reason == "length":
            tokens = last.tokens
            async with contextlib.aclosing(self._stream(ending(body, text, kept, end))) as deltas:
                async for last in deltas:
                    if last.text:
                        yield last
        yield Delta("", last.finish_reason, tokens + last.tokens)

    async def _stream(self, body: dict[str, Any]) -> AsyncGenerator[Delta]:
        import httpx

        if self._async is None:
            self._async = httpx.AsyncClient(**self._options())
        asked = body | {"stream": True, "stream_options": {"include_usage": True}}
        finish, tokens = "", 0
        try:
            async with self._async.stream(
                "POST", "/v1/chat/completions", json=asked, headers=tracing.headers()
            ) as reply:
                if reply.status_code != 200:
                    await reply.aread()
                    raise self._refused(reply)
                async for line in reply.aiter_lines():
                    event = _event(line)
                    tokens = (event.get("usage") or {}).get("completion_tokens", tokens)
                    for choice in event.get("choices", ()):
                        finish = choice.get("finish_reason") or finish
                        if text := choice.get("delta", {}).get("content"):
                            yield Delta(text)
        except httpx.HTTPError as error:
            raise self._away(error) from error
        if not finish:
            raise ServingError("the predictor broke off in the middle of a text", self.url, "Ask again.")
        yield Delta("", finish, tokens)

    def models(self) -> list[str]:
        """`base` and the authors whose adapters are loaded."""
        return list(self.versions())

    def versions(self) -> dict[str, str]:
        """As `models`, each with its adapter's version ("" when the predictor tells none)."""
        listed = self._call("GET", "/v1/models")["data"]
        ends = {int(item["end_token"]) for item in listed if item.get("end_token") is not None}
        self._end, self._listed = (ends.pop() if len(ends) == 1 else None), True
        self._slots = max((int(item.get("slots") or 0) for item in listed), default=0)
        return {item["id"]: str(item.get("version") or "") for item in listed}

    def _end_token(self) -> int | None:
        if not self._listed:
            self.versions()
        return self._end

    def healthy(self) -> bool:
        """Whether the predictor answers and its model is loaded."""
        try:
            self._call("GET", "/health")
        except ServingError:
            return False
        return True

    def close(self) -> None:
        """Give back the connections of the blocking calls."""
        if self._client is not None:
            self._client.close()

    async def aclose(self) -> None:
        """Give back all connections."""
        self.close()
        if self._async is not None:
            await self._async.aclose()

    def _options(self) -> dict[str, Any]:
        import httpx

        # Uvicorn, here and under vLLM, drops idle connections after 5 s: let go of them first.
        limits = httpx.Limits(max_connections=None, keepalive_expiry=2.0)
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        timeout = httpx.Timeout(self.timeout, connect=5.0)
        return {"base_url": self.url, "timeout": timeout, "limits": limits, "headers": headers}

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        import httpx

        if self._client is None:
            self._client = httpx.Client(**self._options())
        try:
            reply = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise self._away(error) from error
        if reply.status_code != 200:
            raise self._refused(reply)
        # vLLM's health route answers with an empty body.
        return reply.json() if reply.content else {}

    def _away(self, error: Exception) -> ServingError:
        return ServingError("the predictor does not answer", f"{self.url} ({type(error).__name__})", _MEND)

    def _refused(self, reply: httpx.Response) -> ServingError:
        try:
            reason = reply.json()["error"]["message"]
        except (ValueError, KeyError, TypeError):
            reason = reply.text[:200]
        return ServingError(f"the predictor refused the request with {reply.status_code}", f"{self.url}: {reason}")


def _event(line: str) -> dict[str, Any]:
    data = line.removeprefix("data:").strip()
    if not line.startswith("data:") or data == "[DONE]":
        return {}
    found = json.loads(data)
    if "error" in found:
        raise ServingError("the predictor failed while it wrote", found["error"].get("message", found["error"]))
    return dict(found)
