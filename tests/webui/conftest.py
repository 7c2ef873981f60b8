"""A simulated browser on the pages, in a project folder of its own."""

from __future__ import annotations

import importlib.util
import json
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _load(name: str) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("world.py"))
        assert spec and spec.loader
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture(scope="session")
def world() -> ModuleType:
    """The helpers of world.py."""
    return _load("webui_world")


@pytest.fixture
def settings(world: ModuleType, tmp_path: Path) -> Any:
    """Settings of an empty project whose endpoint is dead."""
    return world.settings_for(tmp_path)


@pytest.fixture
def endpoint(world: ModuleType) -> Iterator[Any]:
    """A running fake endpoint."""
    with world.endpoint() as fake:
        yield fake


@pytest.fixture
async def visit() -> AsyncIterator[Callable[[Any], Any]]:
    """`user = await visit(settings)`: a simulated user on the interface of that project."""
    from contextlib import AsyncExitStack

    from nicegui.testing import User, user_simulation

    async with AsyncExitStack() as stack:

        async def start(settings: Any) -> User:
            from webui.main import build

            user = await stack.enter_async_context(user_simulation())
            build(settings)
            return user

        yield start


@pytest.fixture
def site() -> Iterator[Any]:
    """LinkedIn on the loopback: `asked` holds what it was sent."""

    class Site(BaseHTTPRequestHandler):
        asked: list[tuple[str, dict[str, str], Any]] = []  # noqa: RUF012
        status = 201

        def do_GET(self) -> None:
            self._answer(200 if "good" in self.headers["Authorization"] else 401, b'{"sub": "abc"}')

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            type(self).asked.append((self.path, dict(self.headers), body))
            self._answer(type(self).status, b"")

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("x-restli-id", "urn:li:share:7")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Site.asked = []
    Site.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    yield Site
    server.shutdown()
