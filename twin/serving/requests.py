"""What clients send, read strictly: a wrong field is named, a missing one has its default."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from twin.params import Params
from twin.prompts import LANGUAGES
from twin.records import REGISTERS
from twin.redact import struck
from twin.writing import ACTIONS, THREAD, Given
from twin.writing.prompt import estimate

MAX_LINKS = 5
MAX_POINTS = 12
MAX_TEXT = 40_000  # characters of a text that is reworked or checked
_OWN = frozenset(
    {"author", "register", "links", "adapter", "version", "action", "text", "given", "language", "material"}
)
_FIELDS = _OWN | {"brief", "max_tokens", "max_completion_tokens", "temperature", "seed"}
WRITTEN = (*REGISTERS, THREAD)
_SMALL = 256  # tokens of frame, system message and tags around a brief


class Refusal(Exception):
    """A request that is not served: `status` of HTTP, the `field` to mend, seconds to wait before asking again."""

    def __init__(self, status: int, message: str, field: str | None = None, retry_after: float | None = None) -> None:
        # It is answered, logged and traced: what it quotes of a request or an error must hold no secret.
        self.status, self.message, self.field, self.retry_after = status, struck(message), field, retry_after
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class Asked:
    """One checked request; `adapter` is auto, base or an author's id, `version` one of its versions or the current."""

    author: str
    register: str
    brief: str
    links: tuple[str, ...]
    max_tokens: int
    temperature: float
    adapter: str
    seed: int | None
    version: str = ""
    action: str = "draft"
    text: str = ""
    language: str = ""
    material: tuple[tuple[str, str], ...] = ()
    given: Given = field(default_factory=Given)


def from_instance(data: Any, params: Params) -> Asked:
    """Read one V1 instance. Raises Refusal (400) naming the field."""
    if not isinstance(data, dict):
        raise Refusal(400, f"an instance is a JSON object, not {type(data).__name__}", "instances")
    if unknown := sorted(set(data) - _FIELDS):
        raise Refusal(400, f"unknown field {unknown[0]!r}; known are {', '.join(sorted(_FIELDS))}", unknown[0])
    if (wrong := _unwritable(data)) is not None:
        raise Refusal(400, f"{wrong} holds a NUL or half a character, which are no text", wrong)
    serve = params.serve
    links = data.get("links") or []
    if not isinstance(links, list) or len(links) > MAX_LINKS or not all(isinstance(x, str) for x in links):
        raise Refusal(400, f"links is a list of at most {MAX_LINKS} web addresses", "links")
    register = _text(data, "register", "post")
    if register not in WRITTEN:
        raise Refusal(400, f"there is no register {register!r}; known are {', '.join(WRITTEN)}", "register")
    action, text = _action(data)
    brief = _text(data, "brief", "").strip() or (text[:200] if action not in ("draft", "ideas") else "")
    if not brief and action != "ideas":
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
        version=_text(data, "version", ""), action=action, text=text, given=_given(data.get("given")),
        language=_language(data, params), material=_material(data.get("material")),
    )  # fmt: skip


def _unwritable(data: dict[str, Any]) -> str | None:
    """The first field with what neither a database nor UTF-8 can hold, at any depth."""

    def bad(value: Any) -> bool:
        if isinstance(value, str):
            return "\0" in value or any("\ud800" <= c <= "\udfff" for c in value)
        if isinstance(value, dict):
            return any(bad(key) or bad(each) for key, each in value.items())
        return isinstance(value, list) and any(bad(each) for each in value)

    return next((name for name, value in data.items() if bad(value)), None)


def _action(data: dict[str, Any]) -> tuple[str, str]:
    action, text = _text(data, "action", "draft"), _text(data, "text", "")
    if action not in ACTIONS:
        raise Refusal(400, f"there is no action {action!r}; known are {', '.join(ACTIONS)}", "action")
    if action not in ("draft", "ideas") and not text.strip():
        raise Refusal(400, f"text is empty: say what {action!r} is to work on", "text")
    if len(text) > MAX_TEXT:
        raise Refusal(400, f"text is too long: {len(text):,} characters, and {MAX_TEXT:,} fit", "text")
    return action, text


def _language(data: dict[str, Any], params: Params) -> str:
    """The language asked for; empty where it is the author's own, which needs no word."""
    language = _text(data, "language", "")
    if language and language not in LANGUAGES:
        raise Refusal(400, f"there is no language {language!r}; known are {', '.join(LANGUAGES)}", "language")
    return "" if language == params.author.language else language


def _material(data: Any) -> tuple[tuple[str, str], ...]:
    """Handed-in texts: objects with title and text."""
    given = data or []
    whole = isinstance(given, list) and all(
        isinstance(x, dict) and set(x) == {"title", "text"} and all(isinstance(v, str) for v in x.values())
        for x in given
    )
    if not whole or len(given) > MAX_LINKS or sum(len(x["text"]) for x in given) > 5 * MAX_TEXT:
        raise Refusal(
            400, f"material is a list of at most {MAX_LINKS} objects with title and text, {5 * MAX_TEXT:,} characters in all",
            "material",
        )  # fmt: skip
    return tuple((x["title"].strip() or "a file", x["text"]) for x in given)


def _given(data: Any) -> Given:
    """Results of steps that a person kept or changed: facts (ids), outline (lines), draft (text)."""
    if data is None:
        return Given()
    if not isinstance(data, dict) or set(data) - {"facts", "outline", "draft"}:
        raise Refusal(400, "given is an object with facts, outline, draft", "given")
    lists = {}
    for name in ("facts", "outline"):
        value = data.get(name)
        if value is not None and (
            not isinstance(value, list) or len(value) > MAX_POINTS or not all(isinstance(x, str) for x in value)
        ):
            raise Refusal(400, f"given.{name} is a list of at most {MAX_POINTS} texts", f"given.{name}")
        lists[name] = None if value is None else tuple(value)
    draft = data.get("draft")
    if draft is not None and (not isinstance(draft, str) or not draft.strip() or len(draft) > MAX_TEXT):
        raise Refusal(400, f"given.draft is a text of at most {MAX_TEXT:,} characters", "given.draft")
    return Given(facts=lists["facts"], outline=lists["outline"], draft=draft)


def from_chat(body: Any, params: Params) -> Asked:
    """Read a chat request: `model` is twin, base or an author; the last user message is the brief. Raises Refusal."""
    if not isinstance(body, dict):
        raise Refusal(400, "the body is not a JSON object")
    twin = body.get("twin") or {}
    if not isinstance(twin, dict) or set(twin) - _OWN:
        raise Refusal(400, f"twin is an object with {', '.join(sorted(_OWN))}", "twin")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refusal(400, "messages is a list with at least one message", "messages")
    briefs = [_content(m) for m in messages if isinstance(m, dict) and m.get("role") == "user"]
    if not briefs:
        raise Refusal(400, "messages hold no user message: its text is the brief", "messages")
    if body.get("n", 1) not in (None, 1):
        raise Refusal(400, "n must be 1", "n")
    model = _text(body, "model", "twin")
    author, _, version = model.partition("@")
    chosen = {} if model == "twin" else {"adapter": "base"} if model == "base" else {"author": author}
    if version:
        chosen["version"] = version
    settings = {k: body[k] for k in ("max_tokens", "max_completion_tokens", "temperature", "seed") if k in body}
    return from_instance(settings | chosen | twin | {"brief": briefs[-1]}, params)


def _content(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        said = [p.get("text", "") for p in content if isinstance(p, dict) and p.get("type") == "text"]
        content = "".join(said) if all(isinstance(each, str) for each in said) else None
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
