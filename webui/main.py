"""The web interface's entry: registers pages and guard, checks port and accounts, serves on this machine unless told."""

from __future__ import annotations

import asyncio
import socket
import threading

from nicegui import app, background_tasks, ui

from twin import hosts, redact, tracing
from twin import settings as twin_settings
from twin.errors import AccountError, PortTaken, TwinError
from twin.settings import Settings
from twin.workspace import Workspace
from webui import theme
from webui.access import login
from webui.access.door import Door
from webui.access.guard import Guard
from webui.client import authors, library, recollect, schedule
from webui.pages import blind, drafts, evaluation, home, monitoring, reports, sources, train, write
from webui.pages import library as library_page
from webui.pages import settings as settings_page

_SHUT_SECONDS = 5.0


def build(settings: Settings, names: tuple[str, ...] = ()) -> Door:
    """Register guard, pages and routes, answering to these host names (empty: any), and where traces go; serves nothing yet."""
    door = Door(settings)
    theme.install()
    for page in (
        home, sources, write, drafts, library_page, train, evaluation, blind, monitoring, settings_page, reports, login,
    ):  # fmt: skip
        page.register(door)

    def health() -> dict[str, str]:
        return {"service": "webui", "status": "ok"}

    app.get("/healthz")(health)
    app.add_middleware(Guard, door=door, names=names, origins=settings.webui_names)
    tracing.setup("twin-webui", settings.otlp_endpoint)
    return door


def main() -> None:
    """Serve until stopped; raises PortTaken, and AccountError before it would stand open to others."""
    redact.install()
    settings = twin_settings.load()
    here = hosts.here(settings.webui_host)
    _claim(settings.webui_host, settings.webui_port)
    door = build(settings, settings.webui_names or ((settings.webui_host, "127.0.0.1", "localhost") if here else ()))
    if not here and not door.login:
        raise AccountError(
            "without an account the web interface serves this machine alone", f"TWIN_WEBUI_HOST={settings.webui_host}",
            "Make one first: `twin user add NAME --role owner`.",
        )  # fmt: skip
    app.on_startup(lambda: threading.Thread(target=_warm, args=(door,), daemon=True).start())
    app.on_startup(lambda: background_tasks.create(schedule.run(door.every), name="scheduled posts"))
    app.on_startup(lambda: background_tasks.create(recollect.run(door.every), name="collecting by itself"))
    app.on_startup(lambda: background_tasks.create(_shut(door, here), name="ended sessions"))
    app.on_shutdown(tracing.flush)
    ui.run(
        host=settings.webui_host, port=settings.webui_port, title="Twin", favicon=theme.FAVICON, dark=None,
        language="en-US", tailwind=False, reload=False, show=False, show_welcome_message=False, reconnect_timeout=30.0,
    )  # fmt: skip


async def _shut(door: Door, here: bool) -> None:
    """Send pages away whose session has ended; stop when the last account goes while others can reach the server."""
    while here or door.login:
        await asyncio.sleep(_SHUT_SECONDS)
        door.shut()
    app.shutdown()


def _claim(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise PortTaken(port, "web interface", "TWIN_WEBUI_PORT") from None


def _warm(door: Door) -> None:
    # The first look at a table loads pandas for a second: better before somebody waits for it.
    for author, settings in authors.settings_of(door.house).items():
        try:
            library.documents(Workspace(settings.root, author))
        except TwinError:
            continue  # The library page says what is wrong with the table.


if __name__ in {"__main__", "__mp_main__"}:
    import sys

    try:
        main()
    except TwinError as error:
        sys.exit(f"✗ {error}")
