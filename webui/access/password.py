"""One's own password: a plain form that asks for the one in use; the account's other sessions end with the change."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from html import escape

from nicegui import app
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from twin import accounts
from twin.accounts import MIN_PASSWORD
from twin.errors import AccountError
from webui.access.door import Door
from webui.access.plain import form, page, said
from webui.access.sessions import COOKIE

_FIELDS = (
    ("password", "Password now", "current-password"),
    ("fresh", f"New password, at least {MIN_PASSWORD} characters", "new-password"),
    ("again", "The new one again", "new-password"),
)


def register(door: Door, check: Callable[[Request, str, str], Awaitable[str]]) -> None:
    """Serve /password; `check(request, name, password)` says what is wrong with a password, braked as the login is."""

    def ask(request: Request) -> Response:
        visitor = door.visitor(request.cookies)
        if visitor is None or not visitor.login:
            return RedirectResponse("/", 303)
        account = (door.accounts() or {})[visitor.name]
        if not account.password:
            return HTMLResponse(
                page("No password", f"<p>You come in by single sign-on as {escape(account.email)}.</p>{_BACK}")
            )
        return _asking()

    async def change(request: Request) -> Response:
        visitor = door.visitor(request.cookies)
        if visitor is None or not visitor.login:
            return RedirectResponse("/", 303)
        given = await form(request)
        if given.get("fresh", "") != given.get("again", ""):
            return _asking("The two new passwords differ.")
        if wrong := await check(request, visitor.name, given.get("password", "")):
            return _asking(wrong)
        token = request.cookies.get(COOKIE, "")
        try:
            await asyncio.to_thread(_change, door, visitor.name, given.get("fresh", "") or " ", token)
        except AccountError as error:
            return _asking(str(error))
        door.shut()
        words = "Every other browser that was signed in as you has been signed out."
        return HTMLResponse(page("Your password is changed", f"<p>{words}</p>{_BACK}"))

    app.get("/password")(ask)
    app.post("/password")(change)


def _change(door: Door, name: str, password: str, token: str) -> None:
    accounts.change(door.house.accounts, name, password=password)
    door.sessions.renew(token, door.stands(name))


def _asking(error: str = "") -> Response:
    fields = "".join(
        f"<label>{label}<input name='{name}' type='password' autocomplete='{kind}' required></label>"
        for name, label, kind in _FIELDS
    )
    body = (
        f"{said(error)}<form method='post' action='/password' class='stack'>{fields}"
        f"<button class='button go'>Change it</button></form>{_BACK}"
    )
    return HTMLResponse(page("Change your password", body), 400 if error else 200, {"Cache-Control": "no-store"})


_BACK = "<p><a href='/'>Back to the twin</a></p>"
