"""The whole journey in a real Chromium with every real part: from the first visit to the last word forgotten."""

from __future__ import annotations

import csv
import io
import os
import random
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from twin.workspace import Workspace
from webui.client import edits, jobs, sources

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1500)]

ROOT = Path(__file__).resolve().parents[2]
# A training of a few steps and an evaluation of two drafts, behind a gate that only asks whether they were made.
SMALL = {
    "validate.min_words": 500, "validate.max_rejected": 0.5, "prepare.near_duplicate": 0.95, "dataset.max_tokens": 128,
    "train.epochs": 1, "train.token_budget": 1500, "train.rank": 4, "train.alpha": 8, "train.evals_per_epoch": 1,
    "train.zero_stage": 0, "evaluate.briefs": 2, "evaluate.seeds": 1, "evaluate.pool": 2, "evaluate.max_new_tokens": 16,
    "evaluate.bootstrap": 100, "evaluate.likelihood_tokens": 1000, "evaluate.wrong_author_tokens": 0,
    "gate.min_bits_per_byte_gain": -9, "gate.max_copy_share": 1, "gate.max_style_regression": 9, "gate.max_loss": 1,
    "serve.max_new_tokens": 24,
}  # fmt: skip
WORK_MS = 600_000


def export() -> bytes:
    """A LinkedIn export of thirty posts in one voice."""
    chance, rows = random.Random(3), io.StringIO()
    table = csv.writer(rows)
    table.writerow(["Date", "ShareLink", "ShareCommentary"])
    who = ["the kettle", "our deploy", "a lighthouse", "the night bus", "my notebook", "the old router", "a queue"]
    did = ["taught me", "forgot", "waited for", "broke", "held", "rewrote", "noticed", "outlived", "argued with"]
    what = ["patience", "a timeout", "the fog", "nobody in particular", "the third retry", "a small kindness"]
    for n in range(30):
        said = [f"{chance.choice(who).capitalize()} {chance.choice(did)} {chance.choice(what)}." for _ in range(8)]
        date = f"2024-{n % 12 + 1:02d}-{n // 12 + 10} 08:00:00"
        table.writerow([date, f"https://www.linkedin.com/feed/update/urn:li:share:{n}", " ".join(said)])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("Shares.csv", rows.getvalue())
    return out.getvalue()


