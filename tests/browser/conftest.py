"""The web interface as its own process, and a real Chromium on it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

REPOSITORY = Path(__file__).parents[2]
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def world() -> ModuleType:
    """The helpers that the simulated tests use, too."""
    spec = importlib.util.spec_from_file_location("webui_world", REPOSITORY / "tests" / "webui" / "world.py")
    assert spec and spec.loader
    module = sys.modules.setdefault("webui_world", importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def endpoint(world: ModuleType) -> Iterator[Any]:
    """A running fake endpoint."""
    with world.endpoint() as fake:
        yield fake


class Server:
    """A web interface that can be started again."""

    def __init__(self, settings: Any) -> None:
        self.settings, self.url = settings, f"http://127.0.0.1:{settings.webui_port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Server:
        """Start and wait for its health route."""
        given = {
            "TWIN_ROOT": str(self.settings.root), "TWIN_HOME": str(self.settings.home),
            "TWIN_WEBUI_PORT": str(self.settings.webui_port), "TWIN_ENDPOINT_PORT": str(self.settings.endpoint_port),
        }  # fmt: skip
        # NiceGUI behaves otherwise where it finds pytest's mark: the process must be an ordinary one.
        plain = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "NICEGUI"))}
        self.process = subprocess.Popen([sys.executable, "-m", "webui.main"], cwd=REPOSITORY, env=plain | given)
        for _ in range(300):
            assert self.process.poll() is None, "the web interface ended at once"
            try:
                if httpx.get(f"{self.url}/healthz", trust_env=False).status_code == 200:
                    return self
            except httpx.HTTPError:
                time.sleep(0.1)
        raise AssertionError("the web interface did not start")

    def stop(self) -> None:
        """End the process."""
        if self.process:
            self.process.terminate()
            self.process.wait(20)


@pytest.fixture
def serve() -> Iterator[Callable[[Any], Server]]:
    """`server = serve(settings)`; stopped after the test."""
    servers: list[Server] = []

    def start(settings: Any) -> Server:
        servers.append(Server(settings))
        return servers[-1].start()

    yield start
    for server in servers:
        server.stop()


# Per module, not per session: while Playwright runs, its event loop shuts out that of every other test.
@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One Chromium with an empty profile for a module's tests."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("profile")), executable_path=path, headless=True, args=FLAGS
        )
        context.set_default_timeout(45_000)
        yield context
        context.close()


@pytest.fixture
def tab(chromium: Any) -> Iterator[Callable[[], Any]]:
    """`page = tab()`: a new tab, closed after the test. An error on the page's console fails the test."""
    pages: list[Any] = []
    errors: list[str] = []

    def new() -> Any:
        page = chromium.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        pages.append(page)
        return page

    yield new
    for page in pages:
        page.close()
    assert errors == []
