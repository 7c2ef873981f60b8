"""Trainings handed to the cluster through the CLI, and where their runs are looked at."""

from __future__ import annotations

import re
import sys
from dataclasses import asdict, dataclass

from twin.errors import ParamsError
from twin.files import write_json
from twin.params import Params
from twin.settings import Settings
from webui.client import jobs, state

_URI = re.compile(r"^[a-z][a-z0-9+.-]*://\S+$")
_RUN = re.compile(r"^run (\S+)$", re.M)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Where the pipelines' server is, and what the feature pipeline stored there."""

    host: str
    documents: str = ""
    features: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A training that was handed over: `state` as its job's, `link` to its run where it was taken."""

    at: float
    state: str
    link: str
    said: str


def last_order(settings: Settings, params: Params) -> Order:
    """What was given the last time, else what params.yaml says."""
    kept = state.read(settings.private / "cluster.json")
    return Order(
        host=str(kept.get("host") or params.cluster.pipelines), documents=str(kept.get("documents") or ""),
        features=str(kept.get("features") or ""),
    )  # fmt: skip


def submit(settings: Settings, order: Order) -> jobs.Job:
    """Hand the training over; raises ParamsError for an address of the wrong shape, StackError while a job runs."""
    for name, value in asdict(order).items():
        if not _URI.match(value):
            mend = "Like http://ml-pipeline.kubeflow:8888." if name == "host" else "Like s3://bucket/documents."
            raise ParamsError(f"{name.capitalize()}: an address is needed", value or None, mend)
    line = [sys.executable, "-m", "twin", "cluster", "submit", "training", "--host", order.host,
            f"documents={order.documents}", f"features={order.features}"]  # fmt: skip
    job = jobs.start(settings, jobs.CLUSTER, lines=[line])
    write_json(settings.private / "cluster.json", asdict(order))
    return job


def submitted(settings: Settings, params: Params, limit: int = 5) -> tuple[Submitted, ...]:
    """The newest trainings that were handed over."""
    host = last_order(settings, params).host.rstrip("/")
    found = []
    for job in jobs.listed(settings, jobs.CLUSTER, limit):
        said = jobs.tail(job, 12)
        run = _RUN.search(said)
        link = f"{host}/#/runs/details/{run[1]}" if run else ""
        found.append(Submitted(at=job.started_at, state=job.state, link=link, said=_reason(said)))
    return tuple(found)


def _reason(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith("$ ")]
    return lines[-1].removeprefix("twin cluster: ") if lines else ""
