"""How long `make up` takes when everything is built: `python -m bench.startup` starts the stack, waits for the page, stops it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from twin.settings import load


def main() -> None:
    """Print the seconds from the command to the page, to a ready endpoint, and from Ctrl-C to the end."""
    settings = load()
    page = f"http://127.0.0.1:{settings.webui_port}/healthz"
    ready = f"{settings.endpoint_url}/v2/health/ready"
    began = time.monotonic()
    up = [sys.executable, "-m", "twin", "up", "--no-train", "--no-browser"]
    with subprocess.Popen(up, env=os.environ, cwd=Path(__file__).parents[1]) as process:
        for name, url in (("the page", page), ("the endpoint", ready)):
            while not _answers(url):
                if process.poll() is not None:
                    sys.exit(f"twin up ended with code {process.returncode}")
                time.sleep(0.1)
            print(f"{name}: {time.monotonic() - began:.1f} s")
        stopping = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.wait(60)
    print(f"stopping: {time.monotonic() - stopping:.1f} s")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


if __name__ == "__main__":
    main()
