"""What both servers share: a port taken early, errors as JSON, bytes relayed, clients that go away noticed."""

from __future__ import annotations

import asyncio
import errno
import math
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from twin.errors import PortTaken
from twin.redact import struck

if TYPE_CHECKING:
    import httpx
    from starlette.requests import Request
    from starlette.responses import Response

T = TypeVar("T")
_KINDS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    504: "timeout_error",
}


def error(status: int, message: str, *, field: str | None = None, retry_after: float | None = None) -> Response:
    """OpenAI's shape of an error; `field` names the input to mend, `retry_after` is in seconds."""
    from starlette.responses import JSONResponse

    headers = {} if retry_after is None else {"Retry-After": str(max(1, math.ceil(retry_after)))}
    return JSONResponse(
        {"error": {"message": struck(message), "type": kind(status), "param": field, "code": status}},
        status,
        headers=headers,
    )


def kind(status: int) -> str:
    """OpenAI's name for an error of this status."""
    return _KINDS.get(status, "invalid_request_error" if status < 500 else "server_error")


class Gone(Exception):
    """The client hung up before there was anything to say."""


def listen(host: str, port: int, service: str, setting: str) -> socket.socket:
    """Bind before anything is loaded; raises PortTaken naming the environment variable that moves the service."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(128)
    except OSError as reason:
        sock.close()
        if reason.errno == errno.EADDRINUSE:
            raise PortTaken(port, service, setting) from None
        raise
    return sock


def end_in_order() -> None:
    """Let uvicorn's own shut-down be the end: it raises the signal it got once more, which would kill the process."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)


def serve(app: Any, sock: socket.socket) -> int:
    """Run an ASGI application until SIGTERM or SIGINT; answers 0 at a clean end, 1 when it could not start."""
    import uvicorn

    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=5, lifespan="on")
    server = uvicorn.Server(config)
    end_in_order()
    server.run(sockets=[sock])
    return 0 if server.started else 1


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Await `work`, or cancel it and raise Gone as soon as the client hangs up."""
    task = asyncio.create_task(work)
    gone = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Gone
        return task.result()
    finally:
        for each in (task, gone):
            each.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def relay(request: Request, reply: httpx.Response, on_end: Callable[[], None]) -> Response:
    """Pass a streamed reply on, byte for byte; when the client hangs up the other side is closed and so stops."""
    from starlette.responses import StreamingResponse

    async def body() -> AsyncIterator[bytes]:
        try:
            async for piece in reply.aiter_raw():
                yield piece
        finally:
            on_end()
            await reply.aclose()

    keep = {k: v for k, v in reply.headers.items() if k.lower() in ("content-type", "retry-after")}
    return StreamingResponse(body(), reply.status_code, headers=keep | {"Cache-Control": "no-cache"})


class StopWhenGone:
    """ASGI middleware: a request below `suffix` is cancelled when its client hangs up; bodies have a bound."""

    def __init__(self, app: Any, suffix: str | tuple[str, ...], max_bytes: int = 1_000_000) -> None:
        self.app, self.suffix, self.max_bytes = app, suffix, max_bytes

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Read the body whole, then run the application beside a watch over the connection."""
        if scope["type"] != "http" or not scope["path"].endswith(self.suffix):
            await self.app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message.get("body", b""), message.get("more_body", False)
            if len(body) > self.max_bytes:
                await error(413, f"the body is larger than {self.max_bytes:,} bytes")(scope, receive, send)
                return
        queue = [{"type": "http.request", "body": body, "more_body": False}]
        forever = asyncio.Event()

        async def replay() -> Any:
            if not queue:
                await forever.wait()
            return queue.pop()

        async def gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        work, watch = asyncio.create_task(self.app(scope, replay, send)), asyncio.create_task(gone())
        try:
            await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        finally:
            work.cancel()
            watch.cancel()
            await asyncio.gather(work, watch, return_exceptions=True)
