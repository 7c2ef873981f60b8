"""The one guard before every page, route and socket: known host, own origin, signed in, and with the role it takes."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webui.access import rules
from webui.access.door import Door
from webui.access.sessions import COOKIE

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """ASGI middleware; `names` are the hosts that may be asked for, empty for any.

    `origins` are public host names under which a proxy shows this interface, while it asks for another host itself.
    """

    def __init__(self, app: ASGIApp, door: Door, names: tuple[str, ...] = (), origins: tuple[str, ...] = ()) -> None:
        self.app, self.door, self.names, self.origins = app, door, names, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through with the headers that every answer carries, or answer in its place."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        refusal = self._refusal(asked)
        if scope["type"] == "websocket":
            if refusal is not None:
                await send({"type": "websocket.close", "code": 1008})
                return
            await self.app(scope, receive, send)
            return
        await (refusal or self.app)(scope, receive, _with_headers(send, asked))

    def _refusal(self, asked: HTTPConnection) -> Response | None:
        host = urlsplit(f"//{asked.headers.get('host', '')}").hostname or ""
        if self.names and host not in self.names:
            # A web page that rebinds its own name to this machine is turned away.
            return PlainTextResponse("This interface does not answer to that name (TWIN_WEBUI_NAMES).", status_code=400)
        if not _own_origin(asked, self.origins):
            return PlainTextResponse("This request comes from another site.", status_code=403)
        path = asked.url.path
        if path in rules.OPEN:
            return None
        visitor = self.door.visitor(asked.cookies, touch=not path.startswith(rules.SOCKET))
        if visitor is None:
            return _sign_in(asked)
        if not visitor.may(rules.needed(path)) or (not visitor.author.strip("-") and visitor.login and visitor.authors):
            return _not_yours(asked, visitor.name, visitor.role)
        if path.startswith(rules.UPLOADS) and not self.door.uploads_of(path.split("/")[3], visitor):
            return PlainTextResponse("This upload belongs to another page.", status_code=403)
        return None


def _own_origin(asked: HTTPConnection, origins: tuple[str, ...]) -> bool:
    """Whether a request that changes something, or a socket, comes from a page of this very interface."""
    socket = asked.scope["type"] == "websocket" or asked.url.path.startswith(rules.SOCKET)
    if not socket and asked.scope["method"] in _SAFE:
        return True
    origin = asked.headers.get("origin")
    if origin is None:
        # Every browser names the origin of what it posts; a program that names none must not carry a person's session.
        polling = socket and asked.scope.get("method") in _SAFE
        return polling or (COOKIE not in asked.cookies and asked.headers.get("sec-fetch-site") in (None, "same-origin"))
    return urlsplit(origin).netloc == asked.headers.get("host", "") or urlsplit(origin).hostname in origins


def _sign_in(asked: HTTPConnection) -> Response:
    if asked.scope.get("method") == "GET" and "text/html" in asked.headers.get("accept", ""):
        place = asked.url.path + (f"?{asked.url.query}" if asked.url.query else "")
        return RedirectResponse(f"/login?next={quote(place, safe='')}", status_code=303)
    return PlainTextResponse("Sign in first.", status_code=401)


def _not_yours(asked: HTTPConnection, name: str, role: str) -> Response:
    from webui.access.plain import page

    words = f"{name} is signed in as {role}: this page takes more. An owner can change that in the settings."
    return HTMLResponse(page("Not yours to open", f"<p>{words}</p><p><a href='/'>To the start page</a></p>"), 403)


def _with_headers(send: Send, asked: HTTPConnection) -> Send:
    fixed = _headers(asked.headers, secure=asked.url.scheme == "https")

    async def more(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in fixed.items():
                headers.setdefault(name, value)
        await send(message)

    return more


def _headers(asked: Headers, *, secure: bool) -> dict[str, str]:
    host = asked.get("host", "")
    policy = {
        # NiceGUI starts its page from an inline script, and Vue compiles templates in the browser.
        "script-src": "'self' 'unsafe-inline' 'unsafe-eval'", "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:", "font-src": "'self' data:", "connect-src": f"'self' ws://{host} wss://{host}",
        "frame-src": "'self'", "worker-src": "'self' blob:", "object-src": "'none'", "base-uri": "'self'",
        "form-action": "'self'", "frame-ancestors": "'self'",
    }  # fmt: skip
    headers = {
        "Content-Security-Policy": "; ".join(f"{key} {value}" for key, value in {"default-src": "'self'", **policy}.items()),
        "X-Content-Type-Options": "nosniff", "X-Frame-Options": "SAMEORIGIN", "Cross-Origin-Opener-Policy": "same-origin",
        # Not no-referrer: under it a browser calls the origin of the page's own forms "null".
        "Referrer-Policy": "same-origin", "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }  # fmt: skip
    return headers | ({"Strict-Transport-Security": "max-age=31536000"} if secure else {})
