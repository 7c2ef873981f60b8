"""A worker of two is killed while it learns: torchrun starts both again, and they end where nobody was killed."""

import contextlib
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from twin.files import read_json
from twin.params import Train
from twin.training.launch import MODULE, command, environment
from twin.training.sft import SftConfig, last_complete, write_config

HOME = Path(__file__).parents[3] / ".twin"
TRAIN = Train(
    processes=2, epochs=6.0, batch_size=4, micro_batch_size=2, rank=4, alpha=8, learning_rate=0.02, patience=20
)


def job(base: Path, dataset: Path, folder: Path) -> list[str]:
    """The command of the train stage, told to start workers anew up to twice."""
    config = SftConfig(
        base=str(base), dataset=str(dataset), out=str(folder / "out"), checkpoints=str(folder / "checkpoints"),
        progress=str(folder / "progress"), max_tokens=128, train=TRAIN.model_dump(mode="json"),
    )  # fmt: skip
    started = command(write_config(config, folder / "c.json"), 2)
    at = started.index("--nproc-per-node")
    return [*started[:at], "--max-restarts", "2", *started[at:]]


def workers(agent: psutil.Process) -> list[psutil.Process]:
    """The training processes below torchrun."""
    found = []
    for child in agent.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if MODULE in child.cmdline() and "torch.distributed.run" not in child.cmdline():
                found.append(child)
    return found


@pytest.mark.slow
def test_a_killed_worker_costs_time_and_nothing_else(tiny_base: Path, tiny_dataset: Path, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    env = environment(HOME, 2)
    whole.mkdir()
    subprocess.run(job(tiny_base, tiny_dataset, whole), env=env, check=True, capture_output=True)

    broken.mkdir()
    with open(broken / "log", "w") as log, subprocess.Popen(
        job(tiny_base, tiny_dataset, broken), env=env, stdout=log, stderr=log
    ) as agent:  # fmt: skip
        until = time.monotonic() + 240
        while last_complete(broken / "checkpoints") is None and time.monotonic() < until:
            assert agent.poll() is None, (broken / "log").read_text()[-2000:]
            time.sleep(0.02)
        first = workers(psutil.Process(agent.pid))
        assert len(first) == 2 and not (broken / "out").exists()
        first[1].kill()
        assert agent.wait(240) == 0, (broken / "log").read_text()[-2000:]

    losses = [read_json(folder / "out" / "train.json")["validation_loss"] for folder in (whole, broken)]
    assert losses[1] == pytest.approx(losses[0], rel=0.01)
    assert read_json(broken / "out" / "train.json")["processes"] == 2
