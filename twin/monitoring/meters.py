"""What Prometheus reads of the log and of drift, beside the drafts' own figures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Meters:
    """One process's figures."""

    events: Any
    waiting: Any
    alarm: Any
    strength: Any
    at: Any


@lru_cache(maxsize=1)
def meters() -> Meters:
    """Registered once a process, where KServe's own /metrics route looks."""
    from prometheus_client import Counter, Gauge

    return Meters(
        events=Counter(
            "twin_log_events", "Payload events by what became of them: written, spooled, dropped", ["outcome"]
        ),
        waiting=Gauge("twin_log_waiting", "Payload events in memory that are not written yet"),
        alarm=Gauge("twin_drift_alarm", "1 where the last drift report alarmed", ["author", "section"]),
        strength=Gauge(
            "twin_drift_strength", "The largest shift over its calibrated threshold; above 1 alarms", ["author", "section"]
        ),
        at=Gauge("twin_drift_report_timestamp_seconds", "When the last drift report was made", ["author"]),
    )  # fmt: skip
