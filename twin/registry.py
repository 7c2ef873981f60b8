"""The only MLflow client: runs with everything that explains them, adapters as model versions, the champion's alias."""

from __future__ import annotations

import fcntl
import logging
import os
import subprocess
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.errors import RegistryError
from twin.files import replacing
from twin.redact import struck
from twin.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION = "champion"
CHALLENGER = "challenger"
_EXPERIMENT = "twin"
_ADAPTER = "adapter"
_PARAM_LIMIT = 6000
# What tells one training from another at a glance.
FIGURES = (
    "bits_per_byte_gain", "style_gap_closure_lora", "accepted_masked_10_lora", "train.validation_loss",
    "train.train_tokens", "train.steps", "train.seconds",
)  # fmt: skip
_MEND = "Start the MLflow server, or unset MLFLOW_TRACKING_URI to use the embedded one."


@dataclass(frozen=True, slots=True)
class Version:
    """A registered adapter: `folder` is its local copy, `former` the version that was champion before (or "")."""

    author: str
    version: str
    run_id: str
    promoted: bool
    former: str
    folder: Path


def model_name(author: str) -> str:
    """The registered model of an author."""
    return f"twin-{author}"


@contextmanager
def client(settings: Settings) -> Iterator[MlflowClient]:
    """A client for settings.mlflow_uri; whatever MLflow raises becomes a RegistryError.

    The first one on a new SQLite file takes seconds: MLflow is imported (3 to 5 s) and its tables are made by some
    fifty migrations. A server that refuses is asked twice; one that is silent is given up after thirty seconds a try.
    """
    # MLflow reads these at import; nothing about a person's runs leaves the machine.
    os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true")
    os.environ.update(MLFLOW_HTTP_REQUEST_MAX_RETRIES="1", MLFLOW_HTTP_REQUEST_TIMEOUT="30")
    for name in ("alembic", "mlflow.store.db.utils", "mlflow"):
        logging.getLogger(name).setLevel(logging.WARNING)
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        if settings.mlflow_uri.startswith("sqlite:///"):
            _make(Path(settings.mlflow_uri.removeprefix("sqlite:///")))
        yield MlflowClient(settings.mlflow_uri, settings.mlflow_uri)
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else ""
        raise RegistryError(
            "the registry refused or is away", f"{settings.mlflow_uri} ({type(error).__name__}: {reason})", _MEND
        ) from error


