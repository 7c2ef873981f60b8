"""HTTP to the writing service: is it ready, and a draft as it is written."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx

from twin import tracing
from twin.errors import ServingError

_START_IT = "Start it with `make up`; after a start it needs up to a minute to load the model. Your brief is kept."


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked for. `words` is the wished length; `links` and `material` (title, text) may be drawn on.

    `adapter` is auto, base or author@version. `action` and `text` ask for a rework, `facts`, `outline` and `draft` are
    steps kept or changed by hand, `parent` is the draft that it began from.
    """

    author: str
    register: str
    brief: str
    links: tuple[str, ...] = ()
    words: int = 150
    material: tuple[tuple[str, str], ...] = ()
    language: str = ""
    adapter: str = "auto"
    action: str = "draft"
    text: str = ""
    facts: tuple[str, ...] | None = None
    outline: tuple[str, ...] | None = None
    draft: str | None = None
    parent: str = ""

    @classmethod
    def restored(cls, kept: dict[str, Any]) -> Order:
        """An order as it was kept on disk."""
        lists = {key: tuple(kept[key]) for key in ("links", "facts", "outline") if kept.get(key) is not None}
        material = tuple((str(title), str(text)) for title, text in kept.get("material") or ())
        return cls(**{**kept, **lists, "material": material})


@dataclass(frozen=True, slots=True)
class Passed:
    """A step of the chain that has run: its name, its result, its seconds."""

    name: str
    output: str
    seconds: float


async def ready(url: str) -> str:
    """`ready`, `loading` or `away`: what the service says about itself within two seconds."""
    try:
        async with httpx.AsyncClient(timeout=2.0, trust_env=False) as http:
            answer = await http.get(f"{url}/v2/health/ready")
    except httpx.HTTPError:
        return "away"
    return "ready" if answer.status_code == 200 else "loading"


async def versions(url: str, key: str, author: str) -> dict[str, str]:
    """The author's adapters that can be asked for, each with its version, newest first; empty when nobody answers."""
    try:
        async with httpx.AsyncClient(timeout=2.0, trust_env=False, headers=_headers(key)) as http:
            answer = await http.get(f"{url}/openai/v1/models")
            listed = answer.json()["data"] if answer.status_code == 200 else []
    except (httpx.HTTPError, ValueError, KeyError):
        return {}
    return {m["id"]: str(m.get("version") or "") for m in listed if m["id"].partition("@")[0] == author}


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


async def stream(url: str, order: Order, key: str = "") -> AsyncIterator[str | Passed | dict[str, Any]]:
    """Yield steps as they end, pieces of text as they come, and at the end the whole draft as a dict.

    Raises ServingError when the service is away, not ready, refuses, or stops before the draft is whole.
    """
    timeout = httpx.Timeout(connect=5.0, read=300.0, write=30.0, pool=5.0)
    finished = False
    span = tracing.begin("write", author=order.author, action=order.action)
    headers = _headers(key) | ({tracing.HEADER: span.header} if span.header else {})
    try:
        async with (
            httpx.AsyncClient(timeout=timeout, trust_env=False, headers=headers) as http,
            http.stream("POST", f"{url}/openai/v1/chat/completions", json=_body(order)) as answer,
        ):
            if answer.status_code != 200:
                raise _refused(answer.status_code, (await answer.aread()).decode("utf-8", "replace"))
            async for line in answer.aiter_lines():
                if not line.startswith("data:"):
                    continue
                data = line[5:].strip()
                if data == "[DONE]":
                    finished = True
                    break
                for piece in _pieces(data):
                    yield piece
    except httpx.ConnectError:
        raise ServingError("The writing service does not answer", url, _START_IT) from None
    except httpx.TimeoutException:
        raise ServingError("The writing service took too long", url, "Look at its log under .twin/logs.") from None
    except httpx.HTTPError as error:
        raise ServingError("The writing service stopped in the middle", type(error).__name__, _START_IT) from None
    finally:
        span.end("" if finished else "not finished")
    if not finished:
        raise ServingError("The writing service stopped in the middle", "the draft is not whole", _START_IT)


def _body(order: Order) -> dict[str, Any]:
    own: dict[str, Any] = {"author": order.author, "register": order.register, "links": list(order.links)}
    adapter, _, version = order.adapter.partition("@")
    chosen: dict[str, Any] = {
        "adapter": "" if adapter in ("auto", order.author) else adapter, "version": version, "action": order.action,
        "text": order.text, "language": order.language,
        "material": [{"title": title, "text": text} for title, text in order.material],
    }  # fmt: skip
    given = {"facts": order.facts, "outline": order.outline, "draft": order.draft}
    chosen["given"] = {k: list(v) if isinstance(v, tuple) else v for k, v in given.items() if v is not None}
    return {
        "model": order.author,
        "stream": True,
        "messages": [{"role": "user", "content": order.brief}],
        # English runs at about 1.35 tokens a word, emoji and short lines at more: room to end, not a target.
        "max_tokens": max(48, round(order.words * 1.7)),
        "twin": own | {key: value for key, value in chosen.items() if value and value != "draft"},
    }


def _pieces(data: str) -> list[str | Passed | dict[str, Any]]:
    try:
        chunk = json.loads(data)
    except ValueError:
        return []
    if "error" in chunk:
        raise ServingError("The writing service reports a fault", _message(chunk["error"]), "Try again; then its log.")
    found: list[str | Passed | dict[str, Any]] = []
    if isinstance(step := chunk.get("twin_step"), dict):
        found.append(Passed(str(step.get("name")), str(step.get("output")), float(step.get("seconds") or 0)))
    for choice in chunk.get("choices") or []:
        content = (choice.get("delta") or {}).get("content")
        if content:
            found.append(content)
    if isinstance(chunk.get("twin"), dict):
        found.append(chunk["twin"])
    return found


def _message(error: Any) -> str:
    return str(error.get("message", error)) if isinstance(error, dict) else str(error)


def _refused(status: int, body: str) -> ServingError:
    try:
        parsed = json.loads(body)
        detail = _message(parsed.get("error") or parsed.get("detail") or parsed)
    except (ValueError, AttributeError):
        detail = body[:200]
    if status in (502, 503, 504):
        return ServingError(
            "The writing service is not ready yet",
            detail or status,
            "It may still load the model: try again in a minute.",
        )
    if status == 429:
        return ServingError("The writing service is busy", detail or status, "Try again in a few seconds.")
    return ServingError(
        f"The writing service refused ({status})", detail, "Shorten the brief or take out a link, then try again."
    )
