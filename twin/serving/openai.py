"""OpenAI's routes for the twin: models and chat completions, streamed with citations in the last event."""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import AsyncGenerator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from twin.generation import BASE
from twin.records import Draft, Step
from twin.serving import http
from twin.serving.requests import Refusal, from_chat
from twin.serving.service import Twin, completion, shown

if TYPE_CHECKING:
    from fastapi import APIRouter
    from starlette.requests import Request
    from starlette.responses import Response

NAME = "twin"


def refused(refusal: Refusal) -> Response:
    """A refusal as OpenAI's clients read it: status, message, the field, Retry-After."""
    return http.error(refusal.status, refusal.message, field=refusal.field, retry_after=refusal.retry_after)


def router(twin: Twin) -> APIRouter:
    """`GET /openai/v1/models` and `POST /openai/v1/chat/completions`."""
    from fastapi import APIRouter
    from starlette.responses import JSONResponse

    routes = APIRouter()

    async def models(_: Request) -> Response:
        try:
            versions = await twin.versions()
        except Exception as error:
            return http.error(503, str(error), retry_after=5)
        authors = [name for name in shown(versions) if name != BASE]
        common = {"object": "model", "created": 0, "owned_by": "twin"}
        data = [{"id": n, **common, "version": versions.get(n, "")} for n in (NAME, BASE, *authors)]
        return JSONResponse({"object": "list", "data": data})

    async def chat(request: Request) -> Response:
        try:
            body = await request.json()
        except ValueError:
            return http.error(400, "the body is not JSON")
        try:
            asked = from_chat(body, twin.params)
            model = str(body.get("model") or NAME)
            pieces = twin.write(asked)
            if body.get("stream"):
                # The first word is awaited before any header is sent: a refusal keeps its own status.
                steps, first = await http.unless_gone(request, _first(pieces))
                return _streamed(model, steps, first, pieces)
            return JSONResponse(completion(await http.unless_gone(request, last(pieces)), model))
        except Refusal as refusal:
            return refused(refusal)
        except http.Gone:
            return http.error(499, "the client went away")

    # FastAPI would resolve the annotations by name at run time; add_route takes a handler as it is, without a prefix.
    routes.add_route("/openai/v1/models", models, methods=["GET"])
    routes.add_route("/openai/v1/chat/completions", chat, methods=["POST"])
    return routes


async def _first(pieces: AsyncGenerator[str | Step | Draft]) -> tuple[list[Step], str | Draft]:
    """The steps before the first word, and that."""
    steps: list[Step] = []
    async for piece in pieces:
        if not isinstance(piece, Step):
            return steps, piece
        steps.append(piece)
    raise AssertionError("a twin's last word is a draft")


async def last(pieces: AsyncGenerator[str | Step | Draft]) -> Draft:
    """The Draft at the end of a twin's pieces."""
    async with contextlib.aclosing(pieces):
        async for piece in pieces:
            if isinstance(piece, Draft):
                return piece
    raise AssertionError("a twin's last word is a draft")


def _streamed(
    model: str, steps: list[Step], first: str | Draft, pieces: AsyncGenerator[str | Step | Draft]
) -> Response:
    from starlette.responses import StreamingResponse

    frame = {
        "id": f"chatcmpl-{uuid.uuid4().hex}", "object": "chat.completion.chunk", "created": int(time.time()),
        "model": model,
    }  # fmt: skip

    async def events() -> AsyncGenerator[str]:
        async with contextlib.aclosing(pieces):
            yield _event(frame, {"role": "assistant", "content": ""})
            for step in steps:
                yield _event(frame, {}, twin_step=asdict(step))
            piece: str | Step | Draft = first
            try:
                while not isinstance(piece, Draft):
                    if isinstance(piece, str):
                        yield _event(frame, {"content": piece})
                    piece = await anext(pieces)
                # The place is free before the client hears the end: it may ask again at once.
                await pieces.aclose()
                reason = "length" if piece.scores.get("cut_off") else "stop"
                yield _event(frame, {}, finish_reason=reason, twin=piece.as_dict())
                yield "data: [DONE]\n\n"
            except Refusal as refusal:
                told = {"message": refusal.message, "type": http.kind(refusal.status), "code": refusal.status}
                yield f"data: {json.dumps({'error': told})}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream", headers={"Cache-Control": "no-cache"})


def _event(frame: dict[str, Any], delta: dict[str, str], finish_reason: str | None = None, **more: Any) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return f"data: {json.dumps({**frame, 'choices': [choice], **more}, ensure_ascii=False)}\n\n"
