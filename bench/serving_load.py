"""Clients for the serving benchmark: one streamed request, timed, and many at once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer: seconds to its first and last piece of text and to its end, new tokens; `fault` if it failed."""

    first: float
    last: float
    whole: float
    tokens: float
    draft: dict[str, Any]
    fault: str = ""

    @property
    def speed(self) -> float:
        """Tokens a second between the first and the last piece."""
        return (self.tokens - 1) / (self.last - self.first) if self.last > self.first and self.tokens > 1 else 0.0


async def ask(client: httpx.AsyncClient, url: str, body: dict[str, Any], key: str = "") -> Heard:
    """Send a streamed chat request and read it to its end."""
    began = time.perf_counter()
    first = last = tokens = 0.0
    draft: dict[str, Any] = {}
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with client.stream("POST", url, json=body, headers=headers) as reply:
            if reply.status_code != 200:
                return Heard(0, 0, 0, 0, {}, f"{reply.status_code}: {(await reply.aread())[:200].decode()}")
            async for line in reply.aiter_lines():
                if not line.startswith("data:") or line.endswith("[DONE]"):
                    continue
                event = json.loads(line[5:])
                if "error" in event:
                    return Heard(0, 0, 0, 0, {}, str(event["error"]))
                tokens = (event.get("usage") or {}).get("completion_tokens", tokens)
                draft = event.get("twin") or draft
                if any((choice.get("delta") or {}).get("content") for choice in event.get("choices", ())):
                    last = time.perf_counter() - began
                    first = first or last
    except httpx.HTTPError as error:
        return Heard(0, 0, 0, 0, {}, type(error).__name__)
    tokens = draft.get("scores", {}).get("tokens", tokens)
    return Heard(
        first, last, time.perf_counter() - began, tokens, draft, "" if first or draft.get("text") else "no text"
    )


async def crowd(clients: int, jobs: Sequence[Callable[[], Awaitable[Heard]]]) -> tuple[list[Heard], float]:
    """All jobs by so many clients, each beginning its next when one ends: what was heard, and the seconds it took."""
    waiting, heard = list(jobs)[::-1], []

    async def one() -> None:
        while waiting:
            heard.append(await waiting.pop()())

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(clients)))
    return heard, time.perf_counter() - began
