"""The Train page: what is new, how far it is, what stopped it, the versions, and the cluster."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from nicegui import ui

from twin import choices, tables
from twin.errors import ParamsError, StackError
from twin.files import write_json, write_text
from webui.client import cluster, jobs, state, training

CURVE = "step,loss,validation_loss,learning_rate\n1,3.5,,1e-4\n2,3.1,3.3,1e-4\n3,nan,,1e-4\n4,2.9,3.2,1e-4\n"


def until(told: Callable[[], bool]) -> None:
    for _ in range(300):
        if told():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come to that within 30 s")


def begun(settings: Any, words: str) -> bool:
    """Start a job as soon as the one before has quite ended."""
    try:
        jobs.start(settings, jobs.CLUSTER, lines=[[sys.executable, "-c", words]])
    except StackError:
        return False
    return True


def trained(world: Any, settings: Any, documents: int = 12, known: int = 10) -> Any:
    """A project whose last training saw the first `known` texts, one of them with other words."""
    work = world.project(settings.root, documents=documents)
    frame = tables.read(work.documents / tables.DOCUMENTS)
    sums = dict(zip(frame["id"], frame["sha256"], strict=True))
    seen = {choices.digest(name): sums[name] for name in list(sums)[:known]}
    seen[choices.digest("files:0")] = "0" * 64
    seen[choices.digest("files:gone")] = "1" * 64
    write_json(work.adapter / "learned_from.json", {"documents": [], "texts": seen})
    write_json(work.adapter / "train.json", {"steps": 4})
    write_text(work.adapter / "loss.csv", CURVE)
    return work


def test_new_changed_and_vanished_texts_are_told_apart(settings: Any, world: Any) -> None:
    found = training.changes(settings, trained(world, settings))
    assert (found.new, found.changed, found.gone) == (2, 1, 1)
    assert found.any and found.fresh_words > 60 and len(found.titles) == 3


def test_nothing_new_is_nothing_new(settings: Any, world: Any) -> None:
    work = trained(world, settings)
    frame = tables.read(work.documents / tables.DOCUMENTS)
    texts = {choices.digest(name): sha for name, sha in zip(frame["id"], frame["sha256"], strict=True)}
    write_json(work.adapter / "learned_from.json", {"documents": [], "texts": texts})
    assert not training.changes(settings, work).any


def test_an_adapter_that_noted_nothing_is_not_taken_for_up_to_date(settings: Any, world: Any) -> None:
    work = trained(world, settings)
    write_json(work.adapter / "learned_from.json", {"documents": []})
    assert not training.changes(settings, work).known and training.changes(settings, work).any


def test_choices_are_compared_with_those_that_dvc_noted(settings: Any, world: Any) -> None:
    work = trained(world, settings)
    write_text(settings.root / "params.yaml", world.PARAMS + "train: {epochs: 3.0, rank: 16, learning_rate: 0.00005}\n")
    lock = "stages: {train: {params: {params.yaml: {train: {epochs: 2.0, rank: 16, learning_rate: 5e-05, alpha: 32}, dataset.max_tokens: 512}}}}\n"
    write_text(settings.root / "dvc.lock", lock)
    assert training.changes(settings, work).params == (
        ("train.epochs", "2.0", "3.0"), ("train.alpha", "32", "default"), ("dataset.max_tokens", "512", "default"),
    )  # fmt: skip


def test_a_curve_of_another_training_is_not_shown_as_the_running_one(settings: Any, world: Any) -> None:
    work = trained(world, settings)
    running = state.Stage(key="train", name="Learn", state="running")
    write_text(settings.progress / "train-curve.csv", CURVE)
    world.say(settings, "train", started_at=time.time() + 60)
    assert training.curve(settings, work, running) == ()
    world.say(settings, "train", started_at=time.time() - 60)
    learning, held = training.curve(settings, work, running)
    assert learning == ("Training", ((1.0, 3.5), (2.0, 3.1), (4.0, 2.9))) and held[1] == ((2.0, 3.3), (4.0, 3.2))
    assert training.curve(settings, work, None) == (learning, held)


async def test_the_page_says_what_is_new_and_draws_the_curve(settings: Any, world: Any, visit: Any) -> None:
    trained(world, settings)
    user = await visit(settings)
    await user.open("/train")
    await user.should_see("There is something new to learn", retries=100)
    await user.should_see("2 new texts · 1 changed · 1 gone", retries=100)
    await user.should_see(kind=ui.echart, retries=100)


async def test_progress_is_shown_with_the_time_that_is_left(settings: Any, world: Any, visit: Any) -> None:
    trained(world, settings)
    world.say(settings, "train", step="learn", done=30, total=120, detail="loss 2.871", eta_seconds=400.0)
    user = await visit(settings)
    await user.open("/train")
    await user.should_see("25%, about 7 min left · learn · loss 2.871", retries=100)
    await user.should_see("stop it there", retries=100)


async def test_a_training_that_fails_says_why_and_can_be_resumed(settings: Any, world: Any, visit: Any) -> None:
    work = trained(world, settings)
    write_text(settings.home / "checkpoints" / work.author / "k" / "checkpoint-40" / "complete", "")
    words = "print('twin train: the disk is full'); raise SystemExit(2)"
    jobs.start(settings, jobs.TRAIN, lines=[[sys.executable, "-c", words]])
    until(lambda: jobs.latest(settings).state == "failed")
    user = await visit(settings)
    await user.open("/train")
    await user.should_see("It was interrupted", retries=100)
    await user.should_see("goes on from step 40", retries=100)
    await user.should_see("the disk is full", retries=100)
    await user.should_see("Resume", retries=100)


async def test_the_button_starts_the_pipeline(settings: Any, world: Any, visit: Any) -> None:
    trained(world, settings)
    user = await visit(settings)
    await user.open("/train")
    user.find(kind=ui.button, content="Train").click()
    await user.should_see("Started. You can close this tab", retries=100)
    until(lambda: jobs.latest(settings).state != "running")
    assert jobs.latest(settings).kind == jobs.TRAIN and "dvc repro" in jobs.tail(jobs.latest(settings))


async def test_versions_are_listed_with_their_verdict_and_a_link(settings: Any, world: Any, visit: Any) -> None:
    import dataclasses

    work = trained(world, settings)
    settings = dataclasses.replace(settings, mlflow_uri="http://mlflow.example:5000")
    runs = [
        {"version": "2", "run_id": "r2", "experiment_id": "5", "at": time.time(), "champion": False, "gate": "hold",
         "figures": {"bits_per_byte_gain": 0.01, "train.seconds": 300.0}},
        {"version": "1", "run_id": "r1", "experiment_id": "5", "at": time.time() - 9e5, "champion": True,
         "gate": "promote", "figures": {"bits_per_byte_gain": 0.125}},
    ]  # fmt: skip
    write_json(settings.home / "runs" / f"{work.author}.json", {"stamp": training.stamp(settings, work), "runs": runs})
    user = await visit(settings)
    await user.open("/train")
    for words in ("held back", "writes now", "12.5%", "5 min", "10 days ago"):
        await user.should_see(words, retries=100)
    links = [link.props["href"] for link in user.find(kind=ui.link, content="MLflow").elements]
    assert "http://mlflow.example:5000/#/experiments/5/runs/r1" in links


def test_a_registry_that_was_never_used_lists_nothing_and_is_not_made(settings: Any, world: Any) -> None:
    import dataclasses

    work = world.project(settings.root)
    settings = dataclasses.replace(settings, mlflow_uri=f"sqlite:///{settings.home}/mlflow/mlflow.db")
    done = training.command(settings, "runs", "--json")
    assert (done.returncode, done.stdout.strip()) == (0, "[]")
    assert training.runs(settings, work) == ((), "") and not (settings.home / "mlflow").exists()


def test_a_training_for_the_cluster_names_what_is_wrong_before_it_is_sent(settings: Any, world: Any) -> None:
    world.project(settings.root)
    with pytest.raises(ParamsError, match=r"Documents: an address is needed"):
        cluster.submit(settings, cluster.Order(host="http://kfp.example", features="s3://b/f"))
    assert jobs.latest(settings) is None


def test_a_training_that_the_cluster_took_is_linked(settings: Any, world: Any) -> None:
    from twin import params

    world.project(settings.root)
    write_json(settings.home / "cluster.json", {"host": "http://kfp.example/", "documents": "", "features": ""})
    for words in ("print('run 3f1c-77')", "raise SystemExit('twin cluster: no server there')"):
        until(partial(begun, settings, words))
        until(lambda: jobs.latest(settings).state != "running")
    found = cluster.submitted(settings, params.load(settings.root / "params.yaml"))
    assert [(one.state, one.link, one.said) for one in found] == [
        ("failed", "", "no server there"), ("done", "http://kfp.example/#/runs/details/3f1c-77", "run 3f1c-77"),
    ]  # fmt: skip
