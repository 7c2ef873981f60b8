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
        secret = "twin-notify" if label == "exec-notify" else "twin-postgres-app"
        assert [s["secretName"] for s in placed["secretAsEnv"]] == [secret], label
        assert int(placed["activeDeadlineSeconds"]) >= 300, label
        assert placed["securityContext"]["runAsNonRoot"] is True, label


def test_parameters_come_from_params_yaml_and_places_alone() -> None:
    places = {"params", "authors", "author", "workspace", "models", "documents", "features", "ready_seconds"}
    for name in NAMES:
        spec = documents(name)[0]
        assert set(spec["root"]["inputDefinitions"]["parameters"]) <= places
        assert {"params", "authors"} & set(spec["root"]["inputDefinitions"]["parameters"])


def inner(spec: dict[str, Any], task: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The tasks of a block: an exit handler's, a condition's, a loop's."""
    return dict(spec["components"][task["componentRef"]["name"]]["dag"]["tasks"])


def blocks(spec: dict[str, Any], tasks: dict[str, Any]) -> dict[str, Any]:
    """A block's tasks, then those of the blocks inside it, as deep as they go."""
    return {
        name: blocks(spec, inner(spec, task))
        if "dag" in spec["components"].get(task["componentRef"]["name"], {})
        else {}
        for name, task in tasks.items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_pipeline_tells_how_it_ended(name: str) -> None:
    spec = documents(name)[0]
    tasks = spec["root"]["dag"]["tasks"]
    assert set(tasks) == {"exit-handler-1", "notify"}
    assert tasks["notify"]["triggerPolicy"]["strategy"] == "ALL_UPSTREAM_TASKS_COMPLETED"


def test_what_is_cached_sees_only_the_choices_that_dvc_yaml_names_for_it() -> None:
    spec = documents("monitoring")[0]
    cached = {
        name: task
        for component in spec["components"].values()
        for name, task in component.get("dag", {}).get("tasks", {}).items()
        if task.get("cachingOptions", {}).get("enableCache") and "dag" not in spec["components"][f"comp-{name}"]
    }
    assert set(cached) == {"choose", "features", "dataset", "train", "evaluate"}
    for name, task in cached.items():
        given = task["inputs"]["parameters"]["params"]
        whole = "componentInputParameter" in given
        assert whole == (name == "choose"), name


def only_block(found: dict[str, Any]) -> dict[str, Any]:
    """The one block among tasks, without its numbered name."""
    (block,) = [tasks for name, tasks in found.items() if name.startswith(("condition", "for-loop"))]
    return dict(block)


def test_a_champion_is_tried_before_it_is_promoted_and_taken_back_at_each_failure() -> None:
    spec = documents("inference")[0]
    found = blocks(spec, inner(spec, spec["root"]["dag"]["tasks"]["exit-handler-1"]))
    assert {"deploy", "smoke"} < set(found) and "promote" not in found
    answered, silent = only_block(found).values()
    assert next(iter(silent)).startswith("rollback") and "probe" in answered
    sound, unsound = only_block(answered).values()
    assert list(sound) == ["promote"] and next(iter(unsound)).startswith("rollback")


def test_monitoring_trains_only_where_drift_was_found_and_deploys_only_a_champion() -> None:
    spec = documents("monitoring")[0]
    found = blocks(spec, inner(spec, spec["root"]["dag"]["tasks"]["exit-handler-1"]))
    assert set(found) - {"monitor"} == {name for name in found if name.startswith("condition")}
    drifted = only_block(found)
    assert {"choose", "collect", "train", "register"} <= set(drifted) and "deploy" not in drifted
    assert {"deploy", "smoke"} < set(only_block(drifted))


def test_the_fleet_is_the_monitoring_pipeline_for_each_author() -> None:
    one, many = documents("monitoring")[0], documents("fleet")[0]
    alone = blocks(one, inner(one, one["root"]["dag"]["tasks"]["exit-handler-1"]))
    looped = only_block(blocks(many, inner(many, many["root"]["dag"]["tasks"]["exit-handler-1"])))
    assert "monitor" in looped and set(only_block(looped)) - {"condition-3"} >= {"choose", "collect", "train"}
    assert {name for name in only_block(alone) if not name.startswith("condition")} == {
        name for name in only_block(looped) if not name.startswith("condition")
    }
    text = (ROOT / "pipelines" / "ir" / "fleet.yaml").read_text(encoding="utf-8")
    assert "parallelismLimit: 4" in text


def test_compiling_loads_neither_models_nor_services(tmp_path: Path) -> None:
    script = "import sys, pipelines.compile as c; c.compiled('monitoring'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not {"torch", "transformers", "feast", "mlflow", "kubeflow"} & set(done.stdout.split())
