"""Containers by podman as the cluster has them: read-only root, no capabilities, user 1000, a memory limit.

ENGINE is podman with its options, TAG the images' tag.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from tempfile import gettempdir

ENGINE = shlex.split(os.environ.get("ENGINE", "podman"))
TAG = os.environ.get("TAG", "e2e")
NET = PREFIX = "twin-e2e"
LOCKED = [
    "--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--user=1000:1000", "--network", NET,
    "--tmpfs=/tmp:rw,size=2g,mode=1777", "--shm-size=512m",
]  # fmt: skip
_ASK = """
import sys, urllib.request as u
body = sys.argv[2].encode() if len(sys.argv) > 2 else None
print(u.urlopen(u.Request(sys.argv[1], body, {"Content-Type": "application/json"}), timeout=180).read().decode())
"""


def engine(*arguments: str, check: bool = True, given: str | None = None) -> str:
    """Run the container engine, `given` on its standard input; what it printed. Ends the program on failure."""
    # conmon leaves a file `oom` where it was started when a container ran out of memory.
    done = subprocess.run([*ENGINE, *arguments], capture_output=True, text=True, input=given, cwd=gettempdir())
    if check and done.returncode:
        sys.exit(f"{' '.join(arguments[:3])} … failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout.strip()


def succeeds(*arguments: str) -> bool:
    """Whether the container engine's command ends with 0."""
    return subprocess.run([*ENGINE, *arguments], capture_output=True).returncode == 0


def image(name: str) -> str:
    """An image of ours as the engine's storage names it."""
    return f"localhost/{name}:{TAG}"


def started(name: str, of: str, command: list[str], *options: str, memory: str = "3g") -> str:
    """Start a container and leave it running; its address."""
    engine("run", "-d", "--name", f"{PREFIX}-{name}", *LOCKED, "--memory", memory, *options, image(of), *command)
    return address(f"{PREFIX}-{name}")


def address(container: str) -> str:
    """A container's address in our network."""
    return engine("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container)


def ran(of: str, command: list[str], *options: str, memory: str = "4g") -> str:
    """Run a container to its end; its standard output."""
    return engine("run", "--rm", *LOCKED, "--memory", memory, *options, image(of), *command)


def asked(container: str, url: str, body: str | None = None) -> str:
    """What `url` answers when the Python of a container asks: this machine need not reach the containers' network."""
    return engine("exec", container, "python", "-c", _ASK, url, *([body] if body is not None else []))


def answers(container: str, url: str) -> bool:
    """Whether `url` answers 200 when the Python of a container asks."""
    return succeeds("exec", container, "python", "-c", _ASK, url)


def resident(container: str) -> int:
    """Bytes of memory a container's processes hold, mapped files (model weights) included, other cached files not."""
    stat = "cat /sys/fs/cgroup/memory/memory.stat 2>/dev/null || cat /sys/fs/cgroup/memory.stat"
    text = engine("exec", container, "sh", "-c", stat, check=False)
    counts = dict(line.split() for line in text.splitlines())
    ours = ("total_rss", "total_mapped_file") if "total_rss" in counts else ("anon", "file_mapped")
    return sum(int(counts.get(name, 0)) for name in ours)


def memory_kills(container: str) -> int:
    """How many of a container's processes were killed for memory."""
    control = "cat /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null || cat /sys/fs/cgroup/memory.events"
    counts = dict(line.split() for line in engine("exec", container, "sh", "-c", control).splitlines())
    return int(counts["oom_kill"])


def megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"


def until(what: str, ready: Callable[[], bool], seconds: float = 300) -> float:
    """Seconds until `ready`; ends the program when it takes longer than `seconds`."""
    began = time.monotonic()
    while not ready():
        if time.monotonic() - began > seconds:
            logs = [f"== {name}\n{said(name)}" for name in names()]
            sys.exit(f"{what} was not ready within {seconds:.0f} s\n" + "\n".join(logs))
        time.sleep(0.3)
    return time.monotonic() - began


def demand(held: bool, found: object) -> None:
    """End the program with what was found when something does not hold."""
    if not held:
        sys.exit(f"not as it should be: {found}")


def names() -> list[str]:
    """Our containers, running or ended."""
    return engine("ps", "-a", "--format", "{{.Names}}", "--filter", f"name={PREFIX}-").split()


def said(container: str, lines: int = 15) -> str:
    """The last lines a container printed, both streams."""
    done = subprocess.run([*ENGINE, "logs", "--tail", str(lines), container], capture_output=True, text=True)
    return done.stdout + done.stderr


def locked_down(container: str) -> None:
    """End the program unless the running container is user 1000 without any right and can't write to its root."""
    script = "id -u; touch /app/x 2>&1; grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/1/status | cut -f2"
    found = engine("exec", container, "sh", "-c", script).splitlines()
    rights_none = ["0" * 16, "0" * 16, "1"]
    demand(found[:1] == ["1000"] and "Read-only" in found[1] and sorted(found[2:]) == sorted(rights_none), found)
