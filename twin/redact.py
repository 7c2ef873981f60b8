"""Secrets struck out of what is said: those that this process was given, and whatever has the shape of one."""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from typing import Any
from urllib.parse import quote, unquote, urlsplit

MARK = "***"
_SHORTEST = 8  # a shorter value would strike ordinary words
_SHAPES = (
    (re.compile(r"(://[^\s:/@'\"]*):[^\s/'\"]*@"), rf"\1:{MARK}@"),
    (re.compile(r"\b((?i:bearer|basic)\s+)[\w.~+/=-]{8,}"), rf"\1{MARK}"),
    (re.compile(r"(?i)\b((?:authorization|x-api-key|api-key)[\"']?\s*[:=]\s*(?:b?[\"'])?)(?!bearer\b|basic\b)[^\s\"',&]{4,}"),
     rf"\1{MARK}"),
    (re.compile(r"(?i)\b((?:password|passwd|pgpassword|client_secret)[\"']?\s*[=:]\s*[\"']?)[^\s\"',&;)]{4,}"), rf"\1{MARK}"),
    (re.compile(r"(?i)((?<![\w-])(?:access_token|refresh_token|token|api_?key|secret)=)[^\s&\"'#)]{6,}"), rf"\1{MARK}"),
    (re.compile(r"(?i)([?&](?:key|code|sig|signature)=)[^\s&\"'#)]{6,}"), rf"\1{MARK}"),
    (re.compile(r"\b(?:gh[oprsu]_\w{16,}|github_pat_\w{20,}|hf_\w{20,}|sk-[\w-]{20,}|eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*)"), MARK),
    # A client's key of the endpoint. Names of pods look alike, but hold no capital and no underscore.
    (re.compile(r"\btwin-(?=[a-z0-9-]*[A-Z_])[\w-]{32}(?![\w-])"), MARK),
)  # fmt: skip
_known: set[str] = set()


def learn(*values: str) -> None:
    """Strike these wherever they stand, as they are or quoted for a URL; not what is short or a plain word."""
    for value in values:
        if len(value) < _SHORTEST or (len(value) < 2 * _SHORTEST and value.isalpha() and value.islower()):
            continue
        _known.update({value, quote(value, safe="")})


def password(url: str) -> str:
    """The password that an address holds; "" where it holds none."""
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""


def struck(text: str) -> str:
    """The text with a mark in the place of each secret."""
    # The longest first: a secret may be the beginning of another one.
    for value in sorted(_known, key=len, reverse=True):
        text = text.replace(value, MARK)
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return text


def cleaned(attributes: dict[str, Any]) -> dict[str, Any]:
    """A span's attributes with their texts struck."""
    return {name: struck(value) if isinstance(value, str) else value for name, value in attributes.items()}


def install() -> None:
    """Strike every log record of this process, whichever logger writes it, and what an uncaught error prints."""
    former = logging.getLogRecordFactory()
    if getattr(former, "strikes", False):
        return

    def record(*given: Any, **named: Any) -> logging.LogRecord:
        return _record(former(*given, **named))

    setattr(record, "strikes", True)  # noqa: B010
    logging.setLogRecordFactory(record)
    sys.excepthook = _hook
    threading.excepthook = lambda given: _hook(given.exc_type, given.exc_value, given.exc_traceback)


def _record(made: logging.LogRecord) -> logging.LogRecord:
    try:
        said = made.getMessage()
    except (TypeError, ValueError):  # arguments that do not fit: logging would print them as they are
        said = made.msg = f"{made.msg} {made.args!r}"
        made.args = None
    if (clean := struck(said)) != said:
        if made.name == "uvicorn.access" and isinstance(made.args, tuple):
            # Its formatter takes the five arguments apart.
            made.args = tuple(struck(each) if isinstance(each, str) else each for each in made.args)
        else:
            made.msg, made.args = clean, None
    if made.exc_info and isinstance(made.exc_info, tuple) and made.exc_info[0] is not None:
        # A formatter that finds this does not make a text of its own.
        made.exc_text = struck("".join(traceback.format_exception(*made.exc_info))).rstrip("\n")
    return made


def _hook(kind: Any, error: Any, trace: Any) -> None:
    if issubclass(kind, SystemExit):
        return
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    print(struck("".join(traceback.format_exception(kind, error, trace))), end="", file=sys.stderr, flush=True)
