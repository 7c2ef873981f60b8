"""Which requests a server takes at all: asked under a name of its own, sent by no other site's page, for an offered route."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from twin import hosts
from twin.serving import http

# KServe's switches, with which who may write a draft could take the twin away; and its versions of a model, which it
# answers with an error of its own: a version of an adapter is a field of the request.
SHUT = re.compile(r"/v2/repository/|/v2/models/[^/]*/versions/")
_SHUT_QUERY = re.compile(rb"(?:^|&)model_version=")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Gate:
    """ASGI middleware; `here` says that the server is bound to this machine alone and then answers to no other name.

    Without the first rule a web page that rebinds its name to 127.0.0.1 reads drafts, without the second any page that
    is open in a browser here makes the twin write.
    """

    def __init__(self, app: Any, here: bool) -> None:
        self.app, self.here = app, here

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Let a request pass, or answer in its place."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self.app)(scope, receive, send)

    def _refusal(self, scope: Any) -> Any:
        given = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host, origin = given.get("host", ""), given.get("origin")
        if self.here and not hosts.here(_name(f"//{host}")):
            return http.error(421, "this server answers to localhost alone: ask it as http://localhost or 127.0.0.1")
        if scope["method"] not in _SAFE and origin is not None and _place(origin) != host:
            return http.error(403, "this request comes from another site's page")
        if SHUT.match(scope["path"]) or _SHUT_QUERY.search(scope.get("query_string", b"")):
            return http.error(404, "there is no such route")
        return None


def _place(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return "?"


def _name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
