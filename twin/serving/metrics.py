"""What Prometheus reads at /metrics about the drafts: first word, speed, retrieval, steps, queue, refusals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from twin.records import Draft

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
_SHORT = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_SPEEDS = (5, 10, 20, 40, 60, 80, 100, 150, 200, 400)
_RETRIEVAL = ("links", "exemplars", "facts")


@dataclass(frozen=True, slots=True)
class Metrics:
    """One process's counters."""

    requests: Any
    first: Any
    whole: Any
    speed: Any
    tokens: Any
    retrieval: Any
    steps: Any
    in_flight: Any
    waiting: Any

    def first_word(self, seconds: float) -> None:
        """The time from the request to its first word."""
        self.first.observe(seconds)

    def finished(self, draft: Draft, seconds: float) -> None:
        """A whole draft after `seconds`."""
        self.requests.labels("200").inc()
        self.whole.observe(seconds)
        tokens = draft.scores.get("tokens", 0.0)
        writing = sum(step.seconds for step in draft.steps if step.name == "draft")
        self.tokens.inc(tokens)
        if tokens and writing:
            self.speed.observe(tokens / writing)
        self.retrieval.observe(sum(step.seconds for step in draft.steps if step.name in _RETRIEVAL))
        for step in draft.steps:
            self.steps.labels(step.name).observe(step.seconds)

    def refused(self, status: int) -> None:
        """A request that ended with this status."""
        self.requests.labels(str(status)).inc()


@lru_cache(maxsize=1)
def metrics() -> Metrics:
    """The process's metrics, registered where KServe's own /metrics route looks."""
    from prometheus_client import Counter, Gauge, Histogram

    return Metrics(
        requests=Counter(
            "twin_requests", "Requests by the status they ended with (499: the client went away)", ["status"]
        ),
        first=Histogram("twin_first_token_seconds", "From the request to its first word", buckets=_SECONDS),
        whole=Histogram("twin_draft_seconds", "From the request to the whole draft", buckets=_SECONDS),
        speed=Histogram("twin_tokens_per_second", "New tokens a second of a draft", buckets=_SPEEDS),
        tokens=Counter("twin_tokens", "New tokens written"),
        retrieval=Histogram("twin_retrieval_seconds", "Links, exemplars and facts, with embedding", buckets=_SHORT),
        steps=Histogram("twin_step_seconds", "One step of the chain", ["step"], buckets=_SHORT),
        in_flight=Gauge("twin_in_flight", "Drafts being written now"),
        waiting=Gauge("twin_waiting", "Drafts whose first word has not come yet: retrieved for, queued or read now"),
    )
