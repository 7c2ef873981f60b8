"""What was collected once stays, whatever the pipeline and the source do later."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest

REPOSITORY = Path(__file__).parents[2]
PARAMS = """
author: {{id: ann, name: Ann Lee}}
sources: [{{kind: rss, url: "{url}/feed.xml"}}]
collect: {{allow_loopback: true}}
"""


@pytest.fixture
def feed() -> Iterator[tuple[str, list[int]]]:
    """A feed's address, and the numbers of the posts that it shows; none: it is gone."""
    shown: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == "/feed.xml" and bool(shown)
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/rss+xml")
            self.end_headers()
            items = "".join(
                f"<item><title>Post {n}</title><guid>{n}</guid><description>{f'Words of post {n}. ' * 20}</description></item>"
                for n in shown
            )
            self.wfile.write(f'<rss version="2.0"><channel>{items}</channel></rss>'.encode())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", shown
        server.shutdown()


@pytest.fixture
def project(tmp_path: Path, feed: tuple[str, list[int]]) -> Path:
    """This project's own pipeline, for an author with a feed."""
    shutil.copytree(REPOSITORY / "twin", tmp_path / "twin", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "dvc.yaml", tmp_path)
    (tmp_path / "params.yaml").write_text(PARAMS.format(url=feed[0]))
    (tmp_path / "data" / "ann" / "inbox").mkdir(parents=True)
    dvc(tmp_path, "init", "--no-scm", "-q")
    return tmp_path


def dvc(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run DVC in a project."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("TWIN_", "DATABASE_URL"))}
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", "")])
    env["PYTHONPATH"] = str(root)
    return subprocess.run(
        [sys.executable, "-m", "dvc", *arguments], cwd=root, env=env, capture_output=True, text=True, timeout=300
    )


@pytest.mark.slow
def test_a_text_that_its_source_no_longer_shows_stays_through_dvc_and_through_a_failed_run(
    project: Path, feed: tuple[str, list[int]]
) -> None:
    shown, collect = feed[1], ("repro", "--force", "--single-item", "collect")
    kept = project / "data" / "ann" / "raw" / "documents.parquet"
    shown += [1, 2]
    assert dvc(project, *collect).returncode == 0
    assert len(pd.read_parquet(kept)) == 2
    shown.clear()
    assert dvc(project, *collect).returncode != 0
    assert len(pd.read_parquet(kept)) == 2, "a run that fails takes nothing away"
    shown += [2, 3]
    assert dvc(project, *collect).returncode == 0
    assert sorted(pd.read_parquet(kept)["title"]) == ["Post 1", "Post 2", "Post 3"]
