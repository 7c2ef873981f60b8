"""How quick the web interface is: `python -m bench.webui` starts it on 10,000 documents and measures from a real Chromium.

The endpoint is one of our own on the loopback, which notes when it sent each token; 50 sessions are signed in, each with
its own cookie and socket, and read pages at the same time, as that many browsers would, without 50 browsers' weight.
"""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import shutil
import socket as socket_module
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import socketio
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from playwright.sync_api import Page, sync_playwright

from bench import corpus
from twin import accounts, tables
from twin.files import write_text
from twin.workspace import Workspace

DOCUMENTS, SESSIONS, ROUNDS = 10_000, 50, 7
PAGES = ("/", "/write", "/drafts", "/library", "/evaluation", "/sources")
PASSWORD = "a kettle and a queue"
PARAMS = "author:\n  id: bench\n  name: Bench\nsources:\n  - kind: files\n    path: texts\n"
LOG = "server.log"
# The peer: the framework's own page with one label on it, which is what every page of it takes at least.
BARE = f"""
import sys
from nicegui import app, ui
app.get("/healthz")(lambda: "ok")
ui.page("/library")(lambda: ui.label("of {DOCUMENTS:,}"))
ui.run(port=int(sys.argv[1]), reload=False, show=False, show_welcome_message=False)
"""
_QUERY = re.compile(r"query: (\{.*?\}),\n")


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as spare:
        root = Path(spare)
        write_text(root / "params.yaml", PARAMS)
        documents = Workspace(root, "bench").documents / tables.DOCUMENTS
        documents.parent.mkdir(parents=True)
        corpus.write(documents, DOCUMENTS)
        bare = _free_port()
        with (
            _served([sys.executable, "-c", BARE, str(bare)], {}, root, bare) as (peer, _),
            _endpoint() as (port, sent),
            _interface(root, port) as (url, _),
        ):
            rows = _browser(url, peer, sent)
        accounts.add(root / ".twin" / "accounts.json", "odo", "owner", PASSWORD)
        with _interface(root, _free_port()) as (url, process):
            rows += asyncio.run(_sessions(url, process))
        said = (root / LOG).read_text(encoding="utf-8", errors="replace")
        rows.append(("errors in the server's log meanwhile", str(said.count("Traceback")), "no error"))
        print(said, file=sys.stderr)
    print("| what | measured | bar |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def _browser(url: str, peer: str, sent: list[float]) -> list[tuple[str, str, str]]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = chromium.new_page()
        page.set_default_timeout(120_000)
        first = _open(page, url)
        _open(page, peer)
        again, bare = zip(*((_open(page, url), _open(page, peer)) for _ in range(ROUNDS)), strict=True)
        _open(page, url)
        found = [_search(page, f"value_{number}") for number in range(3, 3 + 5 * ROUNDS, 5)]
        tokens = [_token(page, url, sent) for _ in range(ROUNDS)]
        chromium.close()
    return [
        (f"library of {DOCUMENTS:,} open and answering, first visit", f"{first:.2f} s", ""),
        ("the same with the scripts in the browser's cache", _spread(again, "s"), "≤ 1 s"),
        ("peer: a bare NiceGUI page with one label, in turns with it",
         f"{_spread(bare, 's')}; ours takes {statistics.median(again) / statistics.median(bare):.1f} times as long", ""),
        (f"search in {DOCUMENTS:,}, letter typed to rows shown (60 ms of it wait for the next letter)",
         _spread([1000 * s for s in found], "ms"), "≤ 200 ms"),
        ("first token on the page after the endpoint sent it", _spread([1000 * s for s in tokens], "ms"), "≤ 150 ms"),
    ]  # fmt: skip


def _open(page: Page, url: str) -> float:
    """Seconds from the address to rows on the page and a search field that the server hears."""
    began = time.perf_counter()
    page.goto(f"{url}/library", wait_until="commit")
    page.get_by_text(f"of {DOCUMENTS:,}").wait_for()
    page.wait_for_function("window.socket && window.socket.connected && window.did_handshake")
    return time.perf_counter() - began


def _search(page: Page, words: str) -> float:
    """Seconds from the last letter to the rows that it leaves, seen by the page itself."""
    seconds: float = page.evaluate(
        """async (words) => {
          const count = document.querySelector('main [role=status]'), box = document.querySelector('[aria-label=Search]');
          const before = count.innerText, began = performance.now();
          const done = new Promise((said) => new MutationObserver(() => count.innerText != before && said())
            .observe(count, {childList: true, characterData: true, subtree: true}));
          box.value = words; box.dispatchEvent(new Event('input', {bubbles: true}));
          await done;
          await new Promise((drawn) => requestAnimationFrame(drawn));
          return (performance.now() - began) / 1000;
        }""",
        words,
    )
    return seconds


def _token(page: Page, url: str, sent: list[float]) -> float:
    """Seconds from the endpoint's first token to its place on the page; both clocks are this machine's."""
    page.goto(f"{url}/write")
    page.wait_for_function("window.did_handshake")
    sent.clear()
    page.get_by_label("What is it about?").fill("Tea")
    page.evaluate(
        """() => { window.shown = new Promise((said) => new MutationObserver(() => {
          if (document.querySelector('.paper .text')?.innerText.includes('Kettle')) said(Date.now() / 1000);
        }).observe(document.body, {childList: true, characterData: true, subtree: true})) }"""
    )
    page.keyboard.press("Control+Enter")
    shown: float = page.evaluate("window.shown")
    page.get_by_role("button", name="Copy").wait_for()
    return shown - sent[0]


async def _sessions(url: str, process: psutil.Process) -> list[tuple[str, str, str]]:
    before, wrong = process.memory_info().rss, []
    clients = [httpx.AsyncClient(base_url=url, timeout=120, trust_env=False) for _ in range(SESSIONS)]
    sockets: list[socketio.AsyncClient] = []
    began = time.perf_counter()
    form = {"name": "odo", "password": PASSWORD}
    answers = await asyncio.gather(*(c.post("/login", data=form, headers={"Origin": url}) for c in clients))
    signed = time.perf_counter() - began
    wrong += [f"login {a.status_code}" for a in answers if a.status_code != 303]

    async def read(number: int) -> list[float]:
        taken: list[float] = []
        open_tab: socketio.AsyncClient | None = None
        for path in (*PAGES[number % len(PAGES) :], *PAGES[: number % len(PAGES)]):
            if open_tab is not None:
                await open_tab.disconnect()  # a person who goes on leaves the page before
            start = time.perf_counter()
            answer = await clients[number].get(path)
            taken.append(time.perf_counter() - start)
            open_tab = await _socket(url, clients[number], answer.text) if answer.status_code == 200 else None
            if open_tab is None:
                wrong.append(f"{path} {answer.status_code}")
        if open_tab is not None:
            sockets.append(open_tab)
        return taken

    began = time.perf_counter()
    taken = [seconds for found in await asyncio.gather(*map(read, range(SESSIONS))) for seconds in found]
    whole = time.perf_counter() - began
    await asyncio.sleep(3)
    held = (process.memory_info().rss - before) / 1e6
    for socket in sockets:
        await socket.disconnect()
    for client in clients:
        await client.aclose()
    count = SESSIONS * len(PAGES)
    return [
        (f"{SESSIONS} sign-ins at once", f"{signed:.1f} s", ""),
        (f"{SESSIONS} sessions, {count} pages with their sockets at once", f"{len(wrong)} errors, {whole:.1f} s", "no error"),
        ("a page meanwhile, median and 95 %", f"{statistics.median(taken):.2f} s, {sorted(taken)[int(0.95 * count)]:.2f} s", ""),
        ("memory a session, one tab open", f"{held / SESSIONS:.1f} MB", ""),
        ("memory before anybody came", f"{before / 1e6:.0f} MB", ""),
    ]  # fmt: skip


async def _socket(url: str, client: httpx.AsyncClient, html: str) -> socketio.AsyncClient | None:
    """A page's socket as NiceGUI's own script opens it; None when it is refused."""
    found = _QUERY.search(html)
    if not found:
        return None
    query = {**ast.literal_eval(found[1]), "document_id": str(uuid.uuid4()), "tab_id": str(uuid.uuid4())}
    words = "&".join(
        f"{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in query.items()
    )
    socket = socketio.AsyncClient(reconnection=False)

    async def answer(asked: dict[str, Any]) -> None:
        # What a browser does when the page asks it something, such as whether the menu is open.
        if asked.get("request_id"):
            given = {"client_id": query["client_id"], "request_id": asked["request_id"], "result": True}
            await socket.emit("javascript_response", given)

    socket.on("run_javascript", answer)
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    try:
        await socket.connect(
            f"{url}?{words}", socketio_path="/_nicegui_ws/socket.io", transports=["websocket"], wait_timeout=60,
            headers={"Cookie": cookie, "Origin": url},
        )  # fmt: skip
    except socketio.exceptions.ConnectionError:
        return None
    return socket


@contextmanager
def _interface(root: Path, endpoint: int) -> Iterator[tuple[str, psutil.Process]]:
    port = _free_port()
    places = {
        "TWIN_ROOT": str(root), "TWIN_HOME": str(root / ".twin"), "TWIN_WEBUI_PORT": str(port),
        "TWIN_ENDPOINT_PORT": str(endpoint), "TWIN_ENDPOINT_URL": f"http://127.0.0.1:{endpoint}",
    }  # fmt: skip
    with _served([sys.executable, "-m", "webui.main"], places, root, port) as (url, process):
        time.sleep(3)  # the table is read in the background after a start
        yield url, process


@contextmanager
def _served(line: list[str], places: dict[str, str], root: Path, port: int) -> Iterator[tuple[str, psutil.Process]]:
    here = Path(__file__).parents[1]
    with open(root / LOG, "w") as log, subprocess.Popen(line, env=os.environ | places, cwd=here, stderr=log) as process:
        try:
            for _ in range(600):
                try:
                    httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)
                    break
                except httpx.HTTPError:
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
        finally:
            process.terminate()