def _make(path: Path) -> None:
    """Make a new registry beside its place and put it there when it is whole.

    Killed half-way through their migrations, MLflow's tables could be neither used nor made again.
    """
    if path.exists():
        return
    from mlflow import MlflowClient

    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path.with_name(f"{path.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():  # another command was faster
            return
        with replacing(path) as fresh:
            MlflowClient(f"sqlite:///{fresh}", f"sqlite:///{fresh}").search_experiments(max_results=1)


@contextmanager
def run(
    mlflow: MlflowClient, settings: Settings, author: str, params: Mapping[str, Any], tags: Mapping[str, str]
) -> Iterator[str]:
    """Yield the id of a running run, its parameters without secrets; it ends FINISHED, or FAILED when the block raises."""
    from mlflow.entities import Param, RunTag

    started = mlflow.create_run(_experiment(mlflow, settings), run_name=model_name(author))
    run_id = str(started.info.run_id)
    state = "FAILED"
    try:
        mlflow.log_batch(
            run_id,
            params=[Param(key, struck(str(value))[:_PARAM_LIMIT]) for key, value in params.items()],
            tags=[RunTag(key, struck(value)) for key, value in {"author": author, **tags}.items()],
        )
        yield run_id
        state = "FINISHED"
    finally:
        mlflow.set_terminated(run_id, state)


def log_figures(mlflow: MlflowClient, run_id: str, figures: Mapping[str, Any], prefix: str = "") -> None:
    """Log the finite numbers of a flat record as metrics; all else is left out."""
    import math
    import time

    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    found = [
        Metric(f"{prefix}{key}", float(value), now, 0)
        for key, value in figures.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    ]
    for start in range(0, len(found), 900):
        mlflow.log_batch(run_id, metrics=found[start : start + 900])


def log_curve(mlflow: MlflowClient, run_id: str, path: Path) -> None:
    """Log loss.csv (a `step` column and any number of others) as metrics by step; empty cells are left out."""
    import time

    import pandas as pd
    from mlflow.entities import Metric

    frame = pd.read_csv(path)
    now = int(time.time() * 1000)
    points = [
        Metric(f"train.{name}", float(value), now, int(step))
        for name in frame.columns.drop("step")
        for step, value in zip(frame["step"], pd.to_numeric(frame[name], errors="coerce"), strict=True)
        if pd.notna(value)
    ]
    for start in range(0, len(points), 900):
        mlflow.log_batch(run_id, metrics=points[start : start + 900])


def add_version(
    mlflow: MlflowClient, author: str, run_id: str, adapter: Path, tags: Mapping[str, str], promoted: bool
) -> Version:
    """Store the adapter's files with the run and register them: `challenger` always, `champion` when promoted.

    The former champion's number is kept as the tag `former_champion`: `promote` with it is the way back.
    """
    from mlflow.exceptions import MlflowException

    name = model_name(author)
    try:
        mlflow.create_registered_model(name, description=f"LoRA adapters that write like {author}")
    except MlflowException as error:
        if getattr(error, "error_code", "") != "RESOURCE_ALREADY_EXISTS":
            raise
    former = _alias(mlflow, author, CHAMPION)
    mlflow.log_artifacts(run_id, str(adapter), _ADAPTER)
    source = f"{mlflow.get_run(run_id).info.artifact_uri}/{_ADAPTER}"
    made = mlflow.create_model_version(
        name, source, run_id, tags={**tags, "former_champion": former, "promoted": str(promoted).lower()}
    )
    return _lead(mlflow, author, made)


def same_version(mlflow: MlflowClient, author: str, tags: Mapping[str, str]) -> Version | None:
    """The newest version if it was registered with these very tags; its aliases are set as then. None otherwise.

    A registration that was killed before its caller knew is found again so, and not made twice.
    """
    found = mlflow.search_model_versions(f"name = '{model_name(author)}'")
    newest = max(found, key=lambda made: int(made.version), default=None)
    if newest is None or any(newest.tags.get(key) != value for key, value in tags.items()):
        return None
    mlflow.set_terminated(newest.run_id, "FINISHED")
    return _lead(mlflow, author, newest)


def _lead(mlflow: MlflowClient, author: str, made: Any) -> Version:
    version, promoted = str(made.version), made.tags["promoted"] == "true"
    for alias in (CHALLENGER, *([CHAMPION] if promoted else [])):
        mlflow.set_registered_model_alias(model_name(author), alias, version)
    return Version(author, version, made.run_id, promoted, made.tags["former_champion"], _local(made.source))


def promote(settings: Settings, author: str, version: str) -> str:
    """Make a registered version the champion (also the way back); returns the former champion's number or ""."""
    with client(settings) as mlflow:
        former = _alias(mlflow, author, CHAMPION)
        mlflow.set_registered_model_alias(model_name(author), CHAMPION, version)
        mlflow.set_model_version_tag(model_name(author), version, "former_champion", former)
    return former


def champion(settings: Settings, author: str) -> tuple[str, Path] | None:
    """The champion's version and the local folder of its files; None when the author has none yet."""
    with client(settings) as mlflow:
        version = _alias(mlflow, author, CHAMPION)
        if not version:
            return None
        return version, _local(mlflow.get_model_version(model_name(author), version).source)


def evaluated(settings: Settings, author: str) -> list[dict[str, Any]]:
    """What the champion wrote when it was evaluated, as drafts.json has it; empty when there is no champion."""
    import json
    import tempfile

    with client(settings) as mlflow, tempfile.TemporaryDirectory() as place:
        version = _alias(mlflow, author, CHAMPION)
        if not version:
            return []
        run_id = mlflow.get_model_version(model_name(author), version).run_id
        names = {item.path for item in mlflow.list_artifacts(run_id, "evaluation")}
        if "evaluation/drafts.json" not in names:
            return []
        found = Path(mlflow.download_artifacts(run_id, "evaluation/drafts.json", place))
        return list(json.loads(found.read_text(encoding="utf-8")))


def versions(settings: Settings, author: str) -> list[tuple[str, Path]]:
    """Every registered version of the author, oldest first, with the local folder of its files."""
    with client(settings) as mlflow:
        found = list(mlflow.search_model_versions(f"name = '{model_name(author)}'"))
        return sorted(((str(v.version), _local(v.source)) for v in found), key=lambda pair: int(pair[0]))


def history(settings: Settings, author: str) -> list[dict[str, Any]]:
    """Every registered version as a plain record, newest first: when, by which run, what the gate said, its figures.

    `at` is in seconds since the epoch; a run that is gone leaves its version without figures.
    """
    from mlflow.exceptions import MlflowException

    with client(settings) as mlflow:
        leads, found = _alias(mlflow, author, CHAMPION), []
        for made in mlflow.search_model_versions(f"name = '{model_name(author)}'"):
            try:
                run = mlflow.get_run(made.run_id)
                figures, experiment = dict(run.data.metrics), str(run.info.experiment_id)
            except MlflowException:
                figures, experiment = {}, ""
            found.append(
                {"version": str(made.version), "run_id": made.run_id, "experiment_id": experiment,
                 "at": made.creation_timestamp / 1000, "champion": str(made.version) == leads,
                 "gate": made.tags.get("gate", ""), "params": made.tags.get("params_fingerprint", ""),
                 "figures": {key: figures[key] for key in FIGURES if key in figures}}
            )  # fmt: skip
        return sorted(found, key=lambda record: -int(record["version"]))


def remove_versions(settings: Settings, author: str, gone: Collection[str]) -> None:
    """Delete registered versions with their runs and their runs' files; the model too when none is left."""
    from mlflow.exceptions import MlflowException
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    with client(settings) as mlflow:
        for version in gone:
            known = mlflow.get_model_version(model_name(author), version)
            try:
                get_artifact_repository(mlflow.get_run(known.run_id).info.artifact_uri).delete_artifacts()
                mlflow.delete_run(known.run_id)
            except MlflowException as error:
                if getattr(error, "error_code", "") != "RESOURCE_DOES_NOT_EXIST":
                    raise
            mlflow.delete_model_version(model_name(author), version)
        if not mlflow.search_model_versions(f"name = '{model_name(author)}'"):
            mlflow.delete_registered_model(model_name(author))


def git_sha(root: Path) -> str:
    """The commit that is checked out at `root`, with "+changes" when files differ; "unknown" without git."""
    try:
        sha = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, timeout=20, check=True
        )
        changed = subprocess.run(
            ["git", "status", "--porcelain", "-uno"], cwd=root, capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return sha.stdout.strip() + ("+changes" if changed.stdout.strip() else "")


def _alias(mlflow: MlflowClient, author: str, alias: str) -> str:
    """The version an alias names, "" when it names none."""
    from mlflow.exceptions import MlflowException

    try:
        return str(mlflow.get_model_version_by_alias(model_name(author), alias).version)
    except MlflowException as error:
        if getattr(error, "error_code", "") in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return ""
        raise


def _experiment(mlflow: MlflowClient, settings: Settings) -> str:
    found = mlflow.get_experiment_by_name(_EXPERIMENT)
    if found is not None:
        return str(found.experiment_id)
    # A server chooses its own place; without one MLflow would write below the current folder.
    served = settings.mlflow_uri.startswith(("http://", "https://"))
    place = None if served else (settings.home / "mlflow" / "artifacts").as_uri()
    return str(mlflow.create_experiment(_EXPERIMENT, artifact_location=place))


def _local(source: str) -> Path:
    from mlflow.artifacts import download_artifacts

    return Path(download_artifacts(artifact_uri=source))
