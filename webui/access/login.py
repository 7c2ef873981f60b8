"""Signing in and out: plain pages and forms, so that nothing of the interface itself is open before."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from html import escape
from pathlib import Path
from urllib.parse import parse_qs, quote

from nicegui import app
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from twin import accounts
from webui.access import oidc
from webui.access.door import AUTHOR_COOKIE, Door
from webui.access.sessions import COOKIE, LONGEST_SECONDS
from webui.client.authors import settings_of

_MOST_BYTES = 8192
_HASHING = asyncio.Semaphore(2)  # each check takes 64 MB and a core: many at once must not stop the machine


def register(door: Door) -> None:
    """Serve /login, /login/sso and its way back, /logout and /author."""

    def ask(request: Request) -> Response:
        if not door.login:
            return RedirectResponse("/", 303)
        return _form_page(door, request.query_params.get("next", "/"))

    async def enter(request: Request) -> Response:
        given = await _form(request)
        name, password, place = (given.get(key, "") for key in ("name", "password", "next"))
        address = request.client.host if request.client else ""
        if (wait := door.throttle.wait(name, address)) > 0:
            words = (
                f"Too many attempts. Try again in {wait / 60:.0f} minutes." if wait > 90 else "Try again in a minute."
            )
            return _form_page(door, place, name, words, 429, {"Retry-After": str(int(wait) + 1)})
        async with _HASHING:
            account = await asyncio.to_thread(accounts.check, door.house.accounts, name, password)
        if account is None:
            door.throttle.failed(name, address)
            return _form_page(door, place, name, "Name and password do not match.", 401)
        door.throttle.succeeded(name, address)
        return begin(door, request, account.name, place)

    def leave(request: Request) -> Response:
        door.sessions.end(request.cookies.get(COOKIE, ""))
        door.shut()
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE)
        answer.headers["Clear-Site-Data"] = '"cache"'
        return answer

    async def choose(request: Request) -> Response:
        author = (await _form(request)).get("author", "")
        answer = RedirectResponse("/", 303)
        if author in settings_of(door.house):
            _keep(answer, request, AUTHOR_COOKIE, author)
        return answer

    app.get("/login")(ask)
    app.post("/login")(enter)
    app.post("/logout")(leave)
    app.post("/author")(choose)
    oidc.register(door, begin, lambda words: _form_page(door, "/", error=words, status=403))


def begin(door: Door, request: Request, name: str, place: str) -> Response:
    """Let an account in: a fresh session's cookie, and on to the place that was asked for."""
    door.sessions.end(request.cookies.get(COOKIE, ""))
    answer = RedirectResponse(_local(place), 303)
    _keep(answer, request, COOKIE, door.sessions.begin(name))
    return answer


def page(title: str, body: str) -> str:
    """A page of its own in the interface's look, without scripts."""
    from webui.theme import MARK

    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)} · Twin</title><style>{_css()}</style></head><body class='plain'><main class='page gate'>"
        f"<div class='brand'>{MARK}<span>Twin</span></div><h1>{escape(title)}</h1>{body}</main></body></html>"
    )


def _form_page(
    door: Door, place: str, name: str = "", error: str = "", status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    said = f"<p class='note bad' role='alert'>{escape(error)}</p>" if error else ""
    sso = ""
    if door.house.oidc_issuer:
        sso = f"<p><a class='button quiet' href='/login/sso?next={quote(place, safe='')}'>Single sign-on</a></p>"
    body = (
        f"{said}<form method='post' action='/login' class='stack'><input type='hidden' name='next' value='{escape(place)}'>"
        f"<label>Name<input name='name' autocomplete='username' required value='{escape(name)}' autofocus></label>"
        "<label>Password<input name='password' type='password' autocomplete='current-password' required></label>"
        f"<button class='button go'>Sign in</button></form>{sso}"
    )
    return HTMLResponse(page("Sign in", body), status, {"Cache-Control": "no-store", **(headers or {})})


def _keep(answer: Response, request: Request, cookie: str, value: str) -> None:
    # Lax, not strict: the way back from single sign-on comes from another site.
    secure = request.url.scheme == "https"
    answer.set_cookie(cookie, value, max_age=int(LONGEST_SECONDS), httponly=True, samesite="lax", secure=secure)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a small form; a body that is too long counts as empty."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            return {}
    return {key: values[-1] for key, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _local(place: str) -> str:
    """The place when it is a path of this interface, else the start page."""
    fine = place.startswith("/") and not place.startswith(("//", "/\\", "/login")) and place.isprintable()
    return place if fine and "\\" not in place else "/"


@lru_cache(maxsize=1)
def _css() -> str:
    return (Path(__file__).parents[1] / "theme.css").read_text(encoding="utf-8")
