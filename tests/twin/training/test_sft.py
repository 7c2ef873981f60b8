"""Training for real, on a tiny model: torchrun, DeepSpeed, resume after a kill, two processes."""

import contextlib
import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from twin.errors import TrainingError
from twin.files import read_json
from twin.lifeline import ORPHANED
from twin.params import Train
from twin.training.job import last_complete
from twin.training.launch import LAUNCHER, MODULE, command, environment, launch
from twin.training.sft import SftConfig, write_config

pytestmark = pytest.mark.slow
# Where the application keeps DeepSpeed's compiled part: built once a machine, not once a test.
HOME = Path(__file__).parents[3] / ".twin"
TRAIN = {
    "epochs": 6.0,
    "batch_size": 4,
    "micro_batch_size": 2,
    "rank": 4,
    "alpha": 8,
    "learning_rate": 0.02,
    "patience": 20,
}


def job(base: Path, dataset: Path, folder: Path, **choices: object) -> tuple[SftConfig, Train]:
    train = Train.model_validate({**TRAIN, **choices})
    config = SftConfig(
        base=str(base), dataset=str(dataset), out=str(folder / "out"), checkpoints=str(folder / "checkpoints"),
        progress=str(folder / "progress"), max_tokens=128, train=train.model_dump(mode="json"),
    )  # fmt: skip
    return config, train


def run(config: SftConfig, train: Train, folder: Path) -> list[tuple[int, float]]:
    launch(
        command(write_config(config, folder / "c.json"), train.processes),
        environment(HOME, train.processes),
        folder / "log",
    )
    return curve(folder / "out" / "loss.csv")


def curve(path: Path) -> list[tuple[int, float]]:
    with open(path, newline="") as file:
        return [(int(row["step"]), float(row["loss"])) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def alone(
    tiny_base: Path, tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[tuple[int, float]]]:
    folder = tmp_path_factory.mktemp("alone")
    return folder, run(*job(tiny_base, tiny_dataset, folder), folder)


def test_it_learns_and_leaves_an_adapter(alone: tuple[Path, list[tuple[int, float]]]) -> None:
    folder, losses = alone
    assert losses[-1][1] < losses[0][1] - 0.3
    report = read_json(folder / "out" / "train.json")
    assert report["steps"] == 30 and report["validation_loss"] < report["first_validation_loss"]
    assert (folder / "out" / "adapter_model.safetensors").exists()
    assert (folder / "progress" / "train.json").exists()
    # The curve that is watched while it learns ends as the one that is kept.
    assert curve(folder / "progress" / "train-curve.csv") == losses


def test_a_killed_run_continues(
    alone: tuple[Path, list[tuple[int, float]]], tiny_base: Path, tiny_dataset: Path, tmp_path: Path
) -> None:
    config, train = job(tiny_base, tiny_dataset, tmp_path)
    arguments = command(write_config(config, tmp_path / "c.json"), 1)
    with subprocess.Popen(
        arguments,
        env=environment(HOME, 1),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        wait_for_a_checkpoint(tmp_path)
        os.killpg(process.pid, signal.SIGKILL)
    # torchrun's processes are out of its group: one that lived on would write into the next run's checkpoints.
    until(lambda: not workers_of(tmp_path / "c.json"))
    assert last_complete(tmp_path / "checkpoints") and not (tmp_path / "out").exists()
    run(config, train, tmp_path)
    report = read_json(tmp_path / "out" / "train.json")
    assert report["resumed_from_step"] > 0
    ends_as(report, alone[0])


def test_two_processes_learn_the_same_as_one_though_one_is_killed_and_replaced(
    alone: tuple[Path, list[tuple[int, float]]], tiny_base: Path, tiny_dataset: Path, tmp_path: Path
) -> None:
    config, train = job(tiny_base, tiny_dataset, tmp_path, processes=2)
    with ThreadPoolExecutor() as threads:
        running = threads.submit(run, config, train, tmp_path)
        wait_for_a_checkpoint(tmp_path)
        workers_of(tmp_path / "c.json")[-1].kill()
        losses = running.result()
    report = read_json(tmp_path / "out" / "train.json")
    assert report["restarts"] == 1 and report["resumed_from_step"] > 0 and report["processes"] == 2
    # A global batch is the same four examples, spread over two processes.
    for (at, one), (step, two) in zip(alone[1], losses, strict=True):
        assert step == at and two == pytest.approx(one, rel=0.05)
    ends_as(report, alone[0])


def test_packed_rows_are_learned_from(tiny_base: Path, tiny_dataset: Path, tmp_path: Path) -> None:
    config, train = job(tiny_base, tiny_dataset, tmp_path, packed_tokens=128, batch_size=1)
    losses = run(config, train, tmp_path)
    report = read_json(tmp_path / "out" / "train.json")
    # A step is a row now, and a row holds more than one of the 18 examples.
    assert report["steps"] < 6 * 18
    assert losses[-1][1] < losses[0][1] - 0.3 and report["step_seconds"] > 0


@pytest.mark.parametrize("gone", [False, True])
def test_a_training_ends_with_the_stage_that_started_it(tiny_dataset: Path, tmp_path: Path, gone: bool) -> None:
    with subprocess.Popen(["sleep", "0"]) as dead:
        pass
    config = write_config(job(tmp_path / "no-such-model", tiny_dataset, tmp_path)[0], tmp_path / "c.json")
    stage = dead.pid if gone else os.getpid()
    ended = subprocess.run(
        [sys.executable, "-m", MODULE, "--config", str(config)], env={**environment(HOME, 1), LAUNCHER: str(stage)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert (ended.returncode == ORPHANED) is gone


def wait_for_a_checkpoint(folder: Path) -> None:
    until(lambda: last_complete(folder / "checkpoints") is not None)


def until(true: Callable[[], bool]) -> None:
    deadline = time.time() + 600
    while not true():
        assert time.time() < deadline
        time.sleep(0.02)


def workers_of(config: Path) -> list[psutil.Process]:
    """The training processes of this config, without the torchrun that watches them."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if str(config) in words and MODULE in words and "torch.distributed.run" not in words:
                found.append(process)
    return found


def ends_as(report: dict[str, float], whole: Path) -> None:
    """The same number of steps and the same held-out loss, within one in a hundred, as an undisturbed run."""
    expected = read_json(whole / "out" / "train.json")
    assert report["steps"] == expected["steps"]
    assert report["validation_loss"] == pytest.approx(expected["validation_loss"], rel=0.01)


def test_a_failure_shows_its_last_words(tiny_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin.training.launch.RESTARTS", 0)
    config, train = job(tmp_path / "no-such-model", tiny_dataset, tmp_path)
    with pytest.raises(TrainingError, match="no-such-model"):
        run(config, train, tmp_path)
