"""What one, a thousand and a hundred thousand authors need and cost: `python -m bench.scale`, figures of docs/scaling.md.

Nothing is measured here: the rates stand in bench.scale_rates, with the documents they come from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bench.queueing import Served, Serving, Trained, Training, line, serve, train
from bench.scale_rates import ASSUMED, MEASURED, PRICES, SIZES, Figure, figure
from twin.params import Serve, Train

HOURS = 730  # a month
SLOTS = 8
MOST = Serve().max_new_tokens
# The quiet machine's speed, by what an adapter and a batch change of it.
QUIET = figure("writing, base model, quiet machine") / figure("writing, base model, by processor time")
BATCHES = {1: "1 request", 2: "2 requests", 4: "4 requests", 8: "8 requests"}
TOGETHER = line(
    {n: QUIET * figure(f"writing, {words} of an adapter, by processor time") for n, words in BATCHES.items()}
)
TURNS = figure("writing, 8 requests of two adapters, by processor time") / figure(
    "writing, 4 requests of an adapter, by processor time"
)
CHECKPOINTS = round(Train().epochs * Train().evals_per_epoch)
JOB = (
    figure("training an adapter, two cores") + 60 * figure("drafts of an evaluation, a busy machine")
    + figure("scoring of an evaluation") + figure("measures of an evaluation")
)  # fmt: skip
PLATFORM = dict(
    zip(SIZES, (0.0, *(f.value for n, f in ASSUMED.items() if n.startswith(("nodes for", "the same")))), strict=True)
)


@dataclass(frozen=True, slots=True)
class Need:
    """What a number of authors needs."""

    authors: int
    workers: int
    trained: Trained
    taken_back: Trained
    anew: Trained
    replicas: int
    by_load: int
    served: Served
    databases: int

    @property
    def gigabytes(self) -> float:
        """In the object store."""
        kept = figure("versions of an adapter that are kept")
        version = figure("adapter, safetensors") + figure("adapter, GGUF") + figure("an evaluation's report")
        return self.authors * (figure("an author's texts, features and examples") + kept * version) / 1000

    @property
    def rows(self) -> float:
        """GB in the database."""
        chunk = figure("a chunk in the database, words index included") + figure("its place in an HNSW index")
        return self.authors * figure("chunks of an author") * chunk / 1e6


def need(authors: int) -> Need:
    """Simulate a month of trainings and half a day of busiest hours; the fewest machines that keep the waits."""
    workers = fewest(lambda n: nights(authors, n).done[1] <= 3600 * figure("longest wait for a night's trainings"))
    kills = figure("kills of a discounted worker, an hour")
    wait = figure("longest wait for a draft, 19 of 20")
    by_load = fewest(lambda n: drafts(authors, n).seconds[1] <= wait)
    replicas = max(by_load, math.ceil(authors / room()))
    databases = math.ceil(authors * figure("chunks of an author") / figure("chunks of a database"))
    return Need(
        authors, workers, nights(authors, workers), nights(authors, workers, kills, CHECKPOINTS),
        nights(authors, workers, kills, 1), replicas, by_load, drafts(authors, replicas), databases,
    )  # fmt: skip


def nights(authors: int, workers: int, kills: float = 0.0, checkpoints: int = CHECKPOINTS) -> Trained:
    """A month of nightly trainings."""
    spread = figure("spread of a training's length (sigma, log-normal)")
    monthly = figure("trainings an author and month")
    # Few authors need many months before chance evens out.
    months = max(1, 1000 // authors)
    return train(Training(authors, workers, JOB, spread, monthly, checkpoints, kills, nights=30 * months))


def drafts(authors: int, replicas: int) -> Served:
    """The busiest hour, again and again, on one of the replicas: authors are spread over them, each has one place."""
    day = authors * figure("drafts an author and month") / 30
    hour = day * figure("share of a day's drafts in its busiest hour") / replicas
    return serve(
        Serving(
            per_hour=hour, adapters=max(1, authors // replicas), slots=SLOTS, prompt=figure("prompt of a draft"),
            reading=figure("reading a prompt, quiet machine"), tokens=figure("a draft, mean"), most=MOST,
            together=TOGETHER, turns=TURNS, hours=max(12.0, min(2000.0, 2000 / hour)),
        )
    )  # fmt: skip


def room() -> int:
    """Adapters that a predictor on a node of 8 GB holds: while versions change, the old engine stands beside the new."""
    free = 8000 - 1000 * figure("memory of a node that is not the predictor's")
    return int((free / 2 - figure("predictor without adapters")) / figure("one more adapter in the predictor"))


def fewest(enough: Callable[[int], bool]) -> int:
    """The smallest number that is enough, where more never hurts."""
    high = 1
    while not enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def costs(needed: Need) -> dict[str, float]:
    """$ an author and month. One author has one machine (`make up`), whose idle hours train and hold the database."""
    node = figure("node, 2 cores, 8 GB")
    share = needed.trained.busy * needed.workers * HOURS / needed.authors * (needed.authors > 1)
    lost = 1 + needed.taken_back.lost
    databases = needed.databases * 2 * (needed.authors > 1)
    database = databases * HOURS * figure("database node, 4 cores, 32 GB") + 2 * needed.rows * figure("disk")
    return {
        "training, on demand": share * node,
        "training, at a discount": share * lost * figure("the same at a discount, may be taken back"),
        "serving": needed.replicas * HOURS * node / needed.authors,
        "platform": PLATFORM[needed.authors] * HOURS * node / needed.authors,
        "database, two nodes each": database / needed.authors,
        "object store": needed.gigabytes * figure("object store") / needed.authors,
    }


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a Markdown table."""
    head = list(head)
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def main() -> None:
    """Print every table of docs/scaling.md."""
    print("### Measured\n")
    table(["what", "figure", "where"], ([n, shown(f), f.source] for n, f in MEASURED.items()))
    print("\n### Assumed\n")
    table(["what", "figure", "why"], ([n, shown(f), f.why] for n, f in ASSUMED.items()))
    print("\n### Prices, assumed\n")
    table(["what", "price", "why"], ([n, shown(f), f.why] for n, f in PRICES.items()))
    needed = [need(size) for size in SIZES]
    head = ["", *(f"{size:,} author{'s' * (size > 1)}" for size in SIZES)]
    print("\n### Storage and index\n")
    table(head, [
        ["object store, GB", *(f"{n.gigabytes:,.1f}" for n in needed)],
        ["chunks", *(f"{n.authors * figure('chunks of an author'):,.0f}" for n in needed)],
        ["rows and indexes, GB", *(f"{n.rows:,.2f}" for n in needed)],
        ["databases", *(f"{n.databases}" for n in needed)],
    ])  # fmt: skip
    print("\n### Training queue, simulated\n")
    table(head, [
        ["trainings simulated", *(f"{n.trained.jobs:,}" for n in needed)],
        ["workers of two cores", *(f"{n.workers:,}" for n in needed)],
        ["busy", *(f"{n.trained.busy:.0%}" for n in needed)],
        ["done after, median and 19 of 20, h", *(hours(n.trained.done) for n in needed)],
        ["kills of discounted workers", *(f"{n.taken_back.kills:,}" for n in needed)],
        [f"work done twice, {CHECKPOINTS} checkpoints", *(f"{n.taken_back.lost:.1%}" for n in needed)],
        ["work done twice, none", *(f"{n.anew.lost:.1%}" for n in needed)],
    ])  # fmt: skip
    print("\n### Serving, simulated\n")
    table(head, [
        ["replicas by load", *(f"{n.by_load:,}" for n in needed)],
        [f"replicas by memory, {room()} adapters each", *(f"{math.ceil(n.authors / room()):,}" for n in needed)],
        ["busy in the busiest hour", *(f"{n.served.busy:.0%}" for n in needed)],
        ["engine's tokens/s, 1, 2, 4, 8 requests of one adapter", *([", ".join(f"{TOGETHER(n):.0f}" for n in BATCHES)] * 3)],
        ["left of it where adapters take turns", *([f"{TURNS:.0%}"] * 3)],
        ["adapters at work at once, mean", *(f"{n.served.mixed:.2f}" for n in needed)],
        ["a draft, median and 19 of 20, s", *("{:.1f}, {:.1f}".format(*n.served.seconds) for n in needed)],
    ])  # fmt: skip
    print("\n### Cost, $ an author and month\n")
    paid = [costs(n) for n in needed]
    table(head, [
        *([name, *(f"{each[name]:,.3f}" for each in paid)] for name in paid[0]),
        ["together, training at a discount", *(f"{sum(c.values()) - c['training, on demand']:,.3f}" for c in paid)],
    ])  # fmt: skip
    print("\n### A GPU\n")
    gpu(needed[-1])


def gpu(most: Need) -> None:
    """What a GPU must be worth to pay, and what fits it; its speed is not measured."""
    ratio = figure("node with a GPU of 24 GB") / figure("node, 2 cores, 8 GB")
    fit = int((0.9 * 24_000 - 2000) / figure("adapter, safetensors"))
    table(["what", "figure"], [
        ["pays when it does the work of so many nodes", f"{ratio:.0f}"],
        ["adapters in 24 GB beside the bundled model, 2 GB left to requests", f"{fit:,}"],
        [f"GPUs by memory, {SIZES[-1]:,} authors", f"{math.ceil(most.authors / fit)}"],
        ["their cost, $ an author and month", f"{math.ceil(most.authors / fit) * HOURS * figure('node with a GPU of 24 GB') / most.authors:.3f}"],
    ])  # fmt: skip


def shown(found: Figure) -> str:
    """A figure with its unit."""
    return f"{found.value:,g} {found.unit}".strip()


def hours(seconds: tuple[float, float]) -> str:
    """Two times in hours."""
    return ", ".join(f"{second / 3600:.1f}" for second in seconds)


if __name__ == "__main__":
    main()
