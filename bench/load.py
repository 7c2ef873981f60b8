"""Sustained load: `python -m bench.load --minutes 20 --clients 24` prints who was answered, how fast, and the memory.

Every client asks again as soon as it has its answer, and waits as long as a 429 tells it. The bare engine gets the same
prompts from as many clients for a while before and again after. Exits with 1 when a request was dropped.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from bench.load_memory import Memory
from bench.serving_load import ask
from bench.serving_stack import AUTHORS, Stack, running
from twin.serving.predictor import engine_body

TOKENS = 96
_SHARE_BARE, _LONGEST_BARE = 0.1, 60.0  # of the load's time; seconds
_SAY_SECONDS = 60.0
_AGAIN_SECONDS = 1.0  # after a fault: a client that is refused at once must not spin


@dataclass(slots=True)
class Told:
    """What the clients of one subject saw. `waits` are the seconds that 429s asked for; `faults` names the rest."""

    seconds: float = 0.0
    first: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    turn: list[float] = field(default_factory=list)
    tokens: float = 0.0
    refused: int = 0
    waits: list[float] = field(default_factory=list)
    without: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def row(self, name: str, bare: float) -> str:
        """The table's line; `bare` is the bare engine's tokens a second."""
        speed = self.tokens / self.seconds
        first, whole, turn = (_quantiles(times) for times in (self.first, self.whole, self.turn))
        return (
            f"| {name} | {len(self.whole)} | {self.refused} | {self.faults.total()} | {first} | {whole} | {turn} | "
            f"{speed:.1f} | {speed / bare:.0%} |"
        )


def main() -> int:
    """Run and print; the exit code is 1 when a request was neither answered nor refused with 429."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--adapter", type=Path, help="an adapter as GGUF, served as every author's")
    options = parser.parse_args()
    with running(options.adapter) as stack:
        return asyncio.run(_measure(stack, options.clients, options.minutes * 60))


