"""A Ghost export (JSON): published posts and pages of the author, from what they typed into whichever editor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any

from twin.errors import SourceError
from twin.records import Document
from twin.sources.archive import Archive
from twin.sources.aside import Aside
from twin.sources.ghost_cards import body_text
from twin.sources.json_stream import records
from twin.sources.reading import Item, Skipped, each, make, moment, short_hash, tried
from twin.sources.writers import chosen

TERMS = "the person's own export (Ghost: Settings, Import/Export, Export content)"

_PLACES = ("db.item.data", "data", "")


def read_export(
    archive: Archive, author: str, fetched_at: datetime, user: str = "", author_name: str = ""
) -> Iterator[Item]:
    """Documents of every Ghost export; ids are `ghost:<uuid>`, the same in Ghost's API.

    `user` names the writer where several write there. Raises SourceError when there are no posts or no such writer.
    """
    names = [name for name in archive.names if name.lower().endswith(".json")]
    if not names:
        raise SourceError(
            "this is no Ghost export", f"{archive.path} (no .json)",
            "Export the content in Ghost's settings and put the file into the inbox.",
        )  # fmt: skip
    people: dict[str, set[str]] = {}
    with Aside() as kept:
        yield from each(
            names, partial(_items, archive, kept, people, author, fetched_at), needed=lambda: not kept
        )  # fmt: skip
        writing = {writer: people.get(writer, set()) for writer in kept.writers}
        own = chosen(writing, user, author_name or author, archive.path)
        for writers, document in kept:
            yield document if own & {*writers} else Skipped(what=document.title, reason="by another writer")


def _items(
    archive: Archive, kept: Aside, people: dict[str, set[str]], author: str, fetched_at: datetime, name: str
) -> Iterator[Item]:  # fmt: skip
    for place in _PLACES:
        prefix = f"{place}." if place else ""
        writers = _writers(archive, name, prefix, people)
        found = False
        for record in records(archive, name, f"{prefix}posts.item"):
            found = True
            post = record.get("data", record) if isinstance(record, dict) else None
            if not isinstance(post, dict):
                yield Skipped(what=f"{name}: {str(record)[:80]}", reason="no post")
                continue
            item = tried(str(post.get("title") or name), partial(_post, post, author, fetched_at))
            if isinstance(item, Document):
                kept.add(_own_writers(post, writers), item)
            else:
                yield item
        if found:
            return
    raise SourceError("this is no Ghost export", f"{archive.path}:{name} (no posts)", "Export the content in Ghost.")


def _writers(archive: Archive, name: str, prefix: str, people: dict[str, set[str]]) -> dict[str, list[str]]:
    """Who wrote which post, by the post's id; fills `people` with everyone's names."""
    for user in records(archive, name, f"{prefix}users.item"):
        if isinstance(user, dict):
            _person(user, people)
    found: dict[str, list[str]] = {}
    for link in records(archive, name, f"{prefix}posts_authors.item"):
        if isinstance(link, dict):
            found.setdefault(str(link.get("post_id")), []).append(str(link.get("author_id")))
    return found


def _person(user: dict[str, Any], people: dict[str, set[str]]) -> None:
    names = {str(user[key]) for key in ("name", "slug", "email") if user.get(key)}
    people[str(user.get("id"))] = people.get(str(user.get("id")), set()) | names


def _own_writers(post: dict[str, Any], writers: dict[str, list[str]]) -> list[str]:
    if listed := writers.get(str(post.get("id"))):
        return listed
    named = post.get("authors") or post.get("author") or post.get("primary_author") or post.get("author_id")
    found = []
    for one in named if isinstance(named, list) else [named]:
        inner = one.get("data", one) if isinstance(one, dict) else one
        value = (inner.get("name") or inner.get("slug") or inner.get("id")) if isinstance(inner, dict) else inner
        found += [str(value)] if value else []
    return found


def _post(post: dict[str, Any], author: str, fetched_at: datetime) -> Item:
    title = str(post.get("title") or "")
    status = str(post.get("status") or "published")
    if status not in ("published", "sent"):
        return Skipped(what=title or str(post.get("id")), reason="a draft" if status == "draft" else f"a {status} post")
    text = body_text(post)
    if not text.strip():
        return Skipped(what=title or str(post.get("id")), reason="a post without words")
    address = str(post.get("canonical_url") or post.get("url") or "")
    return make(
        "ghost", str(post.get("uuid") or post.get("id") or short_hash(title, text)), author, fetched_at,
        register="article", text=text, title="" if title == "(Untitled)" else title,
        url=address if address.startswith("http") and "__GHOST_URL__" not in address else "",
        published_at=moment(post.get("published_at") or post.get("created_at")),
    )  # fmt: skip
