"""Starting a training: what a killed one left behind does not stop the next."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from twin.training.launch import environment, launch


@pytest.mark.parametrize("building", [False, True])
def test_the_lock_of_a_killed_build_goes_and_that_of_a_living_one_stays(tmp_path: Path, building: bool) -> None:
    env = environment(tmp_path, 1)
    lock = tmp_path / "torch_extensions" / "deepspeed_shm_comm" / "lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"], env=env if building else dict(os.environ),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as other:  # fmt: skip
        assert other.stdout and other.stdout.readline()
        launch([sys.executable, "-c", ""], env, tmp_path / "log")
        assert lock.exists() is building
        other.communicate(b"\n")
