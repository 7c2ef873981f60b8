"""A pipeline's end reaches the webhook, and a webhook that is away changes nothing."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from twin.cluster.notify import notify


def test_the_webhook_is_told_what_ended_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None: ...

        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/hook"
        assert notify(url, "training", "ada", "FAILED", "out of memory", "run-7")
        server.shutdown()
    (body,) = told
    assert body["text"] == "twin training of ada: failed (out of memory)" and body["run"] == "run-7"
    assert body["text"] in capsys.readouterr().err


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9/", "not a url"])
def test_nobody_to_tell_is_no_error(url: str) -> None:
    assert notify(url, "training", "ada", "SUCCEEDED", "", "run-7") is False
