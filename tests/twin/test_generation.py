"""The client of the predictor against a server that behaves well and badly."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from twin.errors import ServingError
from twin.generation import Predictor, payload

ASK = [{"role": "user", "content": "hello"}]


class Answers(BaseHTTPRequestHandler):
    """One canned answer a path, and what was asked."""

    asked: ClassVar[dict[str, Any]] = {}
    status, body = 200, b""

    def do_POST(self) -> None:
        Answers.asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        self.send_response(Answers.status)
        self.send_header("Content-Length", str(len(Answers.body)))
        self.end_headers()
        self.wfile.write(Answers.body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Predictor]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        predictor = Predictor(f"http://127.0.0.1:{http.server_port}")
        yield predictor
        predictor.close()
        http.shutdown()


def answer(body: Any, status: int = 200) -> None:
    Answers.status, Answers.body = status, body if isinstance(body, bytes) else json.dumps(body).encode()


def test_chat_gives_the_text_and_why_it_ended(server: Predictor) -> None:
    answer(
        {"choices": [{"message": {"content": "Hi ⚓\n"}, "finish_reason": "stop"}], "usage": {"completion_tokens": 3}}
    )
    done = server.chat(ASK, "hesk", max_tokens=9, temperature=0.5, seed=7, stop=["END"])
    assert (done.text, done.tokens, done.finish_reason) == ("Hi ⚓\n", 3, "stop")
    asked = Answers.asked
    assert (asked["model"], asked["max_tokens"], asked["seed"], asked["stop"]) == ("hesk", 9, 7, ["END"])
    assert {"min_p", "repetition_penalty"} <= set(asked)


def test_versions_come_with_the_models(server: Predictor) -> None:
    answer({"data": [{"id": "base"}, {"id": "hesk", "version": "4"}]})
    assert server.models() == ["base", "hesk"]
    assert server.versions() == {"base": "", "hesk": "4"}


def test_a_refusal_says_the_reason_and_the_address(server: Predictor) -> None:
    answer({"error": {"message": "there is no model 'x'"}}, 404)
    with pytest.raises(ServingError, match=r"404.*127\.0\.0\.1.*no model 'x'"):
        server.chat(ASK, "x")
    assert not server.healthy()


def test_a_predictor_that_is_away_is_named() -> None:
    away = Predictor("http://127.0.0.1:9")
    assert not away.healthy()
    with pytest.raises(ServingError, match=r"127\.0\.0\.1:9.*TWIN_PREDICTOR_URL"):
        away.chat(ASK)


def events(*items: Any) -> bytes:
    return "".join(f"data: {json.dumps(item)}\n\n" for item in items).encode() + b"data: [DONE]\n\n"


async def test_stream_yields_pieces_then_the_end(server: Predictor) -> None:
    answer(
        events(
            {"choices": [{"delta": {"role": "assistant", "content": None}}]},
            {"choices": [{"delta": {"content": "A "}}]},
            {"choices": [{"delta": {"content": "b"}}]},
            {"choices": [{"delta": {}, "finish_reason": "length"}]},
            {"choices": [], "usage": {"completion_tokens": 2}},
        )
    )
    found = [d async for d in server.stream(payload(ASK, "base", max_tokens=2, temperature=0))]
    assert [d.text for d in found] == ["A ", "b", ""]
    assert (found[-1].finish_reason, found[-1].tokens) == ("length", 2)
    await server.aclose()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (events({"choices": [{"delta": {"content": "A"}}]}), "broke off"),
        (events({"error": {"message": "out of room"}}), "out of room"),
    ],
)
async def test_a_stream_that_fails_says_so(server: Predictor, body: bytes, told: str) -> None:
    answer(body)
    with pytest.raises(ServingError, match=told):
        [d async for d in server.stream(payload(ASK, "base", max_tokens=2, temperature=0))]
    await server.aclose()
