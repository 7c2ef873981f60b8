"""The sample author's loopback site, running for as long as its sources are read."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twin.errors import SourceError
from twin.settings import Settings

_START_SECONDS = 30.0


@contextmanager
def sample_site(settings: Settings) -> Iterator[str]:
    """Start `examples.site` on a free port and yield its base URL; raises SourceError with its words when it fails."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        ready = Path(folder) / "ready"
        process = subprocess.Popen(
            [sys.executable, "-m", "examples.site", "--port", "0", "--ready-file", str(ready)],
            stdout=log, stderr=subprocess.STDOUT, cwd=settings.root,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + _START_SECONDS
            while not (ready.exists() and ready.read_text(encoding="utf-8").strip()):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    last = log.read().decode("utf-8", "replace").strip().splitlines()[-1:]
                    raise SourceError(
                        "the sample site did not start",
                        "".join(last) or "no answer",
                        "Run `python -m examples.site` to see why.",
                    )
                time.sleep(0.05)
            yield ready.read_text(encoding="utf-8").strip().rstrip("/")
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
