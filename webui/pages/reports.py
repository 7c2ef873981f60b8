"""The stored reports as pages of their own: boxed in, so that nothing inside them reaches the interface."""

from __future__ import annotations

from pathlib import Path

from fastapi.responses import FileResponse, PlainTextResponse, Response
from nicegui import app
from starlette.requests import Request

from webui.access.door import Door
from webui.client import Client

EVALUATION = "/report/evaluation"
MONITORING = "/report/monitoring"

# The sandbox holds when the report is opened in its own tab, too: no origin, no cookies, no network.
_BOX = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; worker-src blob:; frame-ancestors 'self'"
)


def register(door: Door) -> None:
    """Serve the two reports of the visitor's author."""

    def evaluation(request: Request) -> Response:
        return _report(door.client(request), evaluation=True)

    app.get(EVALUATION)(evaluation)

    def monitoring(request: Request) -> Response:
        return _report(door.client(request), evaluation=False)

    app.get(MONITORING)(monitoring)


def paths(client: Client, author: str) -> tuple[Path, Path]:
    """The evaluation's and the monitoring's HTML files."""
    work = client.workspace(author)
    return work.report / "report.html", work.monitoring / "drift.html"


def _report(client: Client, *, evaluation: bool) -> Response:
    params, _ = client.params_or_error()
    if params is None:
        return PlainTextResponse("There is no twin yet.", status_code=404)
    file = paths(client, params.author.id)[0 if evaluation else 1]
    if not file.is_file():
        return PlainTextResponse("There is no report yet.", status_code=404)
    headers = {"Content-Security-Policy": _BOX, "Cache-Control": "no-cache"}
    return FileResponse(file, media_type="text/html; charset=utf-8", headers=headers)
