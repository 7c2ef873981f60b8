"""DVC with an S3 remote, against a server that speaks S3; experiments beside it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

KEY, SECRET = "someone", "something-long"
STAGES = """
stages:
  count:
    cmd: python count.py
    params: [n]
    outs: [out]
    metrics: [{metrics.json: {cache: false}}]
"""
SCRIPT = """
import json, pathlib, yaml
n = yaml.safe_load(open("params.yaml"))["n"]
pathlib.Path("out").mkdir(exist_ok=True)
pathlib.Path("out/rows.txt").write_text("row\\n" * n)
pathlib.Path("metrics.json").write_text(json.dumps({"rows": n}))
"""


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[str]:
    """rclone's S3 server on a folder; its URL."""
    (tmp_path / "s3" / "twin").mkdir(parents=True)
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    rclone = shutil.which("rclone") or str(Path(sys.executable).parent / "rclone")
    command = [rclone, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", f"{KEY},{SECRET}",
               "--config", str(tmp_path / "none"), str(tmp_path / "s3")]  # fmt: skip
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    running.terminate()
    running.wait(10)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A git repository with a pipeline of one stage."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "dvc.yaml").write_text(STAGES)
    (root / "count.py").write_text(SCRIPT)
    (root / "params.yaml").write_text("n: 3\n")
    for arguments in (["init", "-q"], ["config", "user.email", "a@b.example"], ["config", "user.name", "a"]):
        subprocess.run(["git", *arguments], cwd=root, check=True)
    dvc(root, "init", "-q")
    return root


def dvc(root: Path, *arguments: str) -> str:
    env = {
        **os.environ, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "DVC_NO_ANALYTICS": "1",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=root, env=env, capture_output=True, text=True
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_what_is_pushed_to_s3_comes_back_after_everything_here_is_gone(project: Path, s3: str, tmp_path: Path) -> None:
    dvc(project, "remote", "add", "-d", "store", "s3://twin/dvc")
    dvc(project, "remote", "modify", "store", "endpointurl", s3)
    dvc(project, "repro")
    dvc(project, "push")
    assert list((tmp_path / "s3" / "twin" / "dvc" / "files").rglob("*.dir")), "the server holds the folder's list"

    shutil.rmtree(project / ".dvc" / "cache")
    shutil.rmtree(project / "out")
    dvc(project, "pull")

    assert (project / "out" / "rows.txt").read_text() == "row\n" * 3


@pytest.mark.slow
def test_an_experiment_tries_a_choice_and_is_shown_beside_the_others(project: Path) -> None:
    dvc(project, "repro")
    subprocess.run(["git", "add", "-A"], cwd=project, check=True)
    subprocess.run(["git", "commit", "-qm", "three"], cwd=project, check=True)

    dvc(project, "exp", "run", "-n", "five", "-S", "n=5")

    (head,) = [each for each in json.loads(dvc(project, "exp", "show", "--json")) if each["rev"] != "workspace"]
    shown = head["experiments"][0]["revs"][0]
    assert shown["name"] == "five" and shown["data"]["params"]["params.yaml"]["data"]["n"] == 5
    assert shown["data"]["metrics"]["metrics.json"]["data"]["rows"] == 5
    assert head["data"]["metrics"]["metrics.json"]["data"]["rows"] == 3
