"""Medium's export archive: posts, and responses as replies; drafts are left alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from twin.errors import SourceError
from twin.sources.archive import Archive
from twin.sources.reading import Item, Skipped, decode_page, each, make, moment, short_hash, tried

if TYPE_CHECKING:
    from bs4 import Tag

TERMS = "the person's own data export (Medium: Settings, Security and apps, Download your information)"

_POST_PAGE = re.compile(r"<section (?=[^>]*data-field=[\"']?body)(?=[^>]*e-content)")
POST_ID = re.compile(r"(?:^|[-/_])([0-9a-f]{10,12})(?:[?#].*)?$")


def read_export(archive: Archive, author: str, fetched_at: datetime) -> Iterator[Item]:
    """Documents of a Medium export, ZIP or folder: posts as articles, responses as replies, drafts skipped.

    Ids are `medium:<hexadecimal id>`, the same in the feed. Raises SourceError when there is no posts folder.
    """
    names = [n for n in archive.names if PurePosixPath(n).suffix == ".html" and "posts" in PurePosixPath(n).parts[:-1]]
    if not names and (archive.path.name == "posts" or archive.path.suffix.lower() == ".html"):
        names = [n for n in archive.names if n.endswith(".html")]
    if not names:
        raise SourceError(
            "this is no Medium export",
            f"{archive.path} (no posts/*.html)",
            "Download your information at Medium and put the ZIP into the inbox.",
        )
    yield from each(names, partial(_page, archive, author, fetched_at))


def _page(archive: Archive, author: str, fetched_at: datetime, name: str) -> Iterator[Item]:
    yield tried(name, partial(post, archive.page(name), name, author, fetched_at))


def is_post(page: str) -> bool:
    """Whether a page is a post of Medium's export."""
    return _POST_PAGE.search(page) is not None


def post(data: bytes, name: str, author: str, fetched_at: datetime) -> Item:
    """One page of the export's posts; a draft is Skipped."""
    from twin.sources.markdown import to_markdown
    from twin.text.markup import parse, plain

    page = parse(decode_page(data, name))
    body = page.select_one("section[data-field=body]")
    stamp = page.select_one("time.dt-published")
    canonical = page.select_one("a.p-canonical")
    if stamp is None and canonical is None:
        return Skipped(what=name, reason="a draft")
    heading = page.select_one("h1.p-name") or page.find("h1")
    title = plain(heading) if heading else ""
    if body is None:
        return Skipped(what=name, reason="a page without a body")
    reply = _is_response(body, title)
    tidy(body, title)
    text = to_markdown(body)
    if not text.strip():
        return Skipped(what=name, reason="a post without words")
    url = str(canonical.get("href") or "") if canonical else ""
    # Every file of an export carries the post's id in its name; a renamed one is still one text.
    found = POST_ID.search(PurePosixPath(name).stem)
    return make(
        "medium", found[1] if found else short_hash(PurePosixPath(name).stem), author, fetched_at,
        register="reply" if reply else "article", text=text, title="" if reply else title, url=url,
        published_at=moment(stamp.get("datetime")) if stamp else None,
    )  # fmt: skip


def _is_response(body: Tag, title: str) -> bool:
    """A response has no title of its own: Medium makes one from its first words."""
    from twin.text.markup import plain

    first = body.select_one(".graf")
    if body.select_one(".graf--title") or first is None or first.name not in ("p", "blockquote"):
        return False
    start = title.rstrip("…. ").strip()
    return bool(start) and plain(first).startswith(start)


def tidy(body: Tag, title: str) -> None:
    """Take out what Medium adds: the title again, dividers, cards of other articles, pixels, links of names."""
    from twin.text.markup import plain

    for tag in body.select(".graf--title, .graf--mixtapeEmbed, .medium-feed-image, .medium-feed-link"):
        tag.decompose()
    for number, divider in enumerate(body.select("div.section-divider")):
        # Each section but the first begins where the author set a break.
        if number:
            divider.name = "hr"
        divider.clear()
    first = body.find(["h1", "h2", "h3", "p"])
    if first is not None and first.name != "p" and plain(first) == title:
        first.decompose()
    for quote in body.select("p.graf--pullquote, p.graf--blockquote, .graf--pullquote"):
        quote.name = "blockquote"
    for name in body.select("a.markup--user"):
        name.unwrap()
