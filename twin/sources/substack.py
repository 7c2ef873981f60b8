"""Substack: the export archive and a publication's public posts; previews of paid posts are marked incomplete."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from twin.errors import SourceError
from twin.sources.archive import Archive
from twin.sources.crawl import Ask, Crawl, Page
from twin.sources.reading import Item, Skipped, decode, make, moment, tried
from twin.sources.table import cells, named_rows

if TYPE_CHECKING:
    from bs4 import Tag

TERMS = "the person's own data export (Substack: Settings, Exports)"
WEB_TERMS = "the publication's public posts, read under its robots.txt; for the publication's owner"

PAGE = 25
WHOLE_SHARE = 0.7

_CHROME = (
    ".subscription-widget, .subscription-widget-wrap, "
    ".subscription-widget-wrap-editor, .button-wrapper, .captioned-button-wrap, "
    ".image-link-expand, .sponsorship-campaign-embed, .embedded-post-wrap, .digest-post-embed, .poll-embed, .paywall, "
    ".paywall-jump, .embedded-publication-wrap, .comment-embed, .community-chat, .install-substack-app-embed, "
    ".directMessage, .file-embed-wrapper, [data-component-name=SubscribeWidgetToDOM]"
)


def read_export(archive: Archive, author: str, fetched_at: datetime, base_url: str = "") -> Iterator[Item]:
    """Documents of a Substack export, ZIP or folder: published posts only; files about subscribers are never opened.

    Ids are `substack:<post number>`, the same over the network. `base_url`, the publication's address, gives the posts
    their addresses, which the export lacks. Raises SourceError when there is no posts.csv.
    """
    tables = [n for n in archive.names if PurePosixPath(n).name == "posts.csv"]
    if not tables:
        raise SourceError(
            "this is no Substack export",
            f"{archive.path} (no posts.csv)",
            "Make an export in Substack's settings and put the ZIP into the inbox.",
        )
    folder = PurePosixPath(tables[0]).parent
    where = f"{archive.path}:{tables[0]}"
    rows = named_rows(cells(decode(archive.read(tables[0]), where), where), where, {"postid", "title"})
    for row in rows:
        name = str(folder / "posts" / f"{row['postid']}.html")
        if row.get("ispublished", "").lower() != "true":
            yield Skipped(what=row["postid"], reason="a draft")
        elif name not in archive.names:
            yield Skipped(what=row["postid"], reason="a post without its text in the archive")
        else:
            yield tried(name, partial(_exported, archive.read(name), row, author, fetched_at, base_url))


def _exported(data: bytes, row: dict[str, str], author: str, fetched_at: datetime, base_url: str) -> Item:
    number, _, slug = row["postid"].partition(".")
    text = body_text(decode(data, row["postid"]))
    if not text.strip():
        return Skipped(what=row["postid"], reason="a post without words")
    return make(
        "substack", number, author, fetched_at, register=_register(row.get("type", "")), text=text,
        title=html.unescape(row["title"]), url=f"{base_url.rstrip('/')}/p/{slug}" if base_url and slug else "",
        published_at=moment(row.get("postdate")),
    )  # fmt: skip


def crawl(user: str | None, url: str | None) -> Crawl:
    """A crawl of a publication by address, or by its name before `.substack.com`; with both, of one of its writers."""
    if not (url or user):
        raise SourceError(
            "Substack needs an address or a name", None, "Give `url:` or `user:` in the source's entry in params.yaml."
        )
    base = (url or f"https://{user}.substack.com").rstrip("/")
    return Crawl("substack", WEB_TERMS, [_archive(base, 0)], {"base": base, "writer": user if url else ""})


def _archive(base: str, offset: int) -> Ask:
    return Ask(f"{base}/api/v1/archive?sort=new&search=&offset={offset}&limit={PAGE}", "archive", {"offset": offset})


def follow(page: Page, author: str, fetched_at: datetime, context: dict[str, Any]) -> Iterator[Ask | Item]:
    """An archive page gives its posts' Asks and the next page's; a post gives its document."""
    value = _json(page)
    if page.step == "archive":
        if not isinstance(value, list):
            raise SourceError("this is no Substack archive", page.url, "Give the publication's own address.")
        # A page may hold fewer than were asked for: only an empty one is the end.
        for post in value:
            yield Ask(f"{context['base']}/api/v1/posts/{post['slug']}", "post", required=False)
        if value:
            yield _archive(context["base"], page.carry["offset"] + len(value))
    else:
        yield tried(page.url, partial(from_api, value, author, fetched_at, str(context.get("writer") or "")))


def from_api(post: dict[str, Any], author: str, fetched_at: datetime, writer: str = "") -> Item:
    """A post as the API gives it. Its `wordcount` is the whole text's, also where the body is a preview."""
    from twin.text.markup import parse, plain

    what = str(post.get("canonical_url") or post.get("slug"))
    writers = {str(b.get("handle") or "").lower() for b in post.get("publishedBylines") or []}
    if writer and writers and writer.lower().lstrip("@") not in writers:
        return Skipped(what=what, reason="by another writer")
    body = post.get("body_html")
    if not body:
        return Skipped(what=what, reason="a post without a body (paid, without a preview)")
    text = body_text(body)
    if not text.strip():
        return Skipped(what=what, reason="a post without words")
    count = int(post.get("wordcount") or 0)
    whole = len(plain(parse(body)).split()) >= WHOLE_SHARE * count if count else post.get("audience") == "everyone"
    return make(
        "substack", str(post["id"]), author, fetched_at, register=_register(str(post.get("type") or "")), text=text,
        title=html.unescape(str(post.get("title") or "")), url=str(post.get("canonical_url") or ""),
        published_at=moment(post.get("post_date")), complete=whole,
    )  # fmt: skip