async def _measure(stack: Stack, clients: int, seconds: float) -> int:
    memory, through = Memory(stack.processes), Told()
    short = min(_LONGEST_BARE, seconds * _SHARE_BARE)
    before = await _crowd(stack, clients, short, _bare, Told())
    watches = [asyncio.create_task(watch) for watch in (memory.follow(), _say(through, memory))]
    await _crowd(stack, clients, seconds, _through, through)
    for watch in watches:
        watch.cancel()
    after = await _crowd(stack, clients, short, _bare, Told())
    bare = (before.tokens + after.tokens) / (before.seconds + after.seconds)
    print(f"\n### {clients} clients for {seconds / 60:g} minutes, {TOKENS} tokens, model `{stack.model}`\n")
    print(
        "Seconds are p50 / p95 / p99: to the first word, to the end of the answer, and from wanting it to having it.\n"
    )
    print("| asked | answered | refused (429) | dropped | first word | answer | with waiting | tok/s | of bare |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, told in (("bare, before", before), ("the stack", through), ("bare, after", after)):
        print(told.row(name, bare))
    print(f"\nRetry-After: {_waits(through)}")
    for reason, count in (before.faults + through.faults + after.faults).most_common():
        print(f"- {count} x {reason}")
    print(f"\n### Memory, MB of their own\n\n{memory.table()}", flush=True)
    return 1 if through.faults else 0


async def _say(told: Told, memory: Memory) -> None:
    """Tell on standard error how far it is, for ever."""
    while True:
        await asyncio.sleep(_SAY_SECONDS)
        sizes = ", ".join(f"{name} {sizes[-1]:.0f} MB" for name, sizes in memory.sizes.items() if sizes)
        said = f"{len(told.whole)} answered, {told.refused} refused, {told.faults.total()} dropped; {sizes}"
        print(f"{time.strftime('%H:%M:%S')} {said}", file=sys.stderr, flush=True)


async def _crowd(
    stack: Stack, clients: int, seconds: float, job: Callable[..., Coroutine[Any, Any, None]], told: Told
) -> Told:
    """So many clients for so long, each with its own author; a request begun is always waited for."""
    began = time.monotonic()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    briefs, seeds = itertools.cycle(stack.briefs), itertools.count()
    async with httpx.AsyncClient(timeout=httpx.Timeout(300.0, connect=10.0), limits=limits, trust_env=False) as client:

        async def one(number: int) -> None:
            while time.monotonic() - began < seconds:
                await job(stack, client, next(briefs), next(seeds), number % AUTHORS, told)

        await asyncio.gather(*(one(number) for number in range(clients)))
    told.seconds = time.monotonic() - began
    return told


async def _bare(stack: Stack, client: httpx.AsyncClient, brief: str, seed: int, author: int, told: Told) -> None:
    messages = await asyncio.to_thread(stack.messages, brief)
    body = engine_body(stack.body(messages, TOKENS, seed), stack.model, stack.engine)
    heard = await ask(client, f"{stack.engine.url}/v1/chat/completions", body, stack.engine.key)
    if heard.fault:
        told.faults[f"bare engine: {heard.fault}"] += 1
        return
    told.first.append(heard.first)
    told.whole.append(heard.whole)
    told.turn.append(heard.whole)
    told.tokens += heard.tokens


async def _through(stack: Stack, client: httpx.AsyncClient, brief: str, seed: int, author: int, told: Told) -> None:
    """One draft, asked for until it is there."""
    body = {
        "model": "twin", "stream": True, "max_tokens": TOKENS, "seed": seed,
        "messages": [{"role": "user", "content": brief}], "twin": {"author": stack.author(author)},
    }  # fmt: skip
    wanted = time.monotonic()
    while (wait := await _attempt(stack, client, body, told)) is not None:
        await asyncio.sleep(wait)
    told.turn.append(time.monotonic() - wanted)


async def _attempt(stack: Stack, client: httpx.AsyncClient, body: dict[str, Any], told: Told) -> float | None:
    """Ask once: None when it was answered, else after how many seconds to ask again."""
    began, first, draft = time.monotonic(), 0.0, None
    try:
        async with client.stream("POST", f"{stack.transformer}/openai/v1/chat/completions", json=body) as reply:
            if reply.status_code == 429:
                await reply.aread()
                told.refused += 1
                after = reply.headers.get("retry-after", "")
                told.without += not after.isdigit()
                told.waits.append(float(after) if after.isdigit() else _AGAIN_SECONDS)
                return told.waits[-1]
            if reply.status_code != 200:
                return _fault(told, f"{reply.status_code}: {(await reply.aread())[:160].decode('utf-8', 'replace')}")
            async for line in reply.aiter_lines():
                if not line.startswith("data:") or line.endswith("[DONE]"):
                    continue
                event = json.loads(line[5:])
                if "error" in event:
                    return _fault(told, f"in the stream: {event['error'].get('message', '')[:160]}")
                draft = event.get("twin") or draft
                if not first and any((c.get("delta") or {}).get("content") for c in event.get("choices", ())):
                    first = time.monotonic() - began
    except httpx.HTTPError as error:
        return _fault(told, type(error).__name__)
    if draft is None or not draft.get("text"):
        return _fault(told, "no draft in the answer")
    told.first.append(first or time.monotonic() - began)
    told.whole.append(time.monotonic() - began)
    told.tokens += draft.get("scores", {}).get("tokens", 0.0)
    return None


def _fault(told: Told, reason: str) -> float:
    told.faults[reason] += 1
    print(f"dropped: {reason}", file=sys.stderr, flush=True)
    return _AGAIN_SECONDS


def _quantiles(times: list[float]) -> str:
    return " / ".join(f"{value:.1f}" for value in np.percentile(times, [50, 95, 99])) if times else "-"


def _waits(told: Told) -> str:
    if not told.waits:
        return "nobody was refused"
    return (
        f"named by {len(told.waits) - told.without} of {len(told.waits)} refusals, "
        f"{min(told.waits):.0f} to {max(told.waits):.0f} s (mean {sum(told.waits) / len(told.waits):.1f}), all waited out"
    )


if __name__ == "__main__":
    sys.exit(main())
