"""A Mastodon archive (outbox.json; ZIP, tar or the file alone): public posts and threads, boosts left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from twin.errors import SourceError
from twin.sources.archive import Archive
from twin.sources.json_stream import records
from twin.sources.reading import Item, Skipped, each, make, moment
from twin.sources.threads import Post, Threads

if TYPE_CHECKING:
    from bs4 import Tag

TERMS = "the person's own archive (Mastodon: Preferences, Import and export, Request your archive)"

_PUBLIC = {"https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public"}
# A renamed outbox; other lists of an archive hold addresses alone.
_OUTBOX = re.compile(rb"\"orderedItems\"\s*:\s*\[\s*\{")
_KINDS = {"Note": "post", "Question": "post", "Article": "article", "Page": "article"}


def read_export(archive: Archive, author: str, fetched_at: datetime) -> Iterator[Item]:
    """Documents of a Mastodon archive; ids are `mastodon:<address of the thread's first post, without https>`.

    What is not public is left out. Raises SourceError when there is no outbox.
    """
    names = [name for name in archive.names if PurePosixPath(name).name == "outbox.json"] or [
        name for name in archive.names if name.lower().endswith(".json") and _OUTBOX.search(archive.head(name))
    ]
    if not names:
        raise SourceError(
            "this is no Mastodon archive", f"{archive.path} (no outbox.json)",
            "Request your archive in Mastodon's preferences, and put it into the inbox as it is.",
        )  # fmt: skip
    with closing(Threads()) as posts:
        yield from each(names, partial(_posts, archive, posts), needed=lambda: not posts)
        for thread in posts.joined():
            yield _document(thread, author, fetched_at)


def _posts(archive: Archive, posts: Threads, name: str) -> Iterator[Item]:
    found = False
    for activity in records(archive, name, "orderedItems.item"):
        found = True
        try:
            post = _post(activity)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError, AssertionError) as error:
            post = Skipped(what=f"{name}: {str(activity)[:80]}", reason=f"unreadable: {type(error).__name__}")
        if isinstance(post, Skipped):
            yield post
        else:
            posts.add(post)
    if not found and not posts:
        raise SourceError(
            "an outbox is empty", f"{archive.path}:{name} (no orderedItems)", "Request the archive again."
        )


def _post(activity: Any) -> Post | Skipped:
    note = activity.get("object")
    what = str(activity.get("id") or note)[:200]
    if activity.get("type") == "Announce":
        return Skipped(what=what, reason="a boost of others' words")
    if activity.get("type") != "Create" or not isinstance(note, dict) or note.get("type") not in _KINDS:
        return Skipped(what=what, reason=f"no post ({activity.get('type')})")
    if not _PUBLIC & {*_listed(note, "to"), *_listed(note, "cc"), *_listed(activity, "to"), *_listed(activity, "cc")}:
        return Skipped(what=what, reason="not public")
    words = "\n\n".join(filter(None, [_markdown(str(note.get("content") or "")), _choices(note)]))
    if not words.strip():
        return Skipped(what=what, reason="a post without words")
    parent = note.get("inReplyTo")
    parent = str(parent.get("id") if isinstance(parent, dict) else parent or "")
    own = str(note.get("attributedTo") or activity.get("actor") or "")
    return Post(
        id=str(note.get("id") or what), text=words, at=moment(note.get("published") or activity.get("published")),
        parent=parent, to_others=bool(parent) and not (own and parent.startswith(f"{own}/")), title=str(note.get("name") or note.get("summary") or ""),
        url=str(note.get("url") or note.get("id") or ""), kind=_KINDS[str(note["type"])],
    )  # fmt: skip


def _listed(value: dict[str, Any], key: str) -> list[str]:
    found = value.get(key) or []
    return [str(one) for one in (found if isinstance(found, list) else [found])]


def _choices(note: dict[str, Any]) -> str:
    answers = [*(note.get("oneOf") or []), *(note.get("anyOf") or [])]
    return "\n".join(f"- {answer['name']}" for answer in answers if isinstance(answer, dict) and answer.get("name"))


def _markdown(content: str) -> str:
    from twin.sources.markdown import to_markdown
    from twin.text.markup import parse

    page = parse(content)
    # The address of a quoted post, put there for programs that can't show it.
    for quoted in page.select("p.quote-inline, span.quote-inline"):
        quoted.decompose()
    for link in page.find_all("a"):
        _write_out(link)
    return to_markdown(page.body or page)


def _write_out(link: Tag) -> None:
    """Names and tags stand as typed; an address that the page shortens is written out."""
    classes = {str(name) for name in link.get("class") or []}
    if classes & {"mention", "hashtag", "u-url"}:
        link.replace_with(link.get_text())
    elif link.find("span", class_=["invisible", "ellipsis"]):
        shown = link.get_text()
        link.replace_with(shown if "://" in shown else str(link.get("href") or shown))


def _document(thread: list[Post], author: str, fetched_at: datetime) -> Item:
    first = thread[0]
    return make(
        "mastodon", first.id.split("://", 1)[-1], author, fetched_at,
        register="reply" if first.to_others else first.kind, text="\n\n".join(post.text for post in thread),
        title=first.title, url=first.url, published_at=first.at,
    )  # fmt: skip
