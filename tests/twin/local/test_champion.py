"""The pointer keeps what served before it, so that the way back is one file's change."""

from __future__ import annotations

from pathlib import Path

import pytest

from twin.errors import ServingError
from twin.files import read_json, write_json
from twin.local.champion import pointer, promote, publish, rollback
from twin.serving.predictor import read_pointers
from twin.settings import Settings
from twin.workspace import Workspace


def register(settings: Settings, version: str) -> None:
    space = Workspace(settings.root, "hesk")
    space.adapter.mkdir(parents=True, exist_ok=True)
    (space.adapter / "adapter.gguf").write_bytes(b"GGUF" + version.encode())
    space.registration.mkdir(parents=True, exist_ok=True)
    record = {"promoted": True, "version": version, "adapter_sha256": version * 16}
    write_json(space.registration / "registration.json", record)
    publish(space, settings)


def test_earlier_adapters_stay_loaded_and_can_come_back(settings: Settings) -> None:
    for version in "1234":
        register(settings, version)
    file = pointer(settings, "hesk")
    assert [old["version"] for old in read_json(file)["previous"]] == ["3", "2"]
    loaded = read_pointers(file.parent, {})
    assert {name: a.version for name, a in loaded.items()} == {"hesk": "4", "hesk@3": "3", "hesk@2": "2"}
    assert loaded["hesk@3"].gguf.read_bytes() == b"GGUF3"
    assert rollback(settings, "hesk")["version"] == "3"
    assert [old["version"] for old in read_json(file)["previous"]] == ["4", "2"]
    assert rollback(settings, "hesk", "2")["version"] == "2"
    assert read_pointers(file.parent, {})["hesk"].gguf.read_bytes() == b"GGUF2"
    with pytest.raises(ServingError, match="Kept are: 3, 4"):
        rollback(settings, "hesk", "9")


def test_there_is_no_way_back_from_the_first(settings: Settings, tmp_path: Path) -> None:
    register(settings, "1")
    with pytest.raises(ServingError, match="no such earlier adapter"):
        rollback(settings, "hesk")


def test_a_person_may_promote_what_the_gate_held_back(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from twin import registry

    space = Workspace(settings.root, "hesk")
    with pytest.raises(ServingError, match="no adapter to promote"):
        promote(space, settings)
    register(settings, "1")
    adapter = tmp_path / "held"
    adapter.mkdir()
    (adapter / "adapter.gguf").write_bytes(b"GGUF2")
    with registry.client(settings) as mlflow, registry.run(mlflow, settings, "hesk", {}, {}) as run_id:
        made = registry.add_version(mlflow, "hesk", run_id, adapter, {}, promoted=False)
    record = {"promoted": False, "version": made.version, "adapter_sha256": "2" * 16, "adapter_dir": str(made.folder)}
    write_json(space.registration / "registration.json", record)
    assert publish(space, settings) is None
    assert promote(space, settings)["version"] == made.version
    assert Path(read_json(pointer(settings, "hesk"))["gguf"]).read_bytes() == b"GGUF2"
    champion = registry.champion(settings, "hesk")
    assert champion is not None and champion[0] == made.version
