"""Planted secrets: each real part is made to fail with one, and no log, trace, answer, error or file may hold it."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from twin import redact, tracing
from twin.errors import TwinError
from twin.files import write_json
from twin.progress import Progress

PLANTED = "Zk9-Planted_Secret-77q"
PARAMS = "author: {id: ada, name: Ada Reed}\n"


@pytest.mark.parametrize(
    "said",
    [
        f"postgresql://twin:{PLANTED}@db:5432/twin", f"postgresql://twin:a@{PLANTED}@db/twin", f"https://u:{PLANTED}@h/simple",
        f"Authorization: Bearer {PLANTED}", f"{{'Authorization': 'Bearer {PLANTED}'}}", f"bearer {PLANTED} is wrong",
        f"X-Api-Key: {PLANTED}", f"host=db password={PLANTED} user=twin", f'{{"password": "{PLANTED}"}}',
        f"GET /x?token={PLANTED}&y=1", f"/x?a=1&api_key={PLANTED}", f"client_secret={PLANTED}&grant_type=x",
        "ghp_ZkPlantedSecret77qqqqqqqqqq", "github_pat_ZkPlantedSecret77qqqqqqqq_q", "hf_ZkPlantedSecret77qqqqqqqqqq",
        "twin-ZkPlantedSecret77_qqqqqqqqqqqqqq",
    ],
)  # fmt: skip
def test_what_has_the_shape_of_a_secret_is_struck(said: str) -> None:
    assert "Planted" not in redact.struck(said) and redact.MARK in redact.struck(said)


@pytest.mark.parametrize(
    "said",
    [
        "postgresql://postgres@/postgres?host=%2Ftmp%2Fx", "max_tokens=20000000", "no token: give one with `twin key grant`",
        "a key is needed: send `Authorization: Bearer KEY`", "http://127.0.0.1:8081/v2/health/ready", "key=author_id",
        "twin-predictor-7d9f8b6c5d-abcdefghij-x", "the password is too short", "see a@b.example: it is there", "3:4@5",
    ],
)  # fmt: skip
def test_other_words_stay_as_they_are(said: str) -> None:
    assert redact.struck(said) == said


def test_a_known_secret_is_struck_wherever_it_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(redact, "_known", set())
    redact.learn("plain words / of nobody's shape", "short", "password")
    assert redact.struck("so plain%20words%20%2F%20of%20nobody%27s%20shape!") == "so ***!"
    assert redact.struck("a short password") == "a short password"
    assert "nobody" not in str(TwinError("it failed", "plain words / of nobody's shape", "Try again."))
    with pytest.raises(ValueError), Progress("collect", tmp_path).step("read") as step:
        step.detail = "plain words / of nobody's shape"
        raise ValueError("plain words / of nobody's shape")
    assert "nobody" not in (tmp_path / "collect.json").read_text()


def test_log_records_are_struck_with_their_traces(caplog: pytest.LogCaptureFixture) -> None:
    former = logging.getLogRecordFactory()
    try:
        redact.install()
        redact.install()
        try:
            raise ValueError(f"password={PLANTED}")
        except ValueError:
            logging.getLogger("any").exception("at %s", f"postgresql://u:{PLANTED}@h/d")
        logging.getLogger("any").warning("%d of %s", "no number", f"token={PLANTED}")
        access = ("127.0.0.1:1", "GET", f"/x?token={PLANTED}", "1.1", 200)
        # Not through the logger itself: a server that an earlier test began keeps its records from the root.
        made = logging.getLogger("uvicorn.access").makeRecord(
            "uvicorn.access", logging.INFO, __file__, 1, '%s - "%s %s HTTP/%s" %d', access, None
        )
    finally:
        logging.setLogRecordFactory(former)
    assert PLANTED not in caplog.text and "ValueError: password=***" in caplog.text
    assert made.args == ("127.0.0.1:1", "GET", "/x?token=***", "1.1", 200)  # uvicorn's own formatter takes them apart


def test_spans_are_struck(collector: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "_tracer", None)
    tracing.setup("planted", collector.url)
    span = tracing.begin("one", model=f"Bearer {PLANTED}")
    span.past("two", 0.1, where=f"postgresql://u:{PLANTED}@h/d")
    span.end(f"password={PLANTED}", adapter=f"x?token={PLANTED}")
    tracing.flush()
    sent = [each for service, each in collector.spans if service == "planted"]
    assert {each.name for each in sent} == {"one", "two"} and PLANTED not in str(sent)


@pytest.fixture
def refusing() -> Iterator[str]:
    """A site that refuses everybody and repeats what it was told."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = f"Bad credentials: {self.headers['Authorization']}".encode()
            self.send_response(401, self.headers["Authorization"])
            self.send_header("WWW-Authenticate", self.headers["Authorization"] or "none")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def held(root: Path) -> list[str]:
    """The files that hold the planted secret."""
    return [str(file) for file in root.rglob("*") if file.is_file() and PLANTED.encode() in file.read_bytes()]


