"""What every source's reader shares: the record of a skipped item, dates, encodings and the making of a Document."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from twin.errors import SourceError
from twin.records import Document, content_hash
from twin.sources.encodings import decode, decode_page

__all__ = [
    "Item", "Skipped", "decode", "decode_page", "each", "make", "moment", "short_hash", "tried", "unix_lines",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """An item that a source held and that is no document of the author's, with the reason."""

    what: str
    reason: str


Item = Document | Skipped


def tried(what: str, read: Callable[[], Item]) -> Item:
    """`read()`, or the item skipped with its reason when its content can't be read: one bad text spoils no source."""
    try:
        return read()
    except SourceError as error:
        return Skipped(what=what, reason=f"unreadable: {error.thing}")
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
        return Skipped(what=what, reason=f"unreadable: {type(error).__name__}")


_Named = TypeVar("_Named")


def each(
    files: Iterable[_Named],
    read: Callable[[_Named], Iterator[Item]],
    name: Callable[[_Named], str] = str,
    needed: Callable[[], bool] = lambda: True,
) -> Iterator[Item]:
    """Items of all `files`; one that can't be read is skipped with its reason, so that it spoils no archive.

    Raises the first SourceError when nothing at all could be read and, at the end, `needed` says that something was.
    """
    first: SourceError | None = None
    readable = False
    for file in files:
        try:
            for item in read(file):
                readable = readable or isinstance(item, Document) or not item.reason.startswith("unreadable")
                yield item
        except (SourceError, UnicodeError) as caught:
            # A stream's encoding fails where it is read, which may be anywhere.
            error = (
                caught
                if isinstance(caught, SourceError)
                else SourceError(
                    "a file's text can't be read", f"{name(file)} ({str(caught)[:200]})", "Save it as UTF-8 text."
                )
            )
            first = first or error
            yield Skipped(what=f"{name(file)} ({error.value})", reason=f"unreadable: {error.thing}")
    if first and not readable and needed():
        raise first


_FORMATS = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d",
    "%B %d, %Y at %I:%M %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%y %H:%M", "%m/%d/%y, %I:%M %p", "%m/%d/%Y, %I:%M %p",
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%B %d, %Y", "%b %d, %Y", "%d %B %Y", "%d %b %Y", "%m/%d/%Y",
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%a %b %d %H:%M:%S %z %Y", "%a %b %d %H:%M:%S %Y",
)  # fmt: skip


def moment(value: object) -> datetime | None:
    """Read a date as exports, feeds, front matter and spreadsheets write it; UTC where no zone is named, else None."""
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _counted(value)
    text = str(value or "").strip()
    if not re.search(r"\d", text) or len(text) > 60:
        return None
    if text.isdigit() and len(text) in (10, 13):
        return _counted(int(text))
    stamp = _read(text)
    if stamp is None:
        return None
    try:
        return stamp.astimezone(UTC) if stamp.tzinfo else stamp.replace(tzinfo=UTC)
    except OverflowError:
        return None


def _counted(value: float) -> datetime | None:
    # Seconds since 1970, or milliseconds where seconds would lie beyond the year 5000.
    try:
        return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _read(text: str) -> datetime | None:
    plain = re.sub(r"\s*(?:UTC|GMT|Z)$", "", text)
    for attempt in (text, plain):
        try:
            # Python's ISO reader also takes bare numbers: eight digits (20240501) are a date, others are not.
            if not attempt.isdigit() or len(attempt) == 8:
                return datetime.fromisoformat(attempt)
        except ValueError:
            pass
    for form in _FORMATS:
        try:
            return datetime.strptime(plain, form)
        except ValueError:
            continue
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None


def unix_lines(text: str) -> str:
    """Line ends as LF: how a file was saved is no part of how its author writes."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def short_hash(*parts: str) -> str:
    """Sixteen hexadecimal characters that name a text which has no id of its own."""
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def make(
    source: str,
    native_id: str,
    author: str,
    fetched_at: datetime,
    *,
    register: str,
    text: str,
    title: str = "",
    url: str = "",
    published_at: datetime | None = None,
    complete: bool = True,
    provenance: str = "own",
) -> Document:
    """A Document whose id is `source:native_id` and whose text has LF line ends and is otherwise untouched."""
    body = _sound(unix_lines(text)).replace("\0", "")
    return Document(
        id=_sound(f"{source}:{native_id}"),
        author=author,
        source=source,
        register=register,
        title=_sound(title),
        text=body,
        url=_sound(url),
        published_at=published_at,
        fetched_at=fetched_at,
        sha256=content_hash(body),
        complete=complete,
        provenance=provenance,
    )


def _sound(text: str) -> str:
    # Halves of characters, as broken names and JSON escapes give them, can be stored nowhere.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if not _whole(text) else text


def _whole(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
