"""A small project folder with an author's files, and an endpoint that streams as the real one does."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse

from twin import tables
from twin.files import write_json, write_text
from twin.records import Document, content_hash
from twin.settings import Settings
from twin.workspace import Workspace

AUTHOR = "ada-reed"
PARAMS = """\
# Whose twin this is
author:
  id: ada-reed
  name: Ada Reed

sources:  # what is read
  - kind: files
    path: texts
"""


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings_for(root: Path, *, endpoint_port: int = 0, webui_port: int = 0) -> Settings:
    """Settings of a project in `root`; port 0 picks a free one (for the endpoint: a dead one)."""
    endpoint_port = endpoint_port or free_port()
    return Settings(
        root=root, home=root / ".twin", database_url="", mlflow_uri="", predictor_url="",
        endpoint_url=f"http://127.0.0.1:{endpoint_port}", github_token="", linkedin_token="", webui_port=webui_port or free_port(),
        endpoint_port=endpoint_port, predictor_port=0,
    )  # fmt: skip


def document(number: int, **changes: Any) -> Document:
    """One of Ada's texts; every fifth is an article."""
    text = f"Text number {number}.\nThe kettle & the <b>queue</b> 🫖\n\n" + f"word{number} " * (30 + number % 7)
    article = number % 5 == 0
    values: dict[str, Any] = {
        "id": f"files:{number}", "author": AUTHOR, "source": "files", "register": "article" if article else "post",
        "title": f"Article {number}" if article else "", "text": text, "url": f"https://ada.example/{number}",
        "published_at": datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=number % 1000),
        "fetched_at": datetime(2026, 1, 1, tzinfo=UTC), "sha256": content_hash(text), "consent": "files",
    }  # fmt: skip
    return Document(**values | changes)


def project(root: Path, documents: int = 0, params: str = PARAMS) -> Workspace:
    """A project folder with params.yaml and, if asked, that many documents (and two left out)."""
    write_text(root / "params.yaml", params)
    work = Workspace(root, AUTHOR)
    if documents:
        frame = tables.documents_frame([document(n) for n in range(documents)])
        tables.write(frame, work.raw / tables.DOCUMENTS, "documents")
        tables.write(frame, work.documents / tables.DOCUMENTS, "documents")
        left = tables.documents_frame([document(90_001), document(90_002)]).assign(reason="shorter than 20 words")
        tables.write(left, work.documents / tables.REJECTED)
    return work


def fill(settings: Settings) -> Workspace:
    """A twin that has gone through the whole pipeline, with one draft."""
    work = project(settings.root, documents=30)
    for file in (
        work.features / "chunks.parquet",
        work.dataset / "examples.parquet",
        work.adapter / "adapter_model.safetensors",
    ):
        write_text(file, "")
    write_json(work.registration / "registration.json", {"version": 2})
    write_text(work.report / "report.html", "<script>1</script><h1>Report</h1>")
    write_json(work.report / "metrics.json", {"bits_per_byte": {"base": 1.5, "adapter": 1.3}})
    write_json(work.report / "gate.json", {"passed": True, "reasons": ["It is better."]})
    write_json(
        work.monitoring / "drift.json",
        {"requests": 34, "enough": True, "share": 0.1, "drifted": False, "latency": {"p50": 2.0, "p95": 4.0}},
    )
    write_json(settings.home / "serving" / f"{AUTHOR}.json", {"author": AUTHOR, "version": 2})
    order = {"author": AUTHOR, "register": "post", "brief": "Tea and queues"}
    draft = {
        "id": "20260101", "order": order, "state": "done", "text": "The kettle is on.", "error": "", "seconds": 2.0,
        "draft": {"text": "The kettle is on.", "adapter": f"{AUTHOR}@2"}, "started_at": time.time() - 90_000,
    }  # fmt: skip
    write_json(settings.home / "drafts" / AUTHOR / "20260101.json", draft)
    return work


def measure(work: Workspace) -> None:
    """Add what the plots and the blind test are made of."""
    arms = {"real": 0.4, "lora": 0.6, "base": 1.3}
    distances = {
        f"style_distance_{arm}{end}": value + more
        for arm, value in arms.items()
        for end, more in (("", 0.0), ("_low", -0.1), ("_high", 0.1))
    }
    accepted = {f"accepted_masked_10_lora{end}": v for end, v in (("", 0.8), ("_low", 0.61), ("_high", 0.93))}
    write_json(
        work.report / "metrics.json", {"verifier_valid": 1.0, "bits_per_byte_gain": 0.12, **accepted, **distances}
    )
    checks = [
        {"name": "likelihood", "verdict": "pass", "reason": "12 % fewer bits"},
        {"name": "style", "verdict": "insufficient", "reason": "of 8 texts nothing can be said"},
        {"name": "copying", "verdict": "fail", "reason": "3 % is copied"},
    ]
    write_json(work.report / "gate.json", {"promote": True, "checks": checks, "reasons": ["It is better."]})
    map_of = {"own": [[0, 0], [1, 0]], "others": [[9, 9]], "lora": [[1, 1]], "base": [[4, 4]]}
    write_json(work.report / "stylemap.json", {"points": map_of})
    point = {"requests": 20, "enough": True, "drifted": False, "alarm": 0.5, "p50": 2.0, "p95": 4.0}
    history = [point | {"at": f"2026-0{n}-01T08:00:00+00:00", "share": n / 10} for n in (1, 2, 3)]
    write_json(work.monitoring / "history.json", history)
    write_text(work.monitoring / "drift.html", "<h1>Report</h1>")
    write_text(
        work.adapter / "loss.csv",
        "step,loss,validation_loss,learning_rate\n1,3.5,,1e-4\n2,3.1,3.3,1e-4\n3,2.9,3.2,1e-4\n",
    )
    write_json(work.adapter / "train.json", {"steps": 3})
    said = {"register": "post", "kind": "brief", "split": "test", "messages": "[]"}
    rows = [{"id": f"e{n}", "document_id": f"files:{n}", "completion": f"Own words {n}", **said} for n in range(2)]
    pd.DataFrame(rows).to_parquet(work.dataset / "examples.parquet")
    twin = {"register": "post", "arm": "lora", "seed": 0, "ended": True}
    drafts = [
        {"document_id": f"files:{n}", "brief": f"kettle {n}", "text": f"Twin words {n}", **twin} for n in range(2)
    ]
    write_json(work.report / "drafts.json", drafts)


