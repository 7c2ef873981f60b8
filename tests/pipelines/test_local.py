"""Every pipeline to its end on this machine, through the stages' own code and services that really answer."""

from __future__ import annotations

import builtins
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from pipelines import local
from twin.files import read_json, write_json
from twin.settings import Settings
from twin.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(settings: Settings, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh home with a database; what is only a cache (base model, DeepSpeed's compiled part) is borrowed."""
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    settings.home.mkdir(parents=True, exist_ok=True)
    for cache in ("models", "torch_extensions"):
        (ROOT / ".twin" / cache).mkdir(parents=True, exist_ok=True)  # on a new machine the first test fills it
        (settings.home / cache).symlink_to(ROOT / ".twin" / cache)
    return settings.home


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_pipeline_runs_to_its_end(
    home: Path, workspace: Path, small_params: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pandas as pd

    artifacts, places = tmp_path / "artifacts", {"workspace": str(workspace)}

    feature = local.run("feature", [small_params], artifacts, places)

    stored = {
        "documents": str(feature / "prepare" / "documents"),
        "features": str(feature / "features" / "features"),
    }
    chunks = pd.read_parquet(Path(stored["features"]) / "chunks.parquet")
    assert len(chunks) >= 30 and len(chunks["embedding"].iloc[0]) == 384
    shelved = Workspace(workspace, "tess-hale")
    assert len(pd.read_parquet(shelved.documents / "documents.parquet")) == 30

    shutil.copytree(workspace / "data" / "tess-hale", workspace / "data" / "two")
    second = small_params.replace("id: tess-hale", "id: two")
    printing = builtins.print
    fleet = local.run("fleet", [small_params, second], artifacts, places)
    assert builtins.print is printing, "parallel tasks leave no indentation behind"

    drifts = sorted(read_json(path)["author"] for path in fleet.glob("**/drift/drift.json"))
    assert drifts == ["tess-hale", "two"]
    assert not list(fleet.glob("**/collect")), "nothing drifted, so nothing is to be learned anew"

    training = local.run("training", [small_params], artifacts, {**stored, **places})

    metrics = read_json(training / "evaluate" / "report" / "metrics.json")
    assert metrics["bits_per_byte_wrong_author"] > 0 and metrics["impostor_authors"] >= 20
    registration = read_json(training / "register" / "registration" / "registration.json")
    assert registration["promoted"] is True and registration["version"]
    adapter = training / "train" / "adapter"
    assert (adapter / "adapter_model.safetensors").stat().st_size > 100_000
    assert (adapter / "adapter.gguf").read_bytes()[:4] == b"GGUF"
    assert (shelved.report / "report.html").exists() and (shelved.dataset / "splits.parquet").exists()

    with serving(home, adapter, small_params) as url:
        monkeypatch.setenv("TWIN_ENDPOINT_URL", url)
        inference = local.run("inference", [small_params], artifacts, {"models": str(tmp_path / "models")})

    assert not list(inference.glob("rollback*"))
    current = tmp_path / "models" / "adapters" / "tess-hale" / "current"
    assert (current / "adapter.gguf").read_bytes() == (adapter / "adapter.gguf").read_bytes()
    assert (tmp_path / "models" / "base" / "current" / "config.json").exists()


@contextmanager
def serving(home: Path, adapter: Path, params: str) -> Iterator[str]:
    """The predictor with this adapter and the transformer before it, as processes of their own; the endpoint's URL."""
    (home.parent / "params.yaml").write_text(params, encoding="utf-8")
    pointed = {"author": "tess-hale", "version": "1", "gguf": str(adapter / "adapter.gguf")}
    write_json(home / "serving" / "tess-hale.json", pointed | {"adapter_dir": str(adapter), "sha256": "x"})
    ports = [free_port(), free_port()]
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    os.environ["TWIN_PREDICTOR_URL"] = urls[0]
    commands = (
        ["twin.serving.predictor", "--port", str(ports[0])],
        ["twin.serving.transformer", "--http_port", str(ports[1])],
    )
    running = [subprocess.Popen([sys.executable, "-m", *command]) for command in commands]
    try:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            assert all(process.poll() is None for process in running)
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{urls[1]}/v2/health/ready").status_code == 200:
                    break
            time.sleep(0.2)
        yield urls[1]
    finally:
        del os.environ["TWIN_PREDICTOR_URL"]
        for process in reversed(running):
            process.terminate()
            process.wait(30)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.mark.slow
def test_a_failing_stage_fails_the_pipeline_with_its_own_words(
    home: Path, tmp_path: Path, small_params: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RuntimeError, match="collect"):
        local.run("feature", [small_params], tmp_path / "artifacts", {"workspace": str(tmp_path / "nowhere")})
    assert str(tmp_path / "nowhere" / "data" / "tess-hale" / "inbox") in capfd.readouterr().out
