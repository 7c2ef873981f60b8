"""An X (Twitter) archive of any year: own posts and threads, long posts whole, reposts and messages left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from twin.errors import SourceError
from twin.sources.archive import Archive
from twin.sources.json_stream import records
from twin.sources.reading import Item, Skipped, decode, each, make, moment
from twin.sources.table import cells
from twin.sources.threads import Post, Threads
from twin.sources.x_notes import Notes, expanded, unescaped

TERMS = "the person's own archive (X: Settings, Your account, Download an archive of your data)"

_TWEETS = re.compile(r"(community-)?tweets?(-part\d+)?\.js")
_NOTES = re.compile(r"note-tweets?(-part\d+)?\.js")
_OLD = re.compile(r"(^|/)data/js/tweets/\d{4}_\d{2}\.js$")
_ASSIGNED = re.compile(rb"YTD\.tweets?\.part|Grailbird\.data\.tweets")
_QUOTED = re.compile(
    r"\s*https?://(?:mobile\.)?(?:twitter|x)\.com/(?:\w+|i/web)/status/\d+(?:/(?:photo|video)/\d+)?(?:\?\S*)?\s*$"
)
_CREATED = "%a %b %d %H:%M:%S %z %Y"
_OTHERS = re.compile(r"(?:^|\s)[RM]T @\w+:")
# How posts were quoted by hand before there was a button for it.
_BY_HAND = re.compile(r"\s*(?:“@\w+:[^”]*”?|\"@\w+:(?:.*\"|.*))", re.DOTALL)


@dataclass(slots=True)
class _Account:
    """Whose archive it is, as far as account.js says; `first` gives an edited post's first number by its later ones."""

    name: str = ""
    number: str = ""
    first: dict[str, str] = field(default_factory=dict)


def read_export(archive: Archive, author: str, fetched_at: datetime) -> Iterator[Item]:
    """Documents of an X archive; ids are `x:<number of the thread's first post>`.

    Posts in answer to oneself are joined into one document, those in answer to others are replies. Raises SourceError
    when there are no tweets in it.
    """
    tweets = [name for name in archive.names if _TWEETS.fullmatch(PurePosixPath(name).name) or _OLD.search(name)] or [
        name for name in archive.names if name.lower().endswith(".js") and _ASSIGNED.search(archive.head(name))
    ]
    tables = [name for name in archive.names if PurePosixPath(name).name == "tweets.csv"]
    if not tweets and not tables:
        raise SourceError(
            "this is no X archive", f"{archive.path} (no data/tweets.js)",
            "Ask X for an archive of your data, and put the ZIP into the inbox.",
        )  # fmt: skip
    account = _account(archive)
    notes = Notes()
    note_files = [name for name in archive.names if _NOTES.fullmatch(PurePosixPath(name).name)]
    yield from each(note_files, partial(_noted, archive, notes), needed=lambda: False)
    # Archives of the first years hold the same posts twice: as a table and as scripts.
    with closing(Threads()) as posts:
        yield from each(
            tweets or tables, partial(_tweets, archive, account, posts, notes), needed=lambda: not posts
        )  # fmt: skip
        for thread in posts.joined(account.first):
            yield _document(thread, author, fetched_at)
    for note in notes.unused():
        yield make("x", f"note:{note.id}", author, fetched_at, register="post", text=note.text, published_at=note.at)


def _account(archive: Archive) -> _Account:
    for name in archive.names:
        if PurePosixPath(name).name == "account.js":
            try:
                for record in records(archive, name):
                    found = record.get("account") if isinstance(record, dict) else None
                    if isinstance(found, dict):
                        return _Account(str(found.get("username") or ""), str(found.get("accountId") or ""))
            except SourceError:
                break
    return _Account()


def _noted(archive: Archive, notes: Notes, name: str) -> Iterator[Item]:
    for record in records(archive, name):
        if not notes.add(record):
            yield Skipped(what=name, reason="a long post without words")


def _tweets(archive: Archive, account: _Account, posts: Threads, notes: Notes, name: str) -> Iterator[Item]:
    for record in _rows(archive, name) if name.endswith(".csv") else records(archive, name):
        inner = record.get("tweet", record) if isinstance(record, dict) else None
        if not isinstance(inner, dict):
            yield Skipped(what=f"{name}: {str(record)[:80]}", reason="no post")
            continue
        try:
            post = _post(inner, account, notes)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            post = Skipped(what=f"{name}: {inner.get('id_str')}", reason=f"unreadable: {type(error).__name__}")
        if isinstance(post, Skipped):
            yield post
        elif not posts.add(post):
            yield Skipped(what=post.url, reason="another version of an edited post")