def say(settings: Settings, stage: str, state: str = "running", **more: Any) -> None:
    """Write a stage's progress file as a running stage does."""
    import os

    now = time.time()
    entry = {
        "stage": stage, "step": "texts", "done": 3, "total": 12, "detail": "", "state": state, "error": "",
        "pid": os.getpid(), "started_at": now - 5, "updated_at": now, "eta_seconds": 15.0,
    }  # fmt: skip
    write_json(settings.progress / f"{stage}.json", entry | more)


@dataclass
class Endpoint:
    """The fake endpoint: what it streams and how; `asked` holds the bodies it was sent, `traced` their traces.

    `steps` go into every draft, `adapters` (model to version) are what can be asked for.
    """

    port: int
    words: list[str] = field(default_factory=lambda: ["Kettle ", "first.", "\n\n", "Then ", "the ", "<queue>."])
    pause: float = 0.0
    break_after: int | None = None
    status: int = 200
    asked: list[dict[str, Any]] = field(default_factory=list)
    traced: list[str] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    adapters: dict[str, str] = field(default_factory=dict)
    gate: threading.Event = field(default_factory=threading.Event)

    def draft(self, body: dict[str, Any]) -> dict[str, Any]:
        """The Draft that the last chunk carries."""
        cite = {"sentence": 0, "chunk_id": "c1", "document_id": "files:1", "title": "Article 1",
                "url": "https://ada.example/1", "score": 0.7, "quote": "The kettle & the <b>queue</b>"}  # fmt: skip
        steps = [{"name": "retrieve", "input": "kettle", "output": "3 facts", "seconds": 0.1}, *self.steps]
        return {
            "id": "d1", "author": AUTHOR, "register": body["twin"]["register"],
            "brief": body["messages"][-1]["content"],
            "text": "".join(self.words), "citations": [cite], "steps": steps, "adapter": f"{AUTHOR}@2",
            "scores": {"voice": 0.8},
        }  # fmt: skip

    async def stream(self, body: dict[str, Any]) -> AsyncIterator[str]:
        """Server-sent events as OpenAI's API writes them."""
        for number, word in enumerate(self.words):
            if number == self.break_after:
                raise ConnectionError("the model process died")
            yield f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': word}}]})}\n\n"
            await asyncio.sleep(self.pause)
            while self.gate.is_set() and number == 1:
                await asyncio.sleep(0.02)
        last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "twin": self.draft(body)}
        yield f"data: {json.dumps(last)}\n\n"
        yield "data: [DONE]\n\n"


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    """Serve a fake endpoint on the loopback; set `gate` to hold the stream after two words."""
    fake = Endpoint(port=free_port())
    app = FastAPI()

    @app.get("/v2/health/ready")
    def ready() -> Any:
        return JSONResponse({"ready": fake.status == 200}, status_code=fake.status)

    @app.get("/openai/v1/models")
    def models() -> Any:
        return {"data": [{"id": name, "version": version} for name, version in fake.adapters.items()]}

    @app.post("/openai/v1/chat/completions")
    async def chat(request: Request) -> Any:
        body = await request.json()
        fake.asked.append(body)
        fake.traced.append(request.headers.get("traceparent", ""))
        if fake.status != 200:
            return JSONResponse({"error": {"message": "the base model is loading"}}, status_code=fake.status)
        return StreamingResponse(fake.stream(body), media_type="text/event-stream")

    server = uvicorn.Server(uvicorn.Config(app, port=fake.port, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield fake
    finally:
        fake.gate.clear()
        server.should_exit = True
        thread.join(5)


def named(user: Any, kind: type, name: str) -> Any:
    """The one element of this kind that a screen reader calls `name`."""
    (found,) = [e for e in user.find(kind=kind).elements if e.props.get("aria-label") == name]
    return found


def press(user: Any, element: Any) -> None:
    """Click this very element."""
    from nicegui.testing.user_interaction import UserInteraction

    UserInteraction(user, {element}, None).click()


def pick(user: Any, words: str) -> None:
    """Click the entry of a menu."""
    from nicegui import ui

    entries = user.find(kind=ui.menu_item).elements
    (entry,) = [e for e in entries if any(getattr(child, "text", "") == words for child in e.descendants())]
    press(user, entry)
