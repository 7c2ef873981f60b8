"""Substack: the export archive, and a post's HTML as its author wrote it."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from twin.errors import SourceError
from twin.sources.archive import Archive
from twin.sources.reading import Item, Skipped, decode, each, make, moment, tried
from twin.sources.table import cells, named_rows

if TYPE_CHECKING:
    from bs4 import Tag

TERMS = "the person's own data export (Substack: Settings, Exports)"

_CHROME = (
    ".subscription-widget, .subscription-widget-wrap, "
    ".subscription-widget-wrap-editor, .button-wrapper, .captioned-button-wrap, "
    ".image-link-expand, .sponsorship-campaign-embed, .embedded-post-wrap, .digest-post-embed, .poll-embed, .paywall, "
    ".paywall-jump, .embedded-publication-wrap, .comment-embed, .community-chat, .install-substack-app-embed, "
    ".directMessage, .file-embed-wrapper, .instagram-embed-wrap, .github-gist, .preformatted-block label, [data-component-name=SubscribeWidgetToDOM]"
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
    # Several publications, or an export in parts, lie in folders of their own.
    yield from each(tables, partial(_table, archive, author, fetched_at, base_url if len(tables) == 1 else ""))


def _table(archive: Archive, author: str, fetched_at: datetime, base_url: str, table: str) -> Iterator[Item]:
    folder, where = PurePosixPath(table).parent, f"{archive.path}:{table}"
    for row in named_rows(cells(decode(archive.read(table), where), where), where, {"postid", "title"}):
        name = str(folder / "posts" / f"{row['postid']}.html")
        if row.get("ispublished", "true").strip().lower() not in ("true", "1", "yes", "wahr", "verdadero", "vrai"):
            yield Skipped(what=row["postid"], reason="a draft")
        elif name not in archive.names:
            yield Skipped(what=row["postid"], reason="a post without its text in the archive")
        else:
            yield from each([name], partial(_page, archive, row, author, fetched_at, base_url), needed=lambda: False)


def _page(
    archive: Archive, row: dict[str, str], author: str, fetched_at: datetime, base_url: str, name: str
) -> Iterator[Item]:
    yield tried(name, partial(_exported, archive.page(name), row, author, fetched_at, base_url))


def _exported(data: bytes, row: dict[str, str], author: str, fetched_at: datetime, base_url: str) -> Item:
    number, _, slug = row["postid"].partition(".")
    text = body_text(decode(data, row["postid"]))
    if not text.strip():
        return Skipped(what=row["postid"], reason="a post without words")
    return make(
        "substack", number, author, fetched_at, register=register_of(row.get("type", "")), text=text,
        title=html.unescape(row["title"]), url=f"{base_url.rstrip('/')}/p/{slug}" if base_url and slug else "",
        published_at=moment(row.get("postdate")),
    )  # fmt: skip


def body_text(body: str) -> str:
    """A post's HTML as Markdown: without subscription boxes and buttons, others' words quoted, footnotes as notes."""
    from twin.sources.markdown import to_markdown
    from twin.text.markup import break_lines, parse

    page = parse(body)
    root = page.body or page
    for tag in root.select(_CHROME):
        tag.decompose()
    for verse in root.select(".preformatted-block pre.text"):
        break_lines(verse)
        verse["style"] = "white-space: pre-wrap"
    for tag in root.select("pre.preformatted-block"):
        tag.name = "div"
    _name_content(root)
    _quote_others(root)
    _footnotes(root)
    return to_markdown(root)


def _name_content(root: Tag) -> None:
    """Words that stand only in an element's data: names mentioned, shares' signs, formulas, captions of galleries."""
    for tag in root.select(".mention-wrap"):
        tag.replace_with(str(_data(tag).get("name") or tag.get_text()))
    for tag in root.select(".cashtag-wrap"):
        tag.replace_with(str(_data(tag).get("symbol") or tag.get_text()))
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


def register_of(kind: str) -> str:
    """A thread is a post; a newsletter, a podcast's notes and a video's are articles."""
    return "post" if kind == "thread" else "article"