def body_text(body: str) -> str:
    """A post's HTML as Markdown: without subscription boxes and buttons, others' words quoted, footnotes as notes."""
    from twin.text.markup import parse, to_markdown

    page = parse(body)
    root = page.body or page
    for tag in root.select(_CHROME):
        tag.decompose()
    _name_content(root)
    _quote_others(root)
    _footnotes(root)
    return to_markdown(root)


def _name_content(root: Tag) -> None:
    """Words that stand only in an element's data: names mentioned, formulas, captions of galleries."""
    for tag in root.select(".mention-wrap"):
        tag.replace_with(str(_data(tag).get("name") or tag.get_text()))
    for tag in root.select(".latex-rendered"):
        tag.name = "p"
        tag.string = f"$${_data(tag).get('persistentExpression') or ''}$$"
    for tag in root.select(".image-gallery-embed"):
        gallery = _data(tag).get("gallery")
        tag.name = "p"
        tag.string = str(gallery.get("caption") or "") if isinstance(gallery, dict) else ""


def _quote_others(root: Tag) -> None:
    for tag in root.select(".tweet, .twitter-embed, [data-component-name^=Twitter]"):
        data = _data(tag)
        words, name = str(data.get("full_text") or tag.get_text(" ", strip=True)), str(data.get("name") or "")
        tag.clear()
        tag.name, tag.string = "blockquote", " ".join([*words.split(), *(["—", name] if name else [])])
    for tag in root.select(".pullquote"):
        tag.name = "blockquote"


def _footnotes(root: Tag) -> None:
    for tag in root.select("a.footnote-anchor"):
        tag.replace_with(f"[^{tag.get_text(strip=True)}]")
    for tag in root.select("div.footnote"):
        number = tag.select_one(".footnote-number")
        label = number.get_text(strip=True) if number else ""
        if number:
            number.decompose()
        first = tag.find("p") or tag
        first.insert(0, f"[^{label}]: ")


def _data(tag: Tag) -> dict[str, Any]:
    inner = tag if tag.get("data-attrs") else tag.select_one("[data-attrs]")
    try:
        value = json.loads(str(inner["data-attrs"])) if inner else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _register(kind: str) -> str:
    return "post" if kind == "thread" else "article"


def _json(page: Page) -> Any:
    try:
        return json.loads(page.body)
    except ValueError:
        site = urlsplit(page.url).netloc
        raise SourceError(
            "this is no Substack publication", f"{site} (its answer is no JSON)", "Give the publication's own address."
        ) from None
