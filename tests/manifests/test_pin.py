"""Pinning rewrites our images alone, and the pipelines' IR follows."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def test_pin_names_tag_and_registry_for_our_images_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines import compile as compiling

    spec = importlib.util.spec_from_file_location("pin", ROOT / "images" / "pin.py")
    assert spec and spec.loader
    pin = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pin)
    file = tmp_path / "kustomization.yaml"
    before = (ROOT / "manifests" / "images" / "kustomization.yaml").read_text(encoding="utf-8")
    file.write_text(before, encoding="utf-8")

    pin.pin(file, "abc1234", "mine")

    entries = {e["name"]: e for e in yaml.safe_load(file.read_text(encoding="utf-8"))["images"]}
    assert entries["twin-cpu"] == {"name": "twin-cpu", "newTag": "abc1234", "newName": "mine/twin-cpu"}
    others = [e for e in yaml.safe_load(before)["images"] if not e["name"].startswith("twin-")]
    assert [entries[e["name"]] for e in others] == others
    assert file.read_text(encoding="utf-8").startswith("# The one place")
    monkeypatch.setattr(compiling, "IMAGES", file)
    assert compiling.image("twin-cpu") == "mine/twin-cpu:abc1234"
