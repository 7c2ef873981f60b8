"""The monitoring report is a DVC stage that runs when it is asked for and never with a bare `dvc repro`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def dvc(folder: Path, *arguments: str) -> str:
    env = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    command = [sys.executable, "-m", "dvc", *arguments]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_it_runs_when_asked_and_only_then(tmp_path: Path) -> None:
    (tmp_path / "pipelines").mkdir()
    for name in ("dvc.yaml", "params.yaml", "pipelines/dvc.yaml"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    for name in ("twin", "feature_repo"):
        (tmp_path / name).symlink_to(ROOT / name)
    author = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["author"]["id"]
    for name in ("features", "dataset"):
        (tmp_path / "data" / author / name).mkdir(parents=True)
    dvc(tmp_path, "init", "--no-scm", "-q")
    assert "monitor" not in dvc(tmp_path, "stage", "list", "--name-only").split()
    assert "> twin monitor" in dvc(tmp_path, "repro", "--dry", "-s", "pipelines/dvc.yaml:monitor")
    (stage,) = yaml.safe_load((ROOT / "pipelines" / "dvc.yaml").read_text(encoding="utf-8"))["stages"].values()
    assert stage["always_changed"], "DVC can't see the log"
    ((_, how),) = stage["outs"][0].items()
    assert how == {"cache": False, "persist": True}, "what people asked for is copied into no cache"
