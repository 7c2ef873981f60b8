"""The client of the predictor against a server that behaves well and badly."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from twin.errors import ServingError
from twin.generation import Predictor, Turns, payload

ASK = [{"role": "user", "content": "hello"}]


class Answers(BaseHTTPRequestHandler):
    """The canned answers in their order, the last one for ever; the models; what was asked."""

    asked: ClassVar[list[dict[str, Any]]] = []
    bodies: ClassVar[list[bytes]] = []
    models: ClassVar[Any] = None
    status = 200

    def do_POST(self) -> None:
        Answers.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer(Answers.bodies.pop(0) if len(Answers.bodies) > 1 else Answers.bodies[0])

    def do_GET(self) -> None:
        self._answer(json.dumps({"data": Answers.models}).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(Answers.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Predictor]:
    monkeypatch.setattr(Answers, "models", [{"id": "base"}])
    monkeypatch.setattr(Answers, "asked", [])
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        predictor = Predictor(f"http://127.0.0.1:{http.server_port}")
        yield predictor
        predictor.close()
        http.shutdown()


def answer(*bodies: Any, status: int = 200) -> None:
    Answers.status = status
    Answers.bodies = [body if isinstance(body, bytes) else json.dumps(body).encode() for body in bodies]


def said(text: str, why: str, tokens: int) -> dict[str, Any]:
    return {
        "choices": [{"message": {"content": text}, "finish_reason": why}],
        "usage": {"completion_tokens": tokens},
    }


def test_chat_gives_the_text_and_why_it_ended(server: Predictor) -> None:
    answer(said("Hi ⚓\n", "stop", 3))
    done = server.chat(ASK, "hesk", max_tokens=9, temperature=0.5, seed=7, stop=["END"])
    assert (done.text, done.tokens, done.finish_reason) == ("Hi ⚓\n", 3, "stop")
    (asked,) = Answers.asked
    assert (asked["model"], asked["max_tokens"], asked["seed"], asked["stop"]) == ("hesk", 9, 7, ["END"])
    assert {"min_p", "repetition_penalty"} <= set(asked)


def test_versions_come_with_the_models(server: Predictor) -> None:
    Answers.models = [{"id": "base"}, {"id": "hesk", "version": "4"}]
    assert server.models() == ["base", "hesk"]
    assert server.versions() == {"base": "", "hesk": "4"}


def test_a_refusal_says_the_reason_and_the_address(server: Predictor) -> None:
    answer({"error": {"message": "there is no model 'x'"}}, status=404)
    with pytest.raises(ServingError, match=r"404.*127\.0\.0\.1.*no model 'x'"):
        server.chat(ASK, "x", steered=False)
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


@pytest.mark.parametrize("echoed", ["One", ""])
def test_a_text_that_grows_long_is_asked_to_end(server: Predictor, echoed: str) -> None:
    """llama.cpp repeats the text that it goes on with, vLLM does not."""
    Answers.models = [{"id": "base", "end_token": 2}, {"id": "hesk", "version": "4"}]
    answer(said("One", "length", 75), said(f"{echoed} boat.", "stop", 2))
    done = server.chat(ASK, "hesk", max_tokens=100)
    assert (done.text, done.tokens, done.finish_reason) == ("One boat.", 77, "stop")
    first, second = Answers.asked
    assert "logit_bias" not in first and (first["max_tokens"], second["max_tokens"]) == (75, 25)
    assert second["messages"] == [*ASK, {"role": "assistant", "content": "One"}]
    assert list(second["logit_bias"]) == ["2"] and second["continue_final_message"] is True
    answer(said("One", "length", 100))
    assert server.chat(ASK, "hesk", max_tokens=100, steered=False).finish_reason == "length"
    assert [(a["max_tokens"], "dry_multiplier" in a) for a in Answers.asked] == [(75, True), (25, True), (100, False)]


async def test_a_streamed_text_is_asked_to_end_too(server: Predictor) -> None:
    Answers.models = [{"id": "base", "end_token": 2}]
    answer(
        events(
            {"choices": [{"delta": {"content": "One"}, "finish_reason": "length"}], "usage": {"completion_tokens": 6}}
        ),
        events({"choices": [{"delta": {"content": "."}, "finish_reason": "stop"}], "usage": {"completion_tokens": 2}}),
    )
    found = [d async for d in server.stream(payload(ASK, "base", max_tokens=8, temperature=0))]
    assert [d.text for d in found] == ["One", ".", ""]
    assert (found[-1].finish_reason, found[-1].tokens) == ("stop", 8)
    answer(events({"choices": [{"delta": {"content": "One."}, "finish_reason": "stop"}]}))
    assert [d.text async for d in server.stream(payload(ASK, "base", max_tokens=8, temperature=0))] == ["One.", ""]
    await server.aclose()


async def test_a_stream_waits_for_its_turn(server: Predictor) -> None:
    Answers.models = [{"id": "base", "end_token": 2, "slots": 1}]
    answer(events({"choices": [{"delta": {"content": "One."}, "finish_reason": "stop"}]}))
    ask = payload(ASK, "base", max_tokens=8, temperature=0)
    first, second = server.stream(ask), server.stream(ask)
    assert (await anext(first)).text == "One."
    waits = asyncio.create_task(anext(second))
    await asyncio.sleep(0.1)
    assert not waits.done() and len(Answers.asked) == 1
    await first.aclose()
    assert (await waits).text == "One."
    await second.aclose()
    await server.aclose()


async def test_turns_go_by_the_order_of_asking_and_to_one_model_at_a_time() -> None:
    turns, writing, begun = Turns(2), [], []

    async def write(model: str, number: int, ends: asyncio.Event) -> None:
        async with turns.turn(model):
            writing.append(model)
            begun.append(number)
            assert len(writing) <= 2 and len(set(writing)) == 1
            try:
                await ends.wait()
            finally:
                writing.remove(model)

    ends = [asyncio.Event() for _ in range(7)]
    texts = [asyncio.create_task(write(model, n, ends[n])) for n, model in enumerate("aaabaab")]
    await asyncio.sleep(0.01)
    assert begun == [0, 1]
    ends[0].set()
    await asyncio.sleep(0.01)
    assert begun == [0, 1, 2]  # the place of the first
    texts[1].cancel()  # one that writes
    texts[4].cancel()  # one that waits
    ends[2].set()
    await asyncio.sleep(0.01)
    assert begun == [0, 1, 2, 3]  # the other model, though one of this model waits too
    for end in ends:
        end.set()
    await asyncio.gather(*texts, return_exceptions=True)
    assert begun == [0, 1, 2, 3, 5, 6]


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
