"""Feature, monitoring and training pipelines to their end on this machine, through the stages' own code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines import local
from twin.settings import Settings
from twin.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(settings: Settings, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh home with a database; what is only a cache (base model, DeepSpeed's compiled part) is borrowed."""
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    settings.home.mkdir(parents=True, exist_ok=True)
    for cache in ("models", "torch_extensions"):
        if (ROOT / ".twin" / cache).is_dir():
            (settings.home / cache).symlink_to(ROOT / ".twin" / cache)
    return settings.home


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_feature_monitoring_and_training_run_to_the_end(
    home: Path, workspace: Path, small_params: str, tmp_path: Path
) -> None:
    import pandas as pd

    artifacts = tmp_path / "artifacts"

    stored = local.run("feature", small_params, artifacts, {"workspace": str(workspace)})

    assert set(stored) == {"documents", "features"}
    chunks = pd.read_parquet(Path(stored["features"]) / "chunks.parquet")
    assert len(chunks) >= 30 and len(chunks["embedding"].iloc[0]) == 384
    shelved = Workspace(workspace, "tess-hale")
    assert len(pd.read_parquet(shelved.documents / "documents.parquet")) == 30

    local.run("monitoring", small_params, artifacts, {"workspace": str(workspace)})

    (drift,) = artifacts.glob("twin-monitoring-*/monitor/drift/drift.json")
    assert json.loads(drift.read_text(encoding="utf-8"))["drifted"] is False
    assert not list(artifacts.glob("twin-monitoring-*/collect")), "nothing drifted, so nothing is to be learned anew"

    ended = local.run("training", small_params, artifacts, {**stored, "workspace": str(workspace)})

    assert ended["Output"] in (True, False)
    metrics = the("metrics.json", artifacts, "evaluate")
    assert metrics["bits_per_byte_wrong_author"] > 0 and metrics["impostor_authors"] >= 20
    registration = the("registration.json", artifacts, "register")
    assert registration["promoted"] == ended["Output"] and registration["version"]
    assert next(artifacts.glob("twin-training-*/train/adapter/adapter_model.safetensors")).stat().st_size > 100_000
    assert next(artifacts.glob("twin-training-*/train/adapter/adapter.gguf")).read_bytes()[:4] == b"GGUF"
    assert (shelved.report / "report.html").exists() and (shelved.dataset / "splits.parquet").exists()


def the(name: str, artifacts: Path, task: str) -> Any:
    """The JSON file that a task of the training pipeline stored."""
    (path,) = artifacts.glob(f"twin-training-*/{task}/*/{name}")
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_a_failing_stage_fails_the_pipeline_with_its_own_words(
    home: Path, tmp_path: Path, small_params: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RuntimeError, match="collect"):
        local.run("feature", small_params, tmp_path / "artifacts", {"workspace": str(tmp_path / "nowhere")})
    assert str(tmp_path / "nowhere" / "data" / "tess-hale" / "inbox") in capfd.readouterr().out
