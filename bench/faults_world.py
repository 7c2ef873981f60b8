"""A small author's project in a scratch folder for the fault runs: a site that answers, a tiny model, commands."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from bench import tiny
from twin.files import write_json, write_text
from twin.workspace import Workspace

AUTHOR = "ann"
REPOSITORY = Path(__file__).parents[1]
POSTS = 24
_PARAMS = """\
author: {{id: ann, name: Ann Lee}}
sources:
  - {{kind: blog, url: "{url}/"}}
  - {{kind: files, path: texts}}
collect: {{allow_loopback: true}}
validate: {{min_words: 1}}
train: {{base_model: "{base}", epochs: 6, batch_size: 4, micro_batch_size: 2, rank: 4, alpha: 8}}
"""


@dataclass(slots=True)
class Project:
    """The scratch project; `shown` are the numbers of the posts that its site shows now."""

    root: Path
    shown: list[int]
    env: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """Where the database, the registry and the drafts lie."""
        return self.root / ".twin"

    @property
    def space(self) -> Workspace:
        """Where the stages' outputs lie."""
        return Workspace(self.root, AUTHOR)

    def url(self, part: str) -> str:
        """The address of predictor, endpoint or webui."""
        return f"http://127.0.0.1:{self.env[f'TWIN_{part.upper()}_PORT']}"

    def start(self, *arguments: str, **how: Any) -> subprocess.Popen[str]:
        """Run a module of this project's code on the scratch project, in a session of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", *arguments], env=self.env, cwd=REPOSITORY, start_new_session=True, text=True,
            stdin=subprocess.DEVNULL, **how,
        )  # fmt: skip


@contextlib.contextmanager
def project(learning: bool = True, extensions: Path | None = None) -> Iterator[Project]:
    """Make everything, for `learning` a model and examples, too.

    `extensions` is a folder with DeepSpeed's compiled part (else it is compiled: a minute).
    """
    root = Path(tempfile.mkdtemp(prefix="twin-faults-"))
    shown = list(range(POSTS))
    try:
        with _site(shown) as url:
            made = Project(root, shown)
            base = tiny.base(root / "base", [_text(number) for number in range(40)]) if learning else "bundled"
            write_text(root / "params.yaml", _PARAMS.format(url=url, base=base))
            for number in range(12):
                write_text(made.space.inbox / "texts" / f"{number}.md", _text(1000 + number))
            if learning:
                tiny.dataset(made.space.dataset, [_text(n)[:120] for n in range(len(tiny.SPLITS))], "About day {}")
            if extensions is not None:
                shutil.copytree(extensions, made.home / "torch_extensions")
            plain = {k: v for k, v in os.environ.items() if not k.startswith(("TWIN_", "DATABASE_URL", "MLFLOW_"))}
            ports = {f"TWIN_{part}_PORT": str(free_port()) for part in ("PREDICTOR", "ENDPOINT", "WEBUI")}
            places = {"TWIN_ROOT": str(root), "TWIN_HOME": str(made.home), "PYTHONPATH": str(REPOSITORY)}
            made.env = {**plain, **ports, **places}
            yield made
    finally:
        shutil.rmtree(root, ignore_errors=True)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def judged(made: Project) -> None:
    """A report that lets the trained adapter pass, as the evaluation would write it."""
    made.space.report.mkdir(parents=True, exist_ok=True)
    write_json(made.space.report / "gate.json", {"promote": True, "reasons": []})
    write_json(made.space.report / "metrics.json", {"bits_per_byte_gain": 0.1})


@contextlib.contextmanager
def _site(shown: list[int]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.strip("/")
            page = None
            if name == "sitemap.xml":
                places = "".join(f"<url><loc>http://{self.headers['Host']}/posts/{n}</loc></url>" for n in shown)
                page = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{places}</urlset>'
            elif name.startswith("posts/") and (number := int(name.rpartition("/")[2])) in shown:
                day = f"2025-{1 + number // 28:02d}-{1 + number % 28:02d}T08:00:00Z"
                head = (
                    f'<head><title>Post {number}</title><meta property="article:published_time" content="{day}"></head>'
                )
                page = (
                    f"<html>{head}<body><article><h1>Post {number}</h1><p>{_text(number)}</p></article></body></html>"
                )
            self.send_response(404 if page is None else 200)
            self.send_header("Content-Type", "application/xml" if name.endswith(".xml") else "text/html")
            self.end_headers()
            self.wfile.write((page or "").encode())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _text(number: int) -> str:
    words = ("tide", "kettle", "queue", "lantern", "deploy", "harbour", "bread", "pager", "fog", "letter")
    said = (
        f"The {words[(number * 7 + n) % 10]} of day {number} met the {words[(number + n * 3) % 10]} again, part {n}."
        for n in range(14)
    )
    return f"# Day {number}\n\n" + " ".join(said)
