"""A stack is up for as long as its supervisor lives, and not a moment longer."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from twin.errors import StackError
from twin.files import write_json
from twin.local import presence
from twin.local.processes import stop_stack

HOLD = (
    "import pathlib, sys, time\nfrom twin.local import presence\n"
    "with presence.held(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(600)"
)


def test_it_is_up_while_its_supervisor_lives_however_that_ends(tmp_path: Path) -> None:
    assert presence.holder(tmp_path) is None
    supervisor = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE)
    assert supervisor.stdout is not None
    try:
        supervisor.stdout.readline()
        assert presence.holder(tmp_path) == supervisor.pid
        with pytest.raises(StackError, match="another command"), presence.held(tmp_path):
            pass
    finally:
        supervisor.kill()
        supervisor.wait()
    assert presence.holder(tmp_path) is None
    with presence.held(tmp_path):
        assert presence.holder(tmp_path) is not None
    assert not (tmp_path / presence.RECORD).exists()


def test_a_record_whose_number_is_another_programs_by_now_ends_nobody(tmp_path: Path) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        write_json(tmp_path / presence.RECORD, {"pid": bystander.pid, "started": time.time()})
        assert presence.holder(tmp_path) is None
        assert stop_stack(tmp_path) == 0
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
