"""The web interface's entry: registers the pages, checks the port and serves on this machine alone."""

from __future__ import annotations

import socket
import threading
from collections.abc import Awaitable, Callable

from nicegui import app, background_tasks, ui
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response

from twin import settings as twin_settings
from twin.errors import PortTaken, TwinError
from twin.settings import Settings
from webui import theme
from webui.client import Client, library, schedule
from webui.pages import blind, evaluation, home, monitoring, reports, sources, train, write
from webui.pages import library as library_page

HOST = "127.0.0.1"


def build(settings: Settings) -> Client:
    """Register every page and route; starts nothing."""
    client = Client(settings)
    theme.install()
    for page in (home, sources, write, library_page, train, evaluation, blind, monitoring, reports):
        page.register(client)

    def health() -> dict[str, str]:
        return {"service": "webui", "status": "ok"}

    app.get("/healthz")(health)

    return client


def main() -> None:
    """Serve until stopped; raises PortTaken when somebody else listens there."""
    settings = twin_settings.load()
    _claim(settings.webui_port)
    client = build(settings)
    # Only these names may ask: a web page that rebinds its own name to this machine is turned away.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    app.middleware("http")(_guard)
    app.on_startup(lambda: threading.Thread(target=_warm, args=(client,), daemon=True).start())
    app.on_startup(lambda: background_tasks.create(schedule.run(settings), name="scheduled posts"))
    ui.run(
        host=HOST, port=settings.webui_port, title="Twin", favicon=theme.FAVICON, dark=None, language="en-US",
        tailwind=False, reload=False, show=False, show_welcome_message=False, reconnect_timeout=30.0,
    )  # fmt: skip


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("X-Frame-Options", "SAMEORIGIN")
    return response


def _claim(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise PortTaken(port, "web interface", "TWIN_WEBUI_PORT") from None


def _warm(client: Client) -> None:
    # The first look at a table loads pandas for a second: better before somebody waits for it.
    params, _ = client.params_or_error()
    if params is not None:
        try:
            library.documents(client.workspace(params.author.id))
        except TwinError:
            return  # The library page says what is wrong with the table.


if __name__ in {"__main__", "__mp_main__"}:
    import sys

    try:
        main()
    except TwinError as error:
        sys.exit(f"✗ {error}")
