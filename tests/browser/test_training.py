"""A real Chromium on training and evaluation: watch, cancel and resume in two tabs, and tell the twin by keyboard."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import pandas as pd
import pytest

from twin.files import write_json, write_text
from webui.client import blind, jobs

pytestmark = pytest.mark.browser

CURVE = "step,loss,validation_loss,learning_rate\n" + "".join(f"{n},{4 - n / 20:.2f},,1e-4\n" for n in range(1, 30))


def test_a_training_is_watched_cancelled_and_resumed_in_two_tabs(
    serve: Any, tab: Any, world: Any, tmp_path: Any
) -> None:
    settings = world.settings_for(tmp_path)
    world.project(tmp_path, documents=20)
    server = serve(settings)
    pages = [tab(), tab()]
    for page in pages:
        page.goto(f"{server.url}/train")
        page.get_by_text("Ready to learn your voice").wait_for()
    jobs.start(settings, jobs.TRAIN, lines=[[sys.executable, "-c", "import time; time.sleep(90)"]])
    while not jobs.latest(settings).pid:
        time.sleep(0.05)
    pid = jobs.latest(settings).pid
    world.say(settings, "train", step="learn", done=29, total=100, detail="loss 2.55", pid=pid, eta_seconds=300.0)
    write_text(settings.progress / "train-curve.csv", CURVE)
    for page in pages:
        page.get_by_text("29%, about 5 min left").wait_for()
        page.locator(".plot svg path[stroke='var(--c1)']").first.wait_for()
    assert pages[0].get_by_role("img", name="Training from 3.950 to 2.550").count() == 1
    pages[0].get_by_role("button", name="Cancel").click()
    pages[0].get_by_role("button", name="Stop it").click()
    for page in pages:
        page.get_by_role("button", name="Resume").wait_for()


def test_the_own_text_is_found_by_keyboard(serve: Any, tab: Any, world: Any, tmp_path: Any) -> None:
    settings = world.settings_for(tmp_path)
    work = _measured(world, tmp_path)
    page = tab()
    page.goto(f"{serve(settings).url}/evaluation")
    page.get_by_role("button", name="Take the test").click()
    page.wait_for_url("**/evaluation/blind")
    for number in (1, 2):
        page.get_by_role("button", name="I wrote text 1").wait_for()
        one = blind.current(settings, work)
        assert one is not None and page.get_by_text(f"The brief: {one.brief}").count() == 1
        page.keyboard.press(str(one.own + 1))
        page.get_by_text(f"{number} of {number}").wait_for()
        page.keyboard.press("Enter")
    page.get_by_text("You have seen them all").wait_for()
    page.reload()
    page.get_by_text("2 of 2").wait_for()


def _measured(world: Any, root: Any) -> Any:
    work = world.project(root, documents=5)
    rows = [
        {"id": f"e{n}", "document_id": f"files:{n}", "register": "post", "kind": "brief", "split": "test",
         "messages": json.dumps([]), "completion": f"Own words {n}"}
        for n in range(2)
    ]  # fmt: skip
    work.dataset.mkdir(parents=True)
    pd.DataFrame(rows).to_parquet(work.dataset / "examples.parquet")
    drafts = [
        {"document_id": f"files:{n}", "register": "post", "brief": f"kettle {n}", "arm": "lora", "seed": 0,
         "text": f"Twin words {n}", "ended": True}
        for n in range(2)
    ]  # fmt: skip
    write_json(work.report / "drafts.json", drafts)
    write_json(work.report / "gate.json", {"passed": True})
    return work
