"""Two seeded simulations by discrete events: the queue of trainings, and replicas that write for many adapters."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Training:
    """A fleet that is looked at once a night. Seconds are of one undisturbed job on one worker."""

    authors: int
    workers: int
    seconds: float
    spread: float  # sigma of the log-normal
    monthly: float  # trainings an author and month
    checkpoints: int  # of a job, evenly spaced
    kills_per_hour: float = 0.0  # of a worker that is lent at a discount
    restart: float = 60.0  # seconds from a kill to work again
    nights: int = 30


@dataclass(frozen=True, slots=True)
class Trained:
    """`done` is when, after its night's start, a job ended: (median, 95th percentile) in seconds."""

    jobs: int
    busy: float
    done: tuple[float, float]
    kills: int
    lost: float  # the share of all work that was done twice


def train(fleet: Training, seed: int = 7) -> Trained:
    """Each night every author needs a training by chance; jobs wait for one of the workers, first come first served."""
    chance = random.Random(seed)
    free = [0.0] * fleet.workers
    done, work, waste, kills = [], 0.0, 0.0, 0
    for night in range(fleet.nights):
        begin = night * DAY
        for _ in range(_binomial(chance, fleet.authors, fleet.monthly / 30)):
            need = chance.lognormvariate(math.log(fleet.seconds), fleet.spread)
            lost, struck = _kills(chance, need, fleet)
            start = max(begin, heapq.heappop(free))
            heapq.heappush(free, start + need + lost)
            done.append(start + need + lost - begin)
            work, waste, kills = work + need, waste + lost, kills + struck
    whole = fleet.workers * max(fleet.nights * DAY, *free)
    return Trained(len(done), (work + waste) / whole, (quantile(done, 0.5), quantile(done, 0.95)), kills,
                   waste / max(1.0, work))  # fmt: skip


def _kills(chance: random.Random, need: float, fleet: Training) -> tuple[float, int]:
    """Seconds that kills cost a job of `need` seconds, and how many hit it: work since the last checkpoint is redone."""
    at, lost, struck = 0.0, 0.0, 0
    step = need / fleet.checkpoints
    while fleet.kills_per_hour:
        at += chance.expovariate(fleet.kills_per_hour / 3600)
        if at >= need:
            break
        kept = at // step * step
        lost, at, struck = lost + at - kept + fleet.restart, kept, struck + 1
    return lost, struck


@dataclass(frozen=True, slots=True)
class Serving:
    """One replica and the requests that reach it. `together` gives tokens/s by requests of one adapter in a batch."""

    per_hour: float
    adapters: int
    slots: int
    prompt: float  # tokens read
    reading: float  # tokens/s
    tokens: float  # written, the mean of an exponential
    most: float  # tokens, where a draft is cut
    together: Callable[[float], float]
    turns: float = 1.0  # what is left of that speed where several adapters take turns
    hours: float = 12.0


@dataclass(frozen=True, slots=True)
class Served:
    """`seconds` from asking to the last word: (median, 95th percentile)."""

    drafts: int
    busy: float
    seconds: tuple[float, float]
    mixed: float  # the mean number of adapters at work while any is


def serve(replica: Serving, seed: int = 7) -> Served:
    """Poisson arrivals, adapters alike; those in a slot share the engine, those beyond wait.

    A step of the engine serves one adapter's requests, so k adapters of n requests write as fast as n/k of one do, but
    for what taking turns costs.
    """
    chance = random.Random(seed)
    end, now, busy, weight = replica.hours * 3600, 0.0, 0.0, 0.0
    coming = chance.expovariate(replica.per_hour / 3600)
    waiting: deque[tuple[float, int, float]] = deque()
    # (what the others in a slot have to have got before this one ends, when it was asked, its adapter)
    running: list[tuple[float, float, int]] = []
    kinds: Counter[int] = Counter()
    got, taken = 0.0, []
    while coming < end or running:
        rate = _rate(replica, len(running), len(kinds))
        ends = now + (running[0][0] - got) * len(running) / rate if running else math.inf
        until = min(ends, coming if coming < end else math.inf)
        if running:
            got += (until - now) * rate / len(running)
            busy, weight = busy + until - now, weight + (until - now) * len(kinds)
        now = until
        if now == ends:
            _, asked, kind = heapq.heappop(running)
            kinds -= Counter([kind])
            taken.append(now - asked)
        else:
            # Reading the prompt is work as well, told in tokens written alone.
            need = replica.prompt / replica.reading * replica.together(1)
            need += min(replica.most, chance.expovariate(1 / replica.tokens))
            waiting.append((now, chance.randrange(replica.adapters), need))
            coming = now + chance.expovariate(replica.per_hour / 3600)
        while waiting and len(running) < replica.slots:
            asked, kind, need = waiting.popleft()
            heapq.heappush(running, (got + need, asked, kind))
            kinds[kind] += 1
    return Served(len(taken), busy / max(now, 1.0), (quantile(taken, 0.5), quantile(taken, 0.95)),
                  weight / max(busy, 1e-9))  # fmt: skip


def _rate(replica: Serving, requests: int, adapters: int) -> float:
    turns = replica.turns if adapters > 1 else 1.0
    return turns * replica.together(requests / adapters) if requests else 0.0


def line(points: dict[float, float]) -> Callable[[float], float]:
    """Between measured points a straight line, outside them the nearest point."""
    known = sorted(points.items())

    def at(x: float) -> float:
        for (left, low), (right, high) in itertools.pairwise(known):
            if x <= right:
                return low + (high - low) * max(0.0, x - left) / (right - left)
        return known[-1][1]

    return at


def quantile(values: list[float], share: float) -> float:
    """The value that this share does not exceed; 0 of none."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def _binomial(chance: random.Random, n: int, p: float) -> int:
    """How many of n happen; by the normal curve where there are many."""
    if n <= 2000:
        return sum(chance.random() < p for _ in range(n))
    return max(0, round(chance.gauss(n * p, math.sqrt(n * p * (1 - p)))))
