"""What the loopback site gives back: one answer, and when it may be the short one (304)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and headers of one HTTP answer; Content-Length is added by the server."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def text_answer(body: str, content_type: str, status: int = 200) -> Answer:
    """An answer of UTF-8 text."""
    return Answer(status, body.encode("utf-8"), {"Content-Type": content_type})


def json_answer(value: Any, status: int = 200) -> Answer:
    """An answer of compact JSON, as the real APIs send it."""
    return text_answer(json.dumps(value, ensure_ascii=False, separators=(",", ":")), JSON, status)


def tagged(answer: Answer, modified: datetime | None = None, salt: str = "") -> Answer:
    """The answer with a weak ETag of its body and `salt`, and Last-Modified when `modified` (aware) is given."""
    digest = hashlib.sha256(salt.encode() + b"\0" + answer.body).hexdigest()[:32]
    validators = {"ETag": f'W/"{digest}"'}
    if modified:
        validators["Last-Modified"] = format_datetime(modified, usegmt=True)
    return replace(answer, headers=answer.headers | validators)


def unless_known(answer: Answer, asked: Mapping[str, str]) -> Answer:
    """304 without a body when the caller's If-None-Match, or else If-Modified-Since, says it has this answer.

    `asked` holds the request's headers with lower-case names. As in RFC 9110, the ETag is compared weakly
    and the date is ignored when both are sent.
    """
    etag, modified = answer.headers.get("ETag"), answer.headers.get("Last-Modified")
    if answer.status != 200:
        return answer
    if known := asked.get("if-none-match"):
        tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
        fresh = bool(etag) and ("*" in tags or str(etag).removeprefix("W/") in tags)
    elif modified and (since := _date(asked.get("if-modified-since", ""))):
        fresh = parsedate_to_datetime(modified) <= since
    else:
        fresh = False
    if not fresh:
        return answer
    return Answer(304, b"", {name: value for name, value in answer.headers.items() if name != "Content-Type"})


def _date(value: str) -> datetime | None:
    try:
        return parsedate_to_datetime(value)
    except ValueError:
        return None
