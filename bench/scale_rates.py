"""The figures that docs/scaling.md rests on: what was measured, with its place, and what is assumed."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """`source` is the document that has a measured figure; '' for an assumption, `why` then says where it is from."""

    value: float
    unit: str
    source: str
    why: str = ""


SIZES = (1, 1_000, 100_000)

MEASURED = {
    "training an adapter, two cores": Figure(505, "s", "docs/RESULTS.md"),
    "drafts of an evaluation, a busy machine": Figure(12, "min", "docs/results/evaluation.md"),
    "scoring of an evaluation": Figure(120, "s", "docs/results/evaluation.md"),
    "measures of an evaluation": Figure(25, "s", "docs/results/evaluation.md"),
    "adapter, safetensors": Figure(9.8, "MB", "docs/results/cluster.md"),
    "adapter, GGUF": Figure(19.6, "MB", "docs/results/cluster.md"),
    "an author's texts, features and examples": Figure(2.2, "MB", "docs/results/cluster.md"),
    "an evaluation's report": Figure(0.4, "MB", "docs/results/cluster.md"),
    "chunks of an author": Figure(505, "", "docs/results/cluster.md"),
    "a chunk in the database, words index included": Figure(4.3, "kB", "docs/results/cluster.md"),
    "its place in an HNSW index": Figure(2, "kB", "docs/results/cluster.md"),
    "predictor without adapters": Figure(352, "MB", "docs/results/cluster.md"),
    "one more adapter in the predictor": Figure(20.8, "MB", "docs/results/cluster.md"),
    "a draft, mean": Figure(150, "tokens", "docs/results/cluster.md"),
    "reading a prompt, quiet machine": Figure(278, "tokens/s", "docs/results/cluster.md"),
    "writing, base model, quiet machine": Figure(108, "tokens/s", "docs/results/cluster.md"),
    "writing, base model, by processor time": Figure(48, "tokens/s", "docs/results/cluster.md"),
    "writing, 1 request of an adapter, by processor time": Figure(41, "tokens/s", "docs/results/cluster.md"),
    "writing, 2 requests of an adapter, by processor time": Figure(37, "tokens/s", "docs/results/cluster.md"),
    "writing, 4 requests of an adapter, by processor time": Figure(51, "tokens/s", "docs/results/cluster.md"),
    "writing, 8 requests of an adapter, by processor time": Figure(65, "tokens/s", "docs/results/cluster.md"),
    "writing, 8 requests of two adapters, by processor time": Figure(31, "tokens/s", "docs/results/cluster.md"),
}

ASSUMED = {
    "trainings an author and month": Figure(1, "", "", "new texts come by the month, drift is looked for nightly"),
    "spread of a training's length (sigma, log-normal)": Figure(0.5, "", "", "authors differ in how much they wrote"),
    "drafts an author and month": Figure(60, "", "", "two a day"),
    "share of a day's drafts in its busiest hour": Figure(0.12, "", "", "office hours of one region"),
    "prompt of a draft": Figure(740, "tokens", "", "serve.prompt_tokens and a brief of a hundred"),
    "versions of an adapter that are kept": Figure(3, "", "", "champion, former champion, newest"),
    "kills of a discounted worker, an hour": Figure(0.05, "", "", "clouds take such machines back"),
    "longest wait for a night's trainings": Figure(20, "h", "", "done before the next night"),
    "longest wait for a draft, 19 of 20": Figure(15, "s", "", "a person looks on"),
    "memory of a node that is not the predictor's": Figure(1.5, "GB", "", "system, transformer"),
    "nodes for KFP, MLflow, operators and the web interface, 1,000 authors": Figure(4, "", "", "their requests"),
    "the same, 100,000 authors": Figure(20, "", "", "KFP's server and its pods' starts grow with the runs"),
    "chunks of a database": Figure(5_000_000, "", "", "their index fits its memory"),
}

PRICES = {
    "node, 2 cores, 8 GB": Figure(0.10, "$ an hour", "", "list price of a large cloud, on demand"),
    "the same at a discount, may be taken back": Figure(0.04, "$ an hour", "", "its usual spot price"),
    "node with a GPU of 24 GB": Figure(0.80, "$ an hour", "", "list price, on demand"),
    "database node, 4 cores, 32 GB": Figure(0.27, "$ an hour", "", "list price, on demand"),
    "object store": Figure(0.023, "$ a GB and month", "", "list price"),
    "disk": Figure(0.08, "$ a GB and month", "", "list price"),
}


def figure(name: str) -> float:
    """A figure by its name, measured, assumed or a price. Raises KeyError."""
    return {**MEASURED, **ASSUMED, **PRICES}[name].value
