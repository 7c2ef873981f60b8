"""Plain pages and forms in the interface's look, without scripts: what is shown before, and beside, the interface itself."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from pathlib import Path
from urllib.parse import parse_qs

from starlette.requests import Request

_MOST_BYTES = 8192


def page(title: str, body: str) -> str:
    """A page of its own around HTML that is safe already."""
    from webui.theme import MARK

    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)} · Twin</title><style>{_css()}</style></head><body class='plain'><main class='page gate'>"
        f"<div class='brand'>{MARK}<span>Twin</span></div><h1>{escape(title)}</h1>{body}</main></body></html>"
    )


def said(error: str) -> str:
    """What went wrong, above a form; nothing for nothing."""
    return f"<p class='note bad' role='alert'>{escape(error)}</p>" if error else ""


async def form(request: Request) -> dict[str, str]:
    """The fields of a small form; a body that is too long counts as empty."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            return {}
    return {key: values[-1] for key, values in parse_qs(body.decode("utf-8", "replace")).items()}


@lru_cache(maxsize=1)
def _css() -> str:
    return (Path(__file__).parents[1] / "theme.css").read_text(encoding="utf-8")
