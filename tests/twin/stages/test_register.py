"""The register stage against a real MLflow on SQLite: versions, aliases, the way back, and readable refusals."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from twin import registry
from twin.errors import DataError, RegistryError
from twin.files import read_json, write_json, write_text
from twin.params import Params, loads
from twin.progress import Progress
from twin.settings import Settings
from twin.stages.register import register


@pytest.fixture
def params() -> Params:
    return loads("author: {id: wren, name: Wren}")


def _adapter(folder: Path, weights: str) -> Path:
    write_text(folder / "adapter_model.safetensors", weights)
    write_text(folder / "adapter.gguf", weights)
    write_json(folder / "train.json", {"tokens_per_second": 180.5, "base": "bundled"})
    write_text(folder / "loss.csv", "step,loss,validation_loss\n1,2.5,\n2,2.25,2.4\n")
    return folder


def _report(folder: Path, promote: bool) -> Path:
    write_json(folder / "gate.json", {"promote": promote, "reasons": ["likelihood: told"], "dataset_sha256": "d" * 64})
    write_json(folder / "metrics.json", {"bits_per_byte_gain": 0.125, "not_a_number": float("nan")})
    write_text(folder / "report.html", "<p>hello</p>")
    write_json(folder / "drafts.json", [{"arm": "lora", "register": "post", "text": folder.name}])
    return folder


@pytest.mark.slow
def test_champion_moves_only_when_the_gate_says_so(tmp_path: Path, settings: Settings, params: Params) -> None:
    progress = Progress("register")
    assert registry.champion(settings, "wren") is None

    def go(weights: str, promote: bool) -> dict[str, object]:
        adapter, report = _adapter(tmp_path / weights, weights), _report(tmp_path / f"r-{weights}", promote)
        register(adapter, report, tmp_path / "out", params, settings, progress)
        return dict(read_json(tmp_path / "out" / "registration.json"))

    first = go("one", True)
    assert first["version"] == "1" and first["promoted"] is True and first["former_champion"] == ""
    held = go("two", False)
    assert held["aliases"] == ["challenger"]
    found = registry.champion(settings, "wren")
    assert found is not None and found[0] == "1"
    assert (found[1] / "adapter.gguf").read_text() == "one"
    third = go("three", True)
    assert third["former_champion"] == "1" and Path(str(third["gguf"])).read_text() == "three"
    assert registry.promote(settings, "wren", "1") == "3"
    back = registry.champion(settings, "wren")
    assert back is not None and back[0] == "1"
    assert [one["text"] for one in registry.evaluated(settings, "wren")] == ["r-one"], (
        "the champion's, not the newest's"
    )
    assert registry.evaluated(settings, "nobody") == []
    told = registry.history(settings, "wren")
    assert [(run["version"], run["gate"], run["champion"]) for run in told] == [
        ("3", "promote", False), ("2", "hold", False), ("1", "promote", True)
    ]  # fmt: skip
    assert (
        told[0]["figures"] == {"bits_per_byte_gain": 0.125, "train.validation_loss": 2.4} and told[0]["experiment_id"]
    )

    with registry.client(settings) as mlflow:
        logged = mlflow.get_run(str(third["run_id"])).data
        assert logged.metrics["bits_per_byte_gain"] == 0.125 and logged.metrics["train.tokens_per_second"] == 180.5
        assert [p.value for p in mlflow.get_metric_history(str(third["run_id"]), "train.loss")] == [2.5, 2.25]
        assert logged.params["author.id"] == "wren" and logged.params["train.rank"] == "16"
        assert logged.tags["dataset_sha256"] == "d" * 64 and logged.tags["params_fingerprint"] == params.fingerprint()
        assert mlflow.get_run(str(third["run_id"])).info.status == "FINISHED"
    assert not Path("mlruns").exists()


@pytest.mark.slow
def test_a_registration_killed_before_its_record_is_found_again(
    tmp_path: Path, settings: Settings, params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter, report = _adapter(tmp_path / "adapter", "w"), _report(tmp_path / "report", True)

    def go() -> dict[str, object]:
        register(adapter, report, tmp_path / "out", params, settings, Progress("register"))
        return dict(read_json(tmp_path / "out" / "registration.json"))

    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr("mlflow.MlflowClient.set_registered_model_alias", _kill)
        go()
    assert not (tmp_path / "out").exists() and registry.champion(settings, "wren") is None
    made = go()
    assert (made["version"], made["former_champion"], made["promoted"]) == ("1", "", True)
    assert go() == made, "the same adapter with the same verdict is the same version"
    found = registry.champion(settings, "wren")
    assert found is not None and found[0] == "1" and len(registry.versions(settings, "wren")) == 1
    with registry.client(settings) as mlflow:
        assert mlflow.get_run(str(made["run_id"])).info.status == "FINISHED"


def _kill(*_: object) -> None:
    raise KeyboardInterrupt


def test_missing_verdict_names_the_stage_to_run(tmp_path: Path, settings: Settings, params: Params) -> None:
    adapter = _adapter(tmp_path / "adapter", "w")
    with pytest.raises(DataError, match="twin evaluate"):
        register(adapter, tmp_path / "report", tmp_path / "out", params, settings, Progress("register"))


def test_verdict_about_another_adapter_is_refused(tmp_path: Path, settings: Settings, params: Params) -> None:
    adapter, report = _adapter(tmp_path / "adapter", "w"), tmp_path / "report"
    write_json(report / "gate.json", {"promote": True, "reasons": [], "adapter_sha256": "0" * 64})
    with pytest.raises(DataError, match="another adapter"):
        register(adapter, report, tmp_path / "out", params, settings, Progress("register"))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_registry_that_is_away_says_so(settings: Settings) -> None:
    away = dataclasses.replace(settings, mlflow_uri="http://127.0.0.1:9")
    with pytest.raises(RegistryError, match=r"127\.0\.0\.1:9.*MLflow server"):
        registry.champion(away, "wren")
