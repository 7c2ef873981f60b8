"""Signing in and out: plain pages and forms, so that nothing of the interface itself is open before."""

from __future__ import annotations

import asyncio
from html import escape
from urllib.parse import quote

from nicegui import app
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from twin import accounts
from twin.accounts import Account
from webui.access import oidc, password
from webui.access.door import AUTHOR_COOKIE, Door
from webui.access.plain import form, page, said
from webui.access.sessions import COOKIE, LONGEST_SECONDS
from webui.client.authors import settings_of

_HASHING = asyncio.Semaphore(2)  # each check takes 64 MB and a core: many at once must not stop the machine


def register(door: Door) -> None:
    """Serve /login, /login/sso and its way back, /logout, /author and /password."""

    def ask(request: Request) -> Response:
        if door.visitor(request.cookies) is not None:
            return RedirectResponse(_local(request.query_params.get("next", "/")), 303)
        return _form_page(door, request.query_params.get("next", "/"))

    async def enter(request: Request) -> Response:
        given = await form(request)
        name, word, place = (given.get(key, "") for key in ("name", "password", "next"))
        address = request.client.host if request.client else ""
        if (wait := door.throttle.wait(name, address)) > 0:
            return _form_page(door, place, name, _later(wait), 429, {"Retry-After": str(int(wait) + 1)})
        account = await _checked(door, name, word, address)
        if account is None:
            return _form_page(door, place, name, "Name and password do not match.", 401)
        return begin(door, request, account.name, place)

    async def wrong(request: Request, name: str, word: str) -> str:
        address = request.client.host if request.client else ""
        if (wait := door.throttle.wait(name, address)) > 0:
            return _later(wait)
        return "" if await _checked(door, name, word, address) else "That is not your password."

    def leave(request: Request) -> Response:
        door.sessions.end(request.cookies.get(COOKIE, ""))
        door.shut()
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE)
        answer.headers["Clear-Site-Data"] = '"cache"'
        return answer

    async def choose(request: Request) -> Response:
        author = (await form(request)).get("author", "")
        answer = RedirectResponse("/", 303)
        visitor = door.visitor(request.cookies | {AUTHOR_COOKIE: author})
        # Kept for who may see that author alone: the answer would tell everybody else that there is one of this name.
        if visitor is not None and author in settings_of(door.house) and visitor.sees(author):
            _keep(answer, request, AUTHOR_COOKIE, author)
        return answer

    app.get("/login")(ask)
    app.post("/login")(enter)
    app.post("/logout")(leave)
    app.post("/author")(choose)
    password.register(door, wrong)
    oidc.register(door, begin, lambda words: _form_page(door, "/", error=words, status=403))


async def _checked(door: Door, name: str, word: str, address: str) -> Account | None:
    async with _HASHING:
        account = await asyncio.to_thread(accounts.check, door.house.accounts, name, word)
    (door.throttle.failed if account is None else door.throttle.succeeded)(name, address)
    return account


def _later(wait: float) -> str:
    return f"Too many attempts. Try again in {wait / 60:.0f} minutes." if wait > 90 else "Try again in a minute."


def begin(door: Door, request: Request, name: str, place: str) -> Response:
    """Let an account in: a fresh session's cookie, and on to the place that was asked for."""
    door.sessions.end(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse(_local(place), 303)
    _keep(answer, request, COOKIE, door.sessions.begin(name, door.stands(name)))
    return answer


def _form_page(
    door: Door, place: str, name: str = "", error: str = "", status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    sso = ""
    if door.house.oidc_issuer:
        sso = f"<p><a class='button quiet' href='/login/sso?next={quote(place, safe='')}'>Single sign-on</a></p>"
    body = (
        f"{said(error)}<form method='post' action='/login' class='stack'><input type='hidden' name='next' value='{escape(place)}'>"
        f"<label>Name<input name='name' autocomplete='username' required value='{escape(name)}' autofocus></label>"
        "<label>Password<input name='password' type='password' autocomplete='current-password' required></label>"
        f"<button class='button go'>Sign in</button></form>{sso}"
    )
    return HTMLResponse(page("Sign in", body), status, {"Cache-Control": "no-store", **(headers or {})})


def _keep(answer: Response, request: Request, cookie: str, value: str) -> None:
    # Lax, not strict: the way back from single sign-on comes from another site.
    secure = request.url.scheme == "https"
    answer.set_cookie(cookie, value, max_age=int(LONGEST_SECONDS), httponly=True, samesite="lax", secure=secure)


def _local(place: str) -> str:
    """The place when it is a path of this interface, else the start page."""
    fine = place.startswith("/") and not place.startswith(("//", "/\\", "/login")) and place.isprintable()
    return place if fine and "\\" not in place else "/"
