"""Serving beside the bare engine on the same weights, in one run: `python -m bench.serving [--adapter GGUF]`.

Decode and first word at 1, 4 and 8 clients, the transformer's own time, the prefix cache, a post from end to end.
`--minutes N` runs the soak instead: 8 clients without a pause, memory and failures.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np

from bench.serving_load import Heard, ask, crowd
from bench.serving_stack import AUTHORS, Stack, running
from twin.serving.predictor import engine_body

CLIENTS = {1: 6, 4: 8, 8: 16}  # clients → requests
TOKENS = 96
POST_WORDS, TOKENS_A_WORD = 150, 1.7  # as the web interface asks
Ask = Callable[[], Awaitable[Heard]]


def main() -> None:
    """Print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--adapter", type=Path, help="an adapter as GGUF, served as every author's")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), help="parts to measure")
    parser.add_argument("--minutes", type=float, default=0.0, help="run the soak for so long instead")
    options = parser.parse_args()
    with running(options.adapter) as stack:
        asyncio.run(_soak(stack, options.minutes) if options.minutes else _measure(stack, options.only))


async def _measure(stack: Stack, parts: Sequence[str]) -> None:
    briefs = iter(stack.briefs)
    async with _client() as client:
        for part in parts:
            await PARTS[part](stack, client, briefs)


def _client() -> httpx.AsyncClient:
    # A connection a request, as llama.cpp's own server wants it: the same for all three.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx.AsyncClient(timeout=httpx.Timeout(300.0, connect=5.0), limits=limits, trust_env=False)


def _order(stack: Stack, brief: str, max_tokens: int, seed: int, author: int = 0, **more: Any) -> dict[str, Any]:
    """A request to the transformer."""
    return {
        "model": "twin", "stream": True, "max_tokens": max_tokens, "seed": seed,
        "messages": [{"role": "user", "content": brief}], "twin": {"author": stack.author(author), **more},
    }  # fmt: skip


def _through(stack: Stack, client: httpx.AsyncClient, body: dict[str, Any]) -> Awaitable[Heard]:
    return ask(client, f"{stack.transformer}/openai/v1/chat/completions", body)


async def _against_the_engine(stack: Stack, client: httpx.AsyncClient, briefs: Any) -> None:
    print(f"\n### Beside the bare engine: {TOKENS} tokens, model `{stack.model}`\n")
    print(
        "| clients | asked | tok/s while writing | of the engine | tok/s in all | of the engine | first word p50 s | p95 s | faults |"
    )
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    engine = stack.engine

    def subjects(brief: str, seed: int) -> dict[str, Ask]:
        body = stack.body(stack.messages(brief), TOKENS, seed)
        direct = engine_body(body, stack.model, engine)
        return {
            "bare llama.cpp": partial(ask, client, f"{engine.url}/v1/chat/completions", direct, engine.key),
            "predictor": partial(ask, client, f"{stack.direct}/v1/chat/completions", body),
            "transformer": partial(_through, stack, client, _order(stack, brief, TOKENS, seed)),
        }

    # Whoever is first pays for pages of the model that are not in memory yet: nobody is measured on these.
    for job in subjects(next(briefs), 1).values():
        await job()
    for clients, requests in CLIENTS.items():
        made = [subjects(next(briefs), seed) for seed in range(requests)]
        names = list(made[0])
        heard: dict[str, list[Heard]] = {name: [] for name in names}
        seconds = dict.fromkeys(names, 0.0)
        # There and back: what else the machine does meanwhile falls on all of them alike.
        for half, order in ((made[::2], names), (made[1::2], names[::-1])):
            for name in order:
                found, took = await crowd(clients, [jobs[name] for jobs in half])
                heard[name] += found
                seconds[name] += took
        bare = _speeds(heard[names[0]], seconds[names[0]])
        for name in names:
            writing, whole = _speeds(heard[name], seconds[name])
            firsts = [one.first for one in heard[name] if not one.fault]
            faults = len(heard[name]) - len(firsts)
            print(
                f"| {clients} | {name} | {writing:.1f} | {writing / bare[0]:.1%} | {whole:.1f} | {whole / bare[1]:.1%}"
                f" | {median(firsts):.2f} | {np.percentile(firsts, 95):.2f} | {faults} |",
                flush=True,
            )


def _speeds(heard: Sequence[Heard], seconds: float) -> tuple[float, float]:
    """Mean tokens a second of a request while it is written, and of all together over the whole time."""
    good = [one for one in heard if not one.fault]
    return sum(one.speed for one in good) / len(good), sum(one.tokens for one in good) / seconds


async def _own_time(stack: Stack, client: httpx.AsyncClient, briefs: Any, count: int = 40) -> None:
    """What the transformer adds: the whole answer less embedding, search and the time in the predictor."""
    print("\n### The transformer's own time, one client\n")
    print("| request | requests | whole p50 ms | embedding p50 | search p50 | own p50 ms | own p95 ms |")
    print("|---|---|---|---|---|---|---|", flush=True)
    brief = next(briefs)
    post = await _through(stack, client, _order(stack, brief, round(POST_WORDS * TOKENS_A_WORD), 1))
    for name, orders in {
        "a short draft": [_order(stack, brief, 24, seed) for seed in range(count)],
        "a whole post checked again": [
            _order(stack, next(briefs), 24, seed, given={"draft": post.draft["text"]}) for seed in range(count)
        ],
    }.items():
        heard = [await _through(stack, client, order) for order in orders]
        rows = np.array([_shares(one) for one in heard if not one.fault]) * 1000
        whole, embedding, search, own = np.percentile(rows, 50, axis=0)
        print(
            f"| {name} | {len(rows)} | {whole:.1f} | {embedding:.1f} | {search:.1f} | {own:.1f}"
            f" | {np.percentile(rows[:, 3], 95):.1f} |",
            flush=True,
        )