def _rows(archive: Archive, name: str) -> Iterator[dict[str, Any]]:
    table = cells(decode(archive.read(name), name), name)
    names = next(table, [])
    for row in table:
        values = dict(zip(names, row, strict=False))
        yield values | {
            "id_str": values.get("tweet_id"), "created_at": values.get("timestamp"),
            "retweeted_status": values.get("retweeted_status_id"),
        }  # fmt: skip


def _post(tweet: dict[str, Any], account: _Account, notes: Notes) -> Post | Skipped:
    number = str(tweet.get("id_str") or tweet.get("id") or "")
    raw = str(tweet.get("full_text") or tweet.get("text") or "")
    if not number.isdigit():
        return Skipped(what=raw[:80], reason="a post without a number")
    if raw.startswith("RT @") or tweet.get("retweeted_status"):
        return Skipped(what=number, reason="a repost of others' words")
    parent, to_others = _answers(tweet, account)
    span = tweet.get("display_text_range")
    # The names that X puts before a reply are not what its author wrote.
    start = int(span[0]) if parent and isinstance(span, list) and span else 0
    at = _moment(str(tweet.get("created_at") or ""))
    words = _own(raw[start:], tweet)
    whole = notes.whole(words, at)
    words = whole if whole is not None else words
    if not words.strip():
        return Skipped(what=number, reason="a post without words (a picture, a film or a bare quotation)")
    url = f"https://x.com/{account.name or 'i/web'}/status/{number}"
    first = _first_version(tweet, number, account)
    return Post(id=first, text=words, at=at, parent=parent, to_others=to_others, url=url, version=int(number))


def _first_version(tweet: dict[str, Any], number: str, account: _Account) -> str:
    """The number under which an edited post was first sent; each version is a post of its own in the archive."""
    told = tweet.get("edit_info")
    told = told if isinstance(told, dict) else {}
    edit = told.get("edit")
    control = told.get("initial") or (edit.get("editControlInitial") if isinstance(edit, dict) else None)
    numbers = control.get("editTweetIds") if isinstance(control, dict) else None
    if not isinstance(numbers, list) or len(numbers) < 2 or number not in map(str, numbers):
        return number
    account.first |= {str(later): str(numbers[0]) for later in numbers[1:]}
    return str(numbers[0])


def _answers(tweet: dict[str, Any], account: _Account) -> tuple[str, bool]:
    parent = str(tweet.get("in_reply_to_status_id_str") or tweet.get("in_reply_to_status_id") or "")
    user = str(tweet.get("in_reply_to_user_id_str") or tweet.get("in_reply_to_user_id") or "")
    name = str(tweet.get("in_reply_to_screen_name") or "")
    own = bool((user and user == account.number) or (name and name.lower() == account.name.lower()))
    return parent or user or name, bool(parent or user or name) and not own


def _own(text: str, tweet: dict[str, Any]) -> str:
    """The words as typed: addresses written out, without those that stand for a picture or a quoted post."""
    text = unescaped(text)
    for source in (tweet.get("entities"), tweet.get("extended_entities")):
        media = source.get("media") if isinstance(source, dict) else None
        for one in media if isinstance(media, list) else []:
            address = str(one.get("url") or "") if isinstance(one, dict) else ""
            text = re.sub(rf"\s*{re.escape(address)}", "", text) if address else text
    entities = tweet.get("entities")
    text = expanded(text, entities.get("urls") if isinstance(entities, dict) else None, "url", "expanded_url")
    text = _BY_HAND.sub("", _QUOTED.sub("", text))
    # What follows an old-style repost is another's: the words before it are one's own.
    others = _OTHERS.search(text)
    return text[: others.start()] if others else text


def _moment(value: str) -> datetime | None:
    try:
        return moment(datetime.strptime(value, _CREATED))
    except ValueError:
        return moment(value)


def _document(thread: list[Post], author: str, fetched_at: datetime) -> Item:
    first = thread[0]
    return make(
        "x", first.id, author, fetched_at, register="reply" if first.to_others else "post",
        text="\n\n".join(post.text for post in thread), url=first.url, published_at=first.at,
    )  # fmt: skip
