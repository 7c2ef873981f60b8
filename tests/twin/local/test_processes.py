"""The stack's processes are watched and stopped to the last descendant."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from twin.errors import PortTaken
from twin.local.processes import Child, stop_stack
from twin.local.stack import _check_ports
from twin.settings import Settings

PARENT = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); print('up'); time.sleep(60)"


def test_down_finds_what_a_killed_supervisor_left(tmp_path: Path) -> None:
    child = Child("some service", ["-c", PARENT], {"TWIN_STACK": str(tmp_path)}, tmp_path, None).start()
    assert child.process is not None
    parent = psutil.Process(child.process.pid)
    for _ in range(100):
        if parent.children():
            break
        time.sleep(0.05)
    family = [parent, *parent.children()]
    assert stop_stack(tmp_path) == 2
    child.process.wait(5)
    assert not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in family)


def test_a_service_that_dies_is_started_again_and_nobody_waits_for_it(tmp_path: Path) -> None:
    child = Child("a service", ["-c", "import time; time.sleep(60)"], {}, tmp_path, None).start()
    assert child.process is not None
    former = child.process
    former.kill()
    former.wait()
    began = time.monotonic()
    assert child.revive(), "said once"
    assert not child.revive(), "and then waited for"
    assert time.monotonic() - began < child.pause
    until = time.monotonic() + 60
    while child.process is former:
        assert time.monotonic() < until
        assert not child.revive()
        time.sleep(0.05)
    assert child.code() is None
    child.process.kill()
    child.process.wait()


def test_a_service_runs_though_its_log_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a-service.log").mkdir()  # as on a read-only disk: no such file can be opened
    child = Child("a service", ["-c", "print('x' * 1_000_000)"], {}, tmp_path, None, echo=True).start()
    assert child.process is not None
    assert child.process.wait(60) == 0


def test_adopted_processes_that_ended_are_buried_and_our_own_are_left(tmp_path: Path) -> None:
    program = (
        "import os, subprocess, sys, time\n"
        "from pathlib import Path\n"
        "from twin.local.processes import Child, adopt_orphans, bury\n"
        "adopt_orphans()\n"
        "own = Child('own', ['-c', ''], {}, Path(sys.argv[1]), None).start()\n"
        "orphan = 'import subprocess, sys; subprocess.Popen([sys.executable, chr(45) + chr(99), str()])'\n"
        "subprocess.run([sys.executable, '-c', orphan])\n"
        "until, buried = time.monotonic() + 60, 0\n"
        "while not buried and time.monotonic() < until: buried += bury([own]); time.sleep(0.05)\n"
        "print(buried, own.process.wait(60))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["1", "0"], done.stderr


def test_another_stack_is_left_alone(tmp_path: Path) -> None:
    other = Child("other", ["-c", "import time; time.sleep(60)"], {"TWIN_STACK": "elsewhere"}, tmp_path, None).start()
    try:
        assert stop_stack(tmp_path) == 0
        assert other.code() is None
    finally:
        assert other.process is not None
        other.process.kill()
        other.process.wait()


def test_last_words_are_kept(tmp_path: Path) -> None:
    child = Child(
        "a service", ["-c", "import sys; print('first'); sys.exit('no more room')"], {}, tmp_path, None
    ).start()
    assert child.process is not None
    child.process.wait(20)
    assert child.last_words() == "first / no more room" and child.code() == 1


def test_a_taken_port_is_named_with_its_setting(settings: Settings) -> None:
    import socket
    from dataclasses import replace

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"{port}.*TWIN_WEBUI_PORT"):
            _check_ports(replace(settings, webui_port=port))


def test_help_is_quick_and_lists_the_stages() -> None:
    done = subprocess.run([sys.executable, "-m", "twin", "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    for stage in ("init", "collect", "prepare", "features", "dataset", "train", "evaluate", "register", "up", "down"):
        assert f"\n    {stage}" in done.stdout