def environment(root: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "NICEGUI"))}
    return kept | {"TWIN_ROOT": str(root), "TWIN_HOME": str(root / ".twin"), "MLFLOW_TRACKING_URI": ""} | more


def twin(root: Path, *arguments: str, **more: str) -> str:
    """What the command says; it must fail."""
    command = [sys.executable, "-m", "twin", *arguments]
    done = subprocess.run(command, env=environment(root, **more), capture_output=True, text=True, timeout=120)
    assert done.returncode == 2, done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_a_wrong_token_of_github(tmp_path: Path, refusing: str) -> None:
    source = f"sources: [{{kind: github, user: ann, url: '{refusing}'}}]\ncollect: {{allow_loopback: true}}\n"
    (tmp_path / "params.yaml").write_text(PARAMS + source)
    said = twin(tmp_path, "collect", GITHUB_TOKEN=PLANTED)
    assert "401" in said and PLANTED not in said and held(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://twin:{PLANTED}@127.0.0.1:1/twin", f"postgresql://twin:{PLANTED}@127.0.0.1:x1/twin",
        f"postgresql://twin:{PLANTED}@[::1/twin", f"host=127.0.0.1 port=1 password={PLANTED}", f"hos=x password='{PLANTED}'",
        f"postgresql://127.0.0.1:1/twin?user=twin&password={PLANTED}",
    ],
)  # fmt: skip
def test_a_wrong_address_of_the_database(tmp_path: Path, url: str) -> None:
    (tmp_path / "params.yaml").write_text(PARAMS)
    said = twin(tmp_path, "monitor", DATABASE_URL=url)
    assert "payload log" in said and PLANTED not in said and held(tmp_path) == []


@pytest.mark.slow
def test_the_servers_with_wrong_keys_and_a_database_that_is_away(tmp_path: Path, collector: Any) -> None:
    """The endpoint, the predictor's place empty, and the web interface: asked with a key that is nobody's."""
    (tmp_path / "params.yaml").write_text(PARAMS)
    write_json(tmp_path / ".twin" / "api_keys.json", {"keys": []})
    database = f"postgresql://twin:{PLANTED}@127.0.0.1:1/twin"
    keys = {"TWIN_PREDICTOR_KEY": PLANTED, "TWIN_API_KEY": PLANTED, "TWIN_PREDICTOR_URL": "http://127.0.0.1:1"}
    env = environment(tmp_path, DATABASE_URL=database, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **keys)
    said = ""
    for module, live, asked in (
        ("twin.serving.transformer", "/v2/health/live", "/v1/models/twin:predict"), ("webui.main", "/healthz", "/nothing-here"),
    ):  # fmt: skip
        port = _free_port()
        log = tmp_path / "log"
        with open(log, "w") as out:
            given = ["--http_port", str(port)] if "transformer" in module else []
            started = env | {"TWIN_WEBUI_PORT": str(port)}
            child = subprocess.Popen([sys.executable, "-m", module, *given], env=started, stdout=out, stderr=out)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url + live, child)
            for headers in ({"Authorization": f"Bearer {PLANTED}"}, {"X-Api-Key": PLANTED}, {}):
                for path in (asked, "/v2/health/ready", "/v1/models/twin", "/"):
                    body = {"instances": [{"brief": "tea"}]}
                    for place in (f"{path}?token={PLANTED}", path):
                        for answer in (
                            httpx.post(url + place, json=body, headers=headers, timeout=60),
                            httpx.get(url + place, headers=headers, timeout=60),
                        ):
                            said += f"{answer.status_code} {answer.headers} {answer.text}\n"
            if given:
                (tmp_path / ".twin" / "api_keys.json").unlink()  # no key is asked: now predictor and database are
                time.sleep(1.2)
                chat = {"messages": [{"role": "user", "content": "tea"}]}
                answer = httpx.post(f"{url}/openai/v1/chat/completions", json=chat, timeout=60)
                assert answer.status_code == 503
                said += answer.text
        finally:
            child.terminate()
            child.wait(30)
        assert log.read_text() != "" and PLANTED not in log.read_text(), module
    assert "401" in said and "predictor" in said and PLANTED not in said and held(tmp_path) == []
    assert PLANTED not in str(collector.spans)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, child: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        assert child.poll() is None
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.2)
    raise AssertionError("it does not answer")