@pytest.fixture
def house(world: Any, tmp_path: Path, postgres_url: str, monkeypatch: Any) -> Any:
    """An empty project with the pipeline, a database, and what is only a cache: base model, DeepSpeed's compiled part."""
    settings = world.settings_for(tmp_path, endpoint_port=world.free_port())
    settings = replace(settings, predictor_port=world.free_port())
    for shared in ("dvc.yaml", ".dvcignore", "twin", "feature_repo", "examples"):
        (tmp_path / shared).symlink_to(ROOT / shared)
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("[core]\n    no_scm = true\n    analytics = false\n")
    settings.home.mkdir()
    for cache in ("models", "torch_extensions"):
        (ROOT / ".twin" / cache).mkdir(parents=True, exist_ok=True)  # on a new machine the first test fills it
        (settings.home / cache).symlink_to(ROOT / ".twin" / cache)
    for name, value in (
        ("DATABASE_URL", postgres_url), ("TWIN_ROOT", str(tmp_path)), ("TWIN_HOME", str(settings.home)),
        ("TWIN_PREDICTOR_URL", f"http://127.0.0.1:{settings.predictor_port}"),
        ("TWIN_ENDPOINT_URL", settings.endpoint_url),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    for name in ("MLFLOW_TRACKING_URI", "TWIN_API_KEY", "TWIN_AUTHOR_HOME"):
        monkeypatch.delenv(name, raising=False)
    return settings


@pytest.fixture
def service() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """`process = service(health, module, ...)`: a serving process that answers; ended after the test."""
    running: list[subprocess.Popen[bytes]] = []

    def start(health: str, *line: str) -> subprocess.Popen[bytes]:
        plain = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST")}
        running.append(subprocess.Popen([sys.executable, "-m", *line], cwd=ROOT, env=plain))
        until = time.monotonic() + 180
        while time.monotonic() < until:
            assert running[-1].poll() is None, line
            try:
                if httpx.get(health, trust_env=False).status_code == 200:
                    return running[-1]
            except httpx.HTTPError:
                time.sleep(0.2)
        raise AssertionError(f"{line} did not start")

    yield start
    for process in reversed(running):
        process.terminate()
        process.wait(30)


def test_from_the_first_visit_to_the_last_word_forgotten(serve: Any, tab: Any, house: Any, service: Any) -> None:
    url = serve(house).url
    work = Workspace(house.root, "tess-hale")
    page = tab()
    page.set_default_timeout(90_000)
    page.goto(url)
    page.get_by_label("Your name").fill("Tess Hale")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sources")
    page.set_input_files("input[type=file]", {"name": "export.zip", "mimeType": "application/zip", "buffer": export()})
    page.get_by_text("LinkedIn · export.zip was added.").wait_for()
    sources.change(house.root / "params.yaml", SMALL)
    predictor = ["twin.serving.predictor", "--port", str(house.predictor_port)]
    health = f"http://127.0.0.1:{house.predictor_port}/health"
    model = service(health, *predictor)
    service(f"{house.endpoint_url}/v2/health/live", "twin.serving.transformer", "--http_port", str(house.endpoint_port))

    page.goto(url)
    page.get_by_role("button", name="Collect and learn").click()
    page.get_by_role("button", name="Write meanwhile").click(timeout=WORK_MS)
    _draft(page, "the night bus and the fog")
    assert jobs.running(house) is not None, "it was drafted while the twin was learning"
    page.locator(".paper .chip", has_text="Base model, untrained").wait_for()

    other = tab()
    other.goto(f"{url}/train")
    _until_it_ends(house)
    other.get_by_text("Version 1").first.wait_for()
    page.goto(f"{url}/evaluation")
    page.get_by_text("Let through: this version may write").wait_for()
    page.get_by_text("Who writes like you").wait_for()

    page.goto(f"{url}/write")
    page.get_by_label("Main menu").get_by_text("Trained voice, version 1").wait_for()
    _draft(page, "the kettle argued with the queue")
    page.locator(".paper .chip", has_text="Trained voice, version 1").wait_for()
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_label("Edit the draft").fill("The kettle won. Obviously.")
    page.get_by_role("button", name="Accept", exact=True).click()
    page.get_by_text("Your twin can learn from this edit").wait_for()
    assert [pair["chosen"] for pair in edits.pairs(work)] == ["The kettle won. Obviously."]

    model.kill()
    model.wait()
    page.get_by_label("What is it about?").fill("a lighthouse")
    page.get_by_role("button", name="Draft", exact=True).click()
    page.get_by_text("The draft was not finished").wait_for()
    service(health, *predictor)
    page.get_by_role("button", name="Try again").click()
    page.get_by_role("button", name="Copy").wait_for()

    page.goto(f"{url}/sources")
    page.get_by_role("button", name="Forget Tess Hale").click()
    page.get_by_label("Type tess-hale to go on").fill("tess-hale")
    page.get_by_role("button", name="Forget it").click()
    page.get_by_role("button", name="Forget Tess Hale").wait_for(state="detached")
    kept = [p for p in house.home.rglob("*.json") if not p.is_symlink() and "The kettle won" in p.read_text("utf-8")]
    assert not work.raw.parent.exists() and kept == []


def _draft(page: Any, brief: str) -> None:
    page.get_by_label("What is it about?").fill(brief)
    page.keyboard.press("Control+Enter")
    page.get_by_text(brief).first.wait_for()
    page.get_by_role("button", name="Copy").wait_for()


def _until_it_ends(house: Any) -> None:
    until = time.monotonic() + WORK_MS / 1000
    while (job := jobs.running(house)) is not None:
        assert time.monotonic() < until, jobs.tail(job)
        time.sleep(0.5)
    job = jobs.latest(house)
    assert job is not None and job.state == "done", job and jobs.tail(job)
