"""Posts saved from WordPress' programming interface (wp-json/wp/v2/posts), with the ids that the export gives them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from twin.errors import SourceError
from twin.records import Document
from twin.sources.archive import Archive
from twin.sources.aside import Aside
from twin.sources.jsonl import json_rows
from twin.sources.reading import Item, Skipped, make, moment, short_hash, tried
from twin.sources.wordpress_markup import NOTE_FORMATS, body_text, one_line, shown_text

_NO_TEXTS = {"attachment", "nav_menu_item", "wp_block", "wp_template", "wp_template_part", "wp_navigation"}


def read_answers(
    archive: Archive, kept: Aside, writers: dict[str, set[str]], author: str, fetched_at: datetime, name: str
) -> Iterator[Item]:
    """Put the posts of one file aside and fill `writers` (number: names); what is no post is Skipped.

    Raises SourceError for a file without posts.
    """
    where = f"{archive.path}:{name}"
    known = False
    for number, post in json_rows(archive, name, where):
        if not isinstance(post, dict) or not isinstance(post.get("content"), (dict, str)):
            yield Skipped(what=f"{name}, {number}", reason="no post")
            continue
        known = True
        item = tried(str(post.get("link") or f"{name}, {number}"), partial(_post, post, author, fetched_at))
        if isinstance(item, Document):
            kept.add(_writers(post, writers), item)
        else:
            yield item
    if not known:
        raise SourceError("this is no answer of WordPress with posts", where, "Save wp-json/wp/v2/posts, or export.")


def _writers(post: dict[str, Any], writers: dict[str, set[str]]) -> list[str]:
    inner = post.get("_embedded")
    people = inner.get("author") if isinstance(inner, dict) else None
    found = []
    for person in people if isinstance(people, list) else []:
        if isinstance(person, dict) and person.get("id"):
            found.append(str(person["id"]))
            writers.setdefault(found[-1], set()).update(str(person[key]) for key in ("name", "slug") if person.get(key))
    return found or ([str(post["author"])] if post.get("author") else [])


def _post(post: dict[str, Any], author: str, fetched_at: datetime) -> Item:
    address, kind, status = str(post.get("link") or ""), str(post.get("type") or ""), str(post.get("status") or "")
    title = one_line(_field(post, "title"))
    if kind in _NO_TEXTS:
        return Skipped(what=address or title, reason=f"a WordPress {kind}")
    if status not in ("", "publish"):
        return Skipped(what=address or title, reason="a draft" if status == "draft" else f"a {status} post")
    content = post["content"]
    if isinstance(content, dict) and content.get("protected"):
        return Skipped(what=address or title, reason="a post behind a password")
    raw = content.get("raw") if isinstance(content, dict) else None
    text = body_text(str(raw)) if raw else shown_text(_field(post, "content"))
    if not text.strip():
        return Skipped(what=address or title, reason="a post without words")
    host = urlsplit(address or _field(post, "guid")).netloc
    number = str(post.get("id") or short_hash(address, title, text))
    stamp = post.get("date_gmt") or post.get("date")
    return make(
        "wordpress", f"{host}/{number}" if host else number, author, fetched_at,
        register="note" if f"post-format-{post.get('format')}" in NOTE_FORMATS else "article", text=text, title=title,
        url=address if address.startswith("http") else "", published_at=moment(stamp),
    )  # fmt: skip


def _field(post: dict[str, Any], name: str) -> str:
    value = post.get(name)
    return str((value.get("rendered") or value.get("raw") or "") if isinstance(value, dict) else value or "")
