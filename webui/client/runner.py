"""The process that carries a job: runs its commands one after another, logs them and writes how it ended.

Started by `webui.client.jobs.start` as `python -m webui.client.runner JOB.json`. It outlives the web server. The
inherited lock stays held for as long as this process lives, so no state file can claim a job that is gone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from twin.files import read_json, write_json

_GRACE_SECONDS = 15


def run(job_file: Path) -> int:
    """Run the job's commands until one fails; returns the exit code that was written down."""
    job: dict[str, Any] = read_json(job_file) | {"pid": os.getpid()}
    write_json(job_file, job)
    stopped: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.append(number)

    signal.signal(signal.SIGTERM, stop)
    code = 0
    with open(job["log"], "ab", buffering=0) as log:
        for command in job["commands"]:
            log.write(f"$ {' '.join(command)}\n".encode())
            code = _one(command, Path(job["cwd"]), log, stopped)
            if code or stopped:
                break
    state = "stopped" if stopped else ("failed" if code else "done")
    write_json(job_file, job | {"state": state, "exit_code": code, "ended_at": time.time()})
    return code


def _one(command: list[str], cwd: Path, log: Any, stopped: list[int]) -> int:
    # The venv's programs come first, so that what `dvc.yaml` calls is found without an activated environment.
    wrapped = ["sh", "-c", 'PATH="$0:$PATH" exec "$@"', str(Path(sys.executable).parent), *command]
    try:
        child = subprocess.Popen(wrapped, cwd=cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    except OSError as error:
        log.write(f"{command[0]}: {error}\n".encode())
        return 127
    deadline = 0.0
    while child.poll() is None:
        if stopped and not deadline:
            deadline = time.monotonic() + _GRACE_SECONDS
            child.terminate()
        if deadline and time.monotonic() > deadline:
            child.kill()
        time.sleep(0.1)
    return int(child.returncode)


if __name__ == "__main__":
    # At once: a tidy exit takes so long that the next job, started when this one says it is done, finds the lock held.
    os._exit(run(Path(sys.argv[1])))
