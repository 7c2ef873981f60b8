"""`twin doctor`: well where all is well, and a line with a mend for each part that is not."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from twin import cli
from twin.files import write_bytes, write_json, write_text
from twin.local import doctor, doctor_files, doctor_services, presence
from twin.local.finding import BAD, OK, SKIPPED, WARN, Finding
from twin.params import Params, loads
from twin.settings import Settings


@pytest.fixture
def params() -> Params:
    return loads("author: {id: hesk, name: Hesk}")


def groups() -> set[str]:
    return set()


@pytest.mark.slow
def test_a_fresh_project_has_nothing_that_fails(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(settings.root))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    for part in ("PREDICTOR", "ENDPOINT"):
        monkeypatch.setenv(f"TWIN_{part}_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("TWIN_WEBUI_PORT", "9")
    write_text(settings.root / "params.yaml", "author: {id: hesk, name: Hesk}\n")
    assert cli.main(["doctor", "--json"]) == 0
    found = {one["part"]: one for one in json.loads(capsys.readouterr().out)}
    assert found["params.yaml"]["state"] == found["embedder"]["state"] == found["base model"]["state"] == OK
    assert found["database"]["state"] == found["cluster"]["state"] == found["predictor"]["state"] == SKIPPED
    assert {one["state"] for one in found.values()} <= {OK, SKIPPED, WARN}
    assert not (settings.home / "postgres").exists(), "only to look makes no database"


def test_a_service_that_should_answer_and_does_not_is_named_with_its_log(
    settings: Settings, params: Params, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    away = replace(settings, endpoint_url="http://127.0.0.1:9")
    assert doctor_services.endpoint(away, params).state == SKIPPED, "the stack is down"
    with presence.held(settings.home):
        found = replace(doctor_services.endpoint(away, params), part="endpoint")
    monkeypatch.setattr(doctor, "examine", lambda _: [found])
    assert doctor.run(False, groups) == 1
    said = capsys.readouterr()
    assert "✗ endpoint: http://127.0.0.1:9" in said.out and "transformer.log" in said.out
    assert said.err.strip() == "1 part failed, 0 need a look."


def test_params_that_cannot_be_read_are_told_with_their_mend(settings: Settings) -> None:
    write_text(settings.root / "params.yaml", "author: {id: hesk, nam: Hesk}\n")
    found = doctor.examine(groups)
    assert found[-1].part == "params.yaml" and found[-1].state == BAD and "nam" in found[-1].said and found[-1].mend


def adapter(settings: Settings, weights: bytes) -> Path:
    folder = settings.home / "serving" / "adapters" / "hesk" / "x"
    write_bytes(folder / "adapter_model.safetensors", b"weights")
    write_bytes(folder / "adapter.gguf", b"GGUF")
    write_json(
        settings.home / "serving" / "hesk.json",
        {
            "author": "hesk", "version": "4", "adapter_dir": str(folder), "gguf": str(folder / "adapter.gguf"),
            "sha256": hashlib.sha256(weights).hexdigest(),
        },
    )  # fmt: skip
    return folder


def test_an_adapter_with_another_hash_or_a_missing_file_is_named(settings: Settings, params: Params) -> None:
    folder = adapter(settings, b"weights")
    assert doctor_files.adapters(settings, params).state == OK
    (folder / "adapter.gguf").unlink()
    assert "adapter.gguf is missing" in doctor_files.adapters(settings, params).said
    adapter(settings, b"other weights")
    found = doctor_files.adapters(settings, params)
    assert found.state == BAD and "version 4" in found.said and "twin rollback" in found.mend


def test_what_killed_writers_left_is_found_and_what_living_ones_hold_is_not(settings: Settings, params: Params) -> None:
    from twin.files import replacing

    (settings.root / "data" / "hesk").mkdir(parents=True)
    assert doctor_files.half_written(settings, params).state == OK
    with replacing(settings.root / "data" / "hesk" / "raw") as fresh:
        fresh.mkdir()
        assert doctor_files.half_written(settings, params).state == OK, "its writer lives"
    left = settings.root / "data" / "hesk" / ".raw.abcd1234"
    left.mkdir()
    found = doctor_files.half_written(settings, params)
    assert found.state == WARN and str(left) in found.said and found.mend


def test_open_secrets_and_a_drift_alarm_are_told(settings: Settings, params: Params) -> None:
    key = write_text(settings.home / "vault.key", "k")
    key.chmod(0o644)
    found = doctor_files.private(settings, params)
    assert found.state == WARN and f"chmod 600 {key}" in found.mend
    report = settings.root / "reports" / "hesk" / "monitoring" / "drift.json"
    write_json(report, {"at": "2026-01-01", "drifted": True, "alarms": ["voice"]})
    found = doctor_files.drift(settings, params)
    assert found.state == WARN and "voice" in found.said


def test_a_check_that_breaks_is_a_finding(settings: Settings, params: Params) -> None:
    def broken(settings: Settings, params: Params) -> Finding:
        raise ValueError("odd")

    found = doctor._tried("odd part", broken, settings, params)
    assert (found.part, found.state) == ("odd part", BAD) and "odd" in found.said
