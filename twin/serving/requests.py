"""What clients send, read strictly: a wrong field is named, a missing one has its default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twin.params import Params
from twin.records import REGISTERS
from twin.writing.prompt import estimate

MAX_LINKS = 5
_FIELDS = frozenset(
    {"author", "register", "brief", "links", "max_tokens", "max_completion_tokens", "temperature", "adapter", "seed"}
)
_SMALL = 256  # tokens of frame, system message and tags around a brief


class Refusal(Exception):
    """A request that is not served: `status` of HTTP, the `field` to mend, seconds to wait before asking again."""

    def __init__(self, status: int, message: str, field: str | None = None, retry_after: float | None = None) -> None:
        self.status, self.message, self.field, self.retry_after = status, message, field, retry_after
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Asked:
    """One checked request; `adapter` is auto, base or an author's id."""

    author: str
    register: str
    brief: str
    links: tuple[str, ...]
    max_tokens: int
    temperature: float
    adapter: str
    seed: int | None


def from_instance(data: Any, params: Params) -> Asked:
    """Read one V1 instance. Raises Refusal (400) naming the field."""
    if not isinstance(data, dict):
        raise Refusal(400, f"an instance is a JSON object, not {type(data).__name__}", "instances")
    if unknown := sorted(set(data) - _FIELDS):
        raise Refusal(400, f"unknown field {unknown[0]!r}; known are {', '.join(sorted(_FIELDS))}", unknown[0])
    serve = params.serve
    links = data.get("links") or []
    if not isinstance(links, list) or len(links) > MAX_LINKS or not all(isinstance(x, str) for x in links):
        raise Refusal(400, f"links is a list of at most {MAX_LINKS} web addresses", "links")
    register = _text(data, "register", "post")
    if register not in REGISTERS:
        raise Refusal(400, f"there is no register {register!r}; known are {', '.join(REGISTERS)}", "register")
    brief = _text(data, "brief", "").strip()
    if not brief:
        raise Refusal(400, "brief is empty: say what the text is about", "brief")
    limit = "max_tokens" if data.get("max_tokens") is not None else "max_completion_tokens"
    max_tokens = _number(data, limit, serve.max_new_tokens, 1, serve.context_tokens // 2)
    room = serve.context_tokens - int(max_tokens) - serve.prompt_tokens - _SMALL
    if estimate(brief) > max(room, 64):
        raise Refusal(400, f"brief is too long: about {estimate(brief)} tokens, and {max(room, 64)} fit", "brief")
    seed = _number(data, "seed", -1, -1, 2**31 - 1)
    return Asked(
        author=_text(data, "author", params.author.id), register=register, brief=brief, links=tuple(links),
        max_tokens=int(max_tokens), temperature=_number(data, "temperature", serve.temperature, 0, 2),
        adapter=_text(data, "adapter", "auto"), seed=int(seed) if seed >= 0 else None,
    )  # fmt: skip


def from_chat(body: Any, params: Params) -> Asked:
    """Read a chat request: `model` is twin, base or an author; the last user message is the brief. Raises Refusal."""
    if not isinstance(body, dict):
        raise Refusal(400, "the body is not a JSON object")
    twin = body.get("twin") or {}
    if not isinstance(twin, dict) or set(twin) - {"author", "register", "links", "adapter"}:
        raise Refusal(400, "twin is an object with author, register, links, adapter", "twin")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refusal(400, "messages is a list with at least one message", "messages")
    briefs = [_content(m) for m in messages if isinstance(m, dict) and m.get("role") == "user"]
    if not briefs:
        raise Refusal(400, "messages hold no user message: its text is the brief", "messages")
    if body.get("n", 1) not in (None, 1):
        raise Refusal(400, "n must be 1", "n")
    model = _text(body, "model", "twin")
    chosen = {} if model == "twin" else {"adapter": "base"} if model == "base" else {"author": model}
    settings = {k: body[k] for k in ("max_tokens", "max_completion_tokens", "temperature", "seed") if k in body}
    return from_instance(settings | chosen | twin | {"brief": briefs[-1]}, params)


def _content(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(p.get("text", "") for p in content if isinstance(p, dict) and p.get("type") == "text")
    if not isinstance(content, str):
        raise Refusal(400, "a message's content is text", "messages")
    return content


def _text(data: dict[str, Any], field: str, default: str) -> str:
    value = data.get(field)
    if value is None:
        return default
    if not isinstance(value, str):
        raise Refusal(400, f"{field} is a text, not {type(value).__name__}", field)
    return value


def _number(data: dict[str, Any], field: str, default: float, low: float, high: float) -> float:
    value = data.get(field)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise Refusal(400, f"{field} is a number from {low:g} to {high:g}", field)
    return value