@contextmanager
def _endpoint() -> Iterator[tuple[int, list[float]]]:
    """An endpoint that streams four tokens, 200 ms apart, and notes when each left."""
    app, port, sent = FastAPI(), _free_port(), []

    @app.get("/v2/health/ready")
    def ready() -> dict[str, bool]:
        return {"ready": True}

    @app.post("/openai/v1/chat/completions")
    def chat() -> StreamingResponse:
        async def stream() -> AsyncIterator[str]:
            await asyncio.sleep(0.5)
            for word in ("Kettle ", "first, ", "then ", "tea."):
                sent.append(time.time())
                yield f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'content': word}}]})}\n\n"
                await asyncio.sleep(0.2)
            yield 'data: {"choices": [], "twin": {"text": "Kettle first, then tea.", "adapter": "base"}}\n\n'
            yield "data: [DONE]\n\n"

        return StreamingResponse(stream(), media_type="text/event-stream")

    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield port, sent
    server.should_exit = True
    thread.join(5)


def _free_port() -> int:
    with socket_module.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _spread(values: Sequence[float], unit: str) -> str:
    digits = 2 if unit == "s" else 0
    middle, worst = statistics.median(values), max(values)
    return f"{middle:.{digits}f} {unit} median of {len(values)}, {worst:.{digits}f} {unit} at most"


if __name__ == "__main__":
    main()
