"""What is tied to a process ends with it."""

import subprocess
import sys

import psutil

STARTER = """
import subprocess, sys, time
from twin import lifeline
tied = "import time; from twin import lifeline; lifeline.follow(); print('up', flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", tied], env=lifeline.tied(), stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""


def test_a_child_ends_when_its_parent_is_killed_and_not_before() -> None:
    starter = subprocess.Popen([sys.executable, "-c", STARTER], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    child = psutil.Process(int(starter.stdout.readline()))
    assert child.is_running() and child.status() != psutil.STATUS_ZOMBIE
    starter.kill()
    starter.wait()
    gone, _ = psutil.wait_procs([child], timeout=60)
    assert gone or child.status() == psutil.STATUS_ZOMBIE


def test_who_is_tied_to_nobody_lives_on() -> None:
    free = "from twin import lifeline; lifeline.follow(); import time; time.sleep(1.5); print('still here')"
    done = subprocess.run([sys.executable, "-c", free], capture_output=True, text=True)
    assert done.stdout == "still here\n"
