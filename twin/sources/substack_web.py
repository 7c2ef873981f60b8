"""Substack over the network: a publication's archive and posts, or its feed where the API is shut; previews marked."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from twin.errors import SourceError
from twin.sources.crawl import Ask, Crawl, Page, Remark
from twin.sources.feed import entries
from twin.sources.reading import Item, Skipped, make, moment, tried
from twin.sources.substack import body_text, register_of

TERMS = "the publication's public posts, read under its robots.txt; for the publication's owner"
SHUT = "the publication asks AI crawlers to stay away (block_ai_crawlers): collect it only as its owner"

PAGE = 25
WHOLE_SHARE = 0.7
_MEND = "Wait an hour and run it again, or make an export in Substack's settings and name the ZIP with `path:`."
_ARCHIVE = "/api/v1/archive"


def crawl(user: str | None, url: str | None) -> Crawl:
    """A crawl of a publication by address, or by its name before `.substack.com`; with both, of one of its writers."""
    if not (url or user):
        raise SourceError(
            "Substack needs an address or a name", None, "Give `url:` or `user:` in the source's entry in params.yaml."
        )
    name = str(user).strip().lstrip("@")
    base = (url or f"https://{name}.substack.com").split("?")[0].rstrip("/")
    base = re.sub(r"/(?:feed|archive|p/.*|about)$", "", base)
    first = Ask(_address(base, 0), "archive", {"offset": 0}, instead=[(f"{base}/feed", "feed")])
    return Crawl("substack_web", TERMS, [first], {"writer": name if url and user else ""}, whole=True, mend=_MEND)


def _address(base: str, offset: int) -> str:
    return f"{base}{_ARCHIVE}?sort=new&search=&offset={offset}&limit={PAGE}"


def follow(page: Page, author: str, fetched_at: datetime, context: dict[str, Any]) -> Iterator[Ask | Item | Remark]:
    """An archive page gives its posts' Asks and the next page's; a post, or the feed, gives documents."""
    writer = str(context.get("writer") or "")
    if page.step == "feed":
        for entry in entries(page.body, page.url)[0]:
            yield tried(entry["url"], partial(from_feed, entry, author, fetched_at, writer))
        return
    value = _json(page)
    if page.step == "archive":
        yield from _archive(value, page)
        return
    if isinstance(value, dict) and (value.get("publicationSettings") or {}).get("block_ai_crawlers"):
        yield Remark(SHUT)
    post = value.get("post", value) if isinstance(value, dict) else value
    yield tried(page.url, partial(from_api, post, author, fetched_at, writer))


def _archive(value: Any, page: Page) -> Iterator[Ask | Item | Remark]:
    if not isinstance(value, list):
        raise SourceError("this is no Substack archive", page.url, "Give the publication's own address.")
    # A name at substack.com leads to the publication's own domain: the rest is asked there at once.
    base = page.url.split(_ARCHIVE)[0]
    posts = [post for post in value if isinstance(post, dict) and post.get("slug")]
    for post in posts:
        if post.get("block_ai_crawlers"):
            yield Remark(SHUT)
        yield Ask(f"{base}/api/v1/posts/{post['slug']}", "post", required=False)
    # A page may hold fewer than were asked for: only an empty one is the end, or one that says the same again.
    first = str(posts[0]["slug"]) if posts else ""
    if value and first != page.carry.get("first"):
        offset = page.carry["offset"] + len(value)
        yield Ask(_address(base, offset), "archive", {"offset": offset, "first": first})


def from_api(post: dict[str, Any], author: str, fetched_at: datetime, writer: str = "") -> Item:
    """A post as the API gives it. Its `wordcount` is the whole text's, also where the body is a preview."""
    from twin.text.clean import UNSPACED
    from twin.text.markup import parse, plain

    what = str(post.get("canonical_url") or post.get("slug"))
    writers = {str(b.get("handle") or "").lower() for b in post.get("publishedBylines") or []}
    if writer and writers and writer.lower().lstrip("@") not in writers:
        return Skipped(what=what, reason="by another writer")
    if post.get("is_published") is False:
        return Skipped(what=what, reason="a draft")
    body = post.get("body_html")
    if not body:
        kind = str(post.get("type") or "newsletter")
        paid = str(post.get("audience") or "everyone") not in ("everyone", "only_free")
        why = "paid, without a preview" if paid else f"a {kind} without words"
        return Skipped(what=what, reason=f"a post without a body ({why})")
    text = body_text(body)
    if not text.strip():
        return Skipped(what=what, reason="a post without words")
    count = int(post.get("wordcount") or 0)
    free = post.get("audience") in ("everyone", "only_free", None)
    shown = plain(parse(body))
    # In scripts without spaces nobody's count of words is another's: there a free post is taken at its word.
    told = count and not (free and len(UNSPACED.findall(shown)) * 3 > len(shown))
    whole = len(shown.split()) >= WHOLE_SHARE * count if told else bool(free)
    return make(
        "substack", str(post["id"]), author, fetched_at, register=register_of(str(post.get("type") or "")), text=text,
        title=html.unescape(str(post.get("title") or "")), url=str(post.get("canonical_url") or ""),
        published_at=moment(post.get("post_date")), complete=whole,
    )  # fmt: skip


def from_feed(entry: dict[str, str], author: str, fetched_at: datetime, writer: str = "") -> Item:
    """An entry of a publication's feed, which knows no numbers: its id is `substack:p/<slug>`.

    A paid post ends in a link "Read more": it is marked incomplete, and the link goes.
    """
    from twin.text.clean import matching

    if writer and matching(writer) not in matching(entry["author"]):
        return Skipped(what=entry["url"], reason="by another writer")
    content = entry["content"] or entry["summary"]
    cut = re.search(r"<p>\s*<a\b[^>]*>\s*Read more\s*</a>\s*</p>\s*$", content, re.IGNORECASE)
    text = body_text(content[: cut.start()] if cut else content)
    if not text.strip():
        return Skipped(what=entry["url"], reason="a post without words")
    path = urlsplit(entry["url"]).path
    return make(
        "substack", path.strip("/") if path.startswith("/p/") else entry["id"], author, fetched_at, register="article",
        text=text, title=entry["title"], url=entry["url"], published_at=moment(entry["date"]),
        complete=bool(entry["content"]) and not cut,
    )  # fmt: skip


def _json(page: Page) -> Any:
    try:
        return json.loads(page.body)
    except ValueError:
        site = urlsplit(page.url).netloc
        raise SourceError(
            "this is no Substack publication", f"{site} (its answer is no JSON)", "Give the publication's own address."
        ) from None
