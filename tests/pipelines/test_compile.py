"""The committed IR is what the source compiles to, with the cluster's needs in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines import compile as compiling
from pipelines.compile import NAMES, compiled

ROOT = Path(__file__).resolve().parents[2]


def documents(name: str) -> list[dict[str, Any]]:
    """The pipeline's specification and its platform part."""
    return list(yaml.safe_load_all((ROOT / "pipelines" / "ir" / f"{name}.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_ir_is_what_the_source_compiles_to(name: str) -> None:
    assert (ROOT / "pipelines" / "ir" / f"{name}.yaml").read_text(encoding="utf-8") == compiled(name), (
        "run `python -m pipelines.compile`"
    )


def test_check_names_a_stale_file_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compiling, "FOLDER", tmp_path)
    monkeypatch.setattr(compiling, "NAMES", ("feature",))
    (tmp_path / "feature.yaml").write_text("old")
    monkeypatch.setattr(sys, "argv", ["compile", "--check"])
    with pytest.raises(SystemExit, match=r"stale: feature\. Run `python -m pipelines\.compile`"):
        compiling.main()
    assert (tmp_path / "feature.yaml").read_text() == "old"


@pytest.mark.parametrize("name", NAMES)
def test_every_task_is_bounded_and_takes_its_secrets_by_reference(name: str) -> None:
    spec, platform = documents(name)
    executors = {k: v for k, v in spec["deploymentSpec"]["executors"].items() if "container" in v}
    assert executors
    for label, executor in executors.items():
        container = executor["container"]
        limits = container["resources"]
        assert limits["resourceCpuLimit"] and limits["resourceMemoryLimit"], label
        assert "pip install" not in " ".join(container["command"]), label
        placed = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"][label]
        assert [s["secretName"] for s in placed["secretAsEnv"]] == ["twin-postgres-app"], label
        assert placed["securityContext"]["runAsNonRoot"] is True, label


def test_parameters_come_from_params_yaml_and_places_alone() -> None:
    places = {"params", "workspace", "models", "documents", "features", "ready_seconds"}
    for name in NAMES:
        spec = documents(name)[0]
        assert set(spec["root"]["inputDefinitions"]["parameters"]) <= places
        assert "params" in spec["root"]["inputDefinitions"]["parameters"]


def test_monitoring_trains_only_where_drift_was_found_and_deploys_only_a_champion() -> None:
    spec = documents("monitoring")[0]
    tasks = spec["root"]["dag"]["tasks"]
    assert set(tasks) == {"monitor", "condition-1"}
    assert "monitor-Output'] == true" in tasks["condition-1"]["triggerPolicy"]["condition"]
    inner = spec["components"]["comp-condition-1"]["dag"]["tasks"]
    assert {"collect", "train", "register"} <= set(inner) and "deploy" not in inner
    (gate,) = [task for task in inner.values() if "triggerPolicy" in task]
    assert "register-Output'] == true" in gate["triggerPolicy"]["condition"]
    assert "deploy" in spec["components"][gate["componentRef"]["name"]]["dag"]["tasks"]


def test_compiling_loads_neither_models_nor_services(tmp_path: Path) -> None:
    script = "import sys, pipelines.compile as c; c.compiled('monitoring'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not {"torch", "transformers", "feast", "mlflow", "kubeflow"} & set(done.stdout.split())
