"""Stage register: the adapter becomes a version in the registry, and champion when the gate says so."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from twin import registry
from twin.errors import DataError
from twin.files import read_json, replacing, write_json
from twin.params import Params
from twin.progress import Progress
from twin.redact import struck
from twin.settings import Settings

Metrics = dict[str, float | int | str]
WEIGHTS = "adapter_model.safetensors"


def register(adapter: Path, report: Path, out: Path, params: Params, settings: Settings, progress: Progress) -> Metrics:
    """Log the run and register the adapter; write `registration.json` below `out`.

    `report` is the evaluation's folder, whose `gate.json` decides. Raises DataError when the adapter or the verdict is
    missing, RegistryError when MLflow is away.
    """
    for needed, stage in ((adapter / WEIGHTS, "train"), (report / "gate.json", "evaluate")):
        if not needed.exists():
            raise DataError("a stage's input is missing", needed, f"Run `twin {stage}` first, or all with `dvc repro`.")
    gate: dict[str, Any] = read_json(report / "gate.json")
    sha = hashlib.sha256((adapter / WEIGHTS).read_bytes()).hexdigest()
    if gate.get("adapter_sha256", sha) != sha:
        raise DataError("the evaluation judged another adapter", report / "gate.json", "Run `twin evaluate` again.")
    author = params.author.id
    tags = {
        "git_sha": registry.git_sha(settings.root),
        "dvc_lock_sha256": _hash(settings.root / "dvc.lock"),
        "params_fingerprint": params.fingerprint(),
        "dataset_sha256": str(gate.get("dataset_sha256", "unknown")),
        "adapter_sha256": sha,
        "gate": "promote" if gate["promote"] else "hold",
        "gate_reasons": "; ".join(gate["reasons"])[:4000],
    }
    detail = "the first start makes its tables" if _new(settings) else ""
    with progress.step("open the registry") as step:
        step.advance(0, detail)
        with registry.client(settings) as mlflow:
            mlflow.search_experiments(max_results=1)
    with progress.step("log the run and register the adapter"), registry.client(settings) as mlflow:
        made = registry.same_version(mlflow, author, tags)
        if made is None:
            with registry.run(mlflow, settings, author, params.flat(), tags) as run_id:
                _log(mlflow, run_id, adapter, report)
                made = registry.add_version(mlflow, author, run_id, adapter, tags, bool(gate["promote"]))
    record = {
        "author": author, "version": made.version, "run_id": made.run_id, "promoted": made.promoted,
        "reasons": gate["reasons"], "former_champion": made.former, "adapter_sha256": sha,
        "aliases": [registry.CHALLENGER, *([registry.CHAMPION] if made.promoted else [])],
        "model": registry.model_name(author), "tracking_uri": struck(settings.mlflow_uri),
        "adapter_dir": str(made.folder), "gguf": str(made.folder / "adapter.gguf"),
    }  # fmt: skip
    with replacing(out) as fresh:
        fresh.mkdir()
        write_json(fresh / "registration.json", record)
    return {"version": made.version, "promoted": int(made.promoted), "run_id": made.run_id}


def _log(mlflow: Any, run_id: str, adapter: Path, report: Path) -> None:
    if (adapter / "loss.csv").exists():
        registry.log_curve(mlflow, run_id, adapter / "loss.csv")
    for path, prefix in ((adapter / "train.json", "train."), (report / "metrics.json", "")):
        if path.exists():
            registry.log_figures(mlflow, run_id, read_json(path), prefix)
    mlflow.log_artifacts(run_id, str(report), "evaluation")


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "unknown"


def _new(settings: Settings) -> bool:
    uri = settings.mlflow_uri
    return uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists()
