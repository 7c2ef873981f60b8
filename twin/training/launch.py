"""How training processes are started on this machine: torchrun, with its environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from twin import lifeline
from twin.errors import TrainingError

MODULE = "twin.training.sft"
# A process that dies takes its peers with it; so often all begin anew from the last whole checkpoint.
RESTARTS = 2
# Names the process that started the training; the training ends when that is gone.
LAUNCHER = "TWIN_LAUNCHER"
# Names the folder of the part that DeepSpeed compiles.
_EXTENSIONS = "TORCH_EXTENSIONS_DIR"
# A traceback's last line; torchrun prints a long report of its own after it.
_ERROR = re.compile(r"^(?:\[rank\d+\]: )?([\w.]*(?:Error|Exception|Killed|Interrupt)\b.*)$", re.MULTILINE)


def workers(processes: int) -> list[str]:
    """torchrun's arguments, the same here and on every node of the cluster's TrainJob."""
    return ["--nproc-per-node", str(processes), "--max-restarts", str(RESTARTS), "-m", MODULE]


def command(config: Path, processes: int) -> list[str]:
    """The command line on this machine."""
    return [
        sys.executable, "-m", "torch.distributed.run", "--standalone", *workers(processes), "--config", str(config),
    ]  # fmt: skip


def environment(home: Path, processes: int) -> dict[str, str]:
    """The children's environment: cores shared among processes, DeepSpeed's one compiled part kept under `home`."""
    cores = len(os.sched_getaffinity(0))
    return {
        **os.environ,
        LAUNCHER: str(os.getpid()),
        "OMP_NUM_THREADS": str(max(1, cores // processes)),
        # One spelling of the place for all who build there: `_unlock` asks for it.
        _EXTENSIONS: str((home / "torch_extensions").resolve()),
        "TOKENIZERS_PARALLELISM": "false",
        # The compiler's helper (ninja) lies beside this interpreter, which need not be on PATH.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYTHONWARNINGS": "ignore",
        # Waiting threads sleep: spinning ones starve the page and the predictor on a machine of few cores.
        "OMP_WAIT_POLICY": "passive",
    }


def end_with_those_who_started_it() -> None:
    """End this process soon after torchrun or the stage is gone, killed without a chance to say so.

    torchrun gives each process a session of its own: an orphan would train on, into the checkpoints of the next run.
    """
    import psutil

    parent, launcher = os.getppid(), int(os.environ.get(LAUNCHER, "0"))
    lifeline.last_while(lambda: os.getppid() == parent and (not launcher or psutil.pid_exists(launcher)))


def launch(arguments: Sequence[str], env: dict[str, str], log: Path) -> None:
    """Run to the end; progress lines pass through, the rest goes to `log`. Raises TrainingError with its last lines."""
    log.parent.mkdir(parents=True, exist_ok=True)
    _unlock(env.get(_EXTENSIONS, ""))
    # Training must leave room for the page and the predictor: they answer a person, it does not.
    with (
        open(log, "w", encoding="utf-8", buffering=1) as file,
        subprocess.Popen(
            ["nice", "-n", "10", *arguments], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                file.write(line)
                if line.startswith(("…", "✓", "✗")):
                    print(line, end="", file=sys.stderr, flush=True)
            code = process.wait()
        except BaseException:
            process.terminate()
            raise
    if code:
        raise TrainingError(
            f"training stopped with code {code}",
            last_words(log.read_text(encoding="utf-8")),
            f"The whole log is {log}; run again to continue.",
        )


def _unlock(extensions: str) -> None:
    """Take away the lock of a build that was killed: every later training would wait for it, for ever."""
    import psutil

    for lock in Path(extensions).glob("*/lock") if extensions else ():
        # Whoever builds there was told where; a process of somebody else's can't be asked, and does not build here.
        told = (p.info["environ"] or {} for p in psutil.process_iter(["environ"]) if p.pid != os.getpid())
        if not any(environ.get(_EXTENSIONS) == extensions for environ in told):
            lock.unlink(missing_ok=True)


def torchrun(job: Path, home: Path, processes: int, log: Path) -> None:
    """Run the training job of a config's file to its end on this machine, as `launch` does."""
    launch(command(job, processes), environment(home, processes), log)


def last_words(log: str) -> str:
    """Why a run failed: the last error that one of its processes printed, else the log's last lines."""
    found = [match for match in _ERROR.findall(log) if "ChildFailedError" not in match]
    return found[-1].strip()[:800] if found else " / ".join(x for x in log.splitlines()[-6:] if x.strip())[-800:]
