"""The whole journey without a network, in a namespace that has no route: `python -m bench.offline` (Linux, root)."""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from twin.local.processes import Child

_TEXTS = Path(__file__).parents[1] / "twin" / "evaluation" / "impostors" / "brock-anselmi.md"
_QUICK = "\ntrain: {epochs: 0.2, token_budget: 3000}\nvalidate: {min_words: 500}\n"
STAGES = ("collect", "prepare", "features", "dataset", "train")
_READY_SECONDS = 300.0
_ENVIRONMENT = (
    "DATABASE_URL",
    "MLFLOW_TRACKING_URI",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
    "ALL_PROXY",
)


def available() -> str:
    """Why no namespace without a network can be made here; empty when one can."""
    if not shutil.which("unshare") or not shutil.which("ip"):
        return "the programs unshare and ip are not installed"
    made = subprocess.run(
        ["unshare", "-n", "ip", "link", "set", "lo", "up"], capture_output=True, text=True, check=False
    )
    return "" if made.returncode == 0 else f"this user may not make a network namespace ({made.stderr.strip()})"


def cut_off(root: Path, *options: str, timeout: float = 900) -> str:
    """Run the journey in `root` inside a namespace with nothing but loopback; what it printed. Raises RuntimeError."""
    inside = [sys.executable, "-m", "bench.offline", "--inside", str(root), *options]
    script = 'ip link set lo up && exec "$@"'
    env = {k: v for k, v in os.environ.items() if k not in _ENVIRONMENT}
    done = subprocess.run(
        ["unshare", "-n", "sh", "-c", script, "sh", *inside], capture_output=True, text=True, timeout=timeout, env=env,
        check=False, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{done.stdout[-1500:]}\n{done.stderr[-1500:]}")
    return done.stdout


def journey(root: Path, stages: tuple[str, ...], write: bool) -> None:
    """Hand in a folder of texts, run the stages, and, if `write`, have a draft written by what was learned."""
    _alone()
    texts = root / "texts"
    texts.mkdir(parents=True)
    parts = [part for part in _TEXTS.read_text(encoding="utf-8").split("\n=====\n") if part.strip()]
    for number, part in enumerate(parts):
        (texts / f"2024-01-{number % 28 + 1:02}-{number}.md").write_text(part, encoding="utf-8")
    os.environ |= {"TWIN_ROOT": str(root), "TWIN_HOME": str(root / ".twin")}
    _twin("init", "--author", "Brock Anselmi", "--from", str(texts))
    with open(root / "params.yaml", "a", encoding="utf-8") as params:
        params.write(_QUICK)
    for stage in stages:
        _twin(stage)
    if write:
        _draft(root)


def _alone() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(3)
        code = probe.connect_ex(("192.0.2.1", 80))
    if code == 0 or "eth" in Path("/proc/net/route").read_text():
        raise RuntimeError("this is no namespace without a route")


def _twin(*arguments: str) -> str:
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "twin.cli", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"twin {' '.join(arguments)}: {done.stderr[-1200:]}")
    print(f"| twin {arguments[0]} | {time.monotonic() - began:.1f} |", flush=True)
    return done.stdout


def _draft(root: Path) -> None:
    from twin import settings as environment
    from twin.local import postgres

    settings = environment.load()
    logs = root / "logs"
    logs.mkdir()
    with postgres.running(settings) as url:
        env = {"DATABASE_URL": url}
        children = [
            Child("predictor", ["-m", "twin.serving.predictor"], env, logs, f"{settings.predictor_url}/health"),
            Child(
                "transformer", ["-m", "twin.serving.transformer"], env, logs, f"{settings.endpoint_url}/v2/health/ready"
            ),
        ]
        try:
            until = time.monotonic() + _READY_SECONDS
            for child in children:
                child.start()
            while not all(child.ready() for child in children):
                if time.monotonic() > until or any(child.code() is not None for child in children):
                    raise RuntimeError("; ".join(child.last_words() for child in children))
                time.sleep(0.2)
            words = _twin("write", "why tomatoes want less water than people think")
            print(f"\n{len(words.split())} words were written.", flush=True)
        finally:
            for child in children:
                if child.process is not None:
                    child.process.terminate()
                    child.process.wait(30)


def main() -> int:
    """Print each step's seconds; 2 and a word where no namespace can be made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--stages", default=",".join(STAGES), help="those to run; a draft is written after the last")
    args = parser.parse_args()
    stages = tuple(args.stages.split(","))
    if args.inside:
        journey(args.inside, stages, write="train" in stages)
        return 0
    if why := available():
        print(f"not run: {why}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="twin-offline-") as folder:
        print("| step, with no network | seconds |\n|---|---|")
        print(cut_off(Path(folder) / "root", "--stages", args.stages, timeout=3000), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