def _shares(heard: Heard) -> tuple[float, float, float, float]:
    scores = heard.draft["scores"]
    embedding, search = scores.get("embedding_seconds", 0.0), scores.get("search_seconds", 0.0)
    writing = sum(step["seconds"] for step in heard.draft["steps"] if step["name"] == "draft")
    return heard.whole, embedding, search, heard.whole - embedding - search - writing


async def _prefix(stack: Stack, client: httpx.AsyncClient, briefs: Any) -> None:
    """First words of new authors: nothing of theirs is in the predictor's cache before."""
    print("\n### The prefix cache: seconds to the first word, medians over authors\n")
    print("| voice | first request | second, another brief | of the first | the same brief again | of the first |")
    print("|---|---|---|---|---|---|", flush=True)
    for number, voice in enumerate(["base"] if stack.model == "base" else ["base", "auto"]):
        times = []
        for author in range(1 + 3 * number, 4 + 3 * number):
            one, two = next(briefs), next(briefs)
            order = partial(_order, stack, max_tokens=8, author=author, adapter=voice)
            heard = [await _through(stack, client, order(b, seed=n)) for b, n in ((one, 1), (two, 1), (two, 2))]
            times.append([each.first for each in heard])
        first, second, again = np.median(times, axis=0)
        print(f"| {voice} | {first:.2f} | {second:.2f} | {second / first:.2f} | {again:.2f} | {again / first:.2f} |")


async def _post(stack: Stack, client: httpx.AsyncClient, briefs: Any, count: int = 8) -> None:
    print(f"\n### A post of {POST_WORDS} words from end to end, one client\n")
    print(
        "| posts | words p50 | tokens p50 | first word p50 s | whole p50 s | whole p95 s |\n|---|---|---|---|---|---|"
    )
    orders = [_order(stack, next(briefs), round(POST_WORDS * TOKENS_A_WORD), seed) for seed in range(count)]
    heard = [one for order in orders if not (one := await _through(stack, client, order)).fault]
    words = [len(one.draft["text"].split()) for one in heard]
    whole = [one.whole for one in heard]
    print(
        f"| {len(heard)} | {median(words):.0f} | {median(one.tokens for one in heard):.0f}"
        f" | {median(one.first for one in heard):.2f} | {median(whole):.2f} | {np.percentile(whole, 95):.2f} |",
        flush=True,
    )


async def _soak(stack: Stack, minutes: float) -> None:
    """8 clients without a pause; memory of transformer and predictor with their children."""
    until, faults = time.monotonic() + minutes * 60, list[str]()
    memory: dict[str, list[tuple[float, float]]] = {"transformer": [], "predictor": []}
    done = [0]

    async def client(number: int) -> None:
        async with _client() as http:
            turn = 0
            while time.monotonic() < until:
                brief = stack.briefs[(number * 50 + turn) % len(stack.briefs)]
                order = _order(stack, brief, 64, turn, (number + turn) % AUTHORS, **_kind(turn, brief))
                heard = await _through(stack, http, order)
                done[0] += 1
                faults.extend([heard.fault] if heard.fault else [])
                turn += 1

    async def watch() -> None:
        while time.monotonic() < until:
            await asyncio.sleep(2)
            for name, samples in memory.items():
                samples.append((time.monotonic(), await asyncio.to_thread(_megabytes, stack.processes[name].pid)))

    began = time.monotonic()
    await asyncio.gather(watch(), *(client(number) for number in range(8)))
    print(f"\n### Soak: 8 clients, {minutes:g} minutes\n\n{done[0]} requests, {len(faults)} failed, ", end="")
    print(f"{done[0] / (time.monotonic() - began):.2f} a second. {sorted(set(faults))[:5] or ''}\n")
    print("| process | MB after a fifth | MB at the end | growth |\n|---|---|---|---|")
    for name, samples in memory.items():
        early, late = _fifth(samples, 1), _fifth(samples, 4)
        print(f"| {name} | {early:.0f} | {late:.0f} | {late / early - 1:+.1%} |", flush=True)


def _kind(turn: int, brief: str) -> dict[str, Any]:
    """Mostly drafts; now and then ideas, a shorter text, another register."""
    if turn % 7 == 3:
        return {"action": "shorter", "text": f"{brief}. It is so. Nobody asked. {brief} again. That is all of it."}
    if turn % 11 == 5:
        return {"action": "ideas"}
    return {"register": ("post", "thread", "note", "reply")[turn % 4]}


def _megabytes(pid: int) -> float:
    import psutil

    root = psutil.Process(pid)
    return sum(process.memory_info().rss for process in [root, *root.children(recursive=True)]) / 1e6


def _fifth(samples: Sequence[tuple[float, float]], number: int) -> float:
    size = max(1, len(samples) // 5)
    return median(megabytes for _, megabytes in samples[number * size : (number + 1) * size] or samples[-size:])


PARTS = {"engine": _against_the_engine, "own": _own_time, "prefix": _prefix, "post": _post}


if __name__ == "__main__":
    main()
