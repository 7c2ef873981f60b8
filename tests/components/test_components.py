"""Every component stays thin and calls the stage that bears its name."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest
from kfp import dsl

from components import wiring

FOLDER = Path(__file__).resolve().parents[2] / "components"
HELPERS = {"__init__", "wiring", "trainjob"}
STAGES = ("collect", "prepare", "features", "dataset", "train", "evaluate", "register", "monitor")
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in HELPERS)


def test_there_is_one_for_every_stage() -> None:
    assert set(STAGES) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_component_is_thin_and_installs_nothing(name: str) -> None:
    component = getattr(import_module(f"components.{name}"), name)
    container = component.component_spec.implementation.container
    assert container.image == "twin-cpu"
    assert "pip install" not in " ".join(container.command)
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    (function,) = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert (function.end_lineno or 0) - function.lineno < 32, "logic belongs into twin/"


@pytest.mark.parametrize("name", STAGES)
def test_a_component_imports_its_stage_inside_its_body(name: str) -> None:
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    outside = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    everywhere = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert f"twin.stages.{name}" in everywhere - outside


def test_what_was_not_measured_is_no_metric_of_a_run() -> None:
    metrics = dsl.Metrics()
    wiring.log(metrics, {"steps": 2, "base": "tiny", "gpu_peak_bytes": None})
    assert metrics.metadata == {"steps": 2.0, "base": "tiny"}
