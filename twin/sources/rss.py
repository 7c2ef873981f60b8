"""Any RSS 2.0, RSS 1.0 or Atom feed: entries with their full text, marked incomplete where the feed cuts them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from twin.errors import SourceError
from twin.sources import substack
from twin.sources.archive import Archive
from twin.sources.crawl import Ask, Crawl, Page
from twin.sources.reading import Item, Skipped, make, moment, short_hash, tried

if TYPE_CHECKING:
    from lxml.etree import _Element

TERMS = "a public feed, read under the site's robots.txt"
FILE_TERMS = "a feed that the person handed in as a file"

_CUT = re.compile(
    r"(?:\[?(?:…|\.\.\.|&hellip;)\]?|(?:read|continue reading|weiterlesen|lire la suite|leer más)[^\n]{0,40})\W*$",
    re.IGNORECASE,
)


def crawl(url: str | None, user: str | None) -> Crawl:
    """A crawl of the feed at `url`, or of the feed that the page at `url` names; `user` keeps one author's entries."""
    if not url:
        raise SourceError("a feed needs its address", user, "Give `url:` in the source's entry in params.yaml.")
    return Crawl("rss", TERMS, [Ask(url, "feed")], {"user": user or ""})


def follow(page: Page, author: str, fetched_at: datetime, context: dict[str, Any]) -> Iterator[Ask | Item]:
    """Turn a feed into documents and, for a paged Atom feed, the next page's Ask."""
    if page.step == "feed" and _is_page(page.body):
        link = _alternate(page)
        if not link:
            raise SourceError(
                "there is no feed at this address", page.url, "Give the address of the site's RSS or Atom feed."
            )
        yield Ask(link, "found feed")
        return
    found, following = entries(page.body, page.url)
    for entry in found:
        yield tried(entry["url"], partial(_document, entry, author, fetched_at, str(context.get("user") or "")))
    if following:
        yield Ask(urljoin(page.url, following), "more", required=False)


def read_files(archive: Archive, author: str, fetched_at: datetime, user: str) -> Iterator[Item]:
    """Documents of every feed saved as .xml, .rss or .atom below `archive`."""
    names = [n for n in archive.names if n.lower().endswith((".xml", ".rss", ".atom"))]
    if not names:
        raise SourceError(
            "there is no feed", f"{archive.path} (.xml, .rss, .atom)", "Name a feed's file, or give `url:`."
        )
    for name in names:
        for entry in entries(archive.read(name), f"{archive.path}:{name}")[0]:
            yield tried(entry["url"], partial(_document, entry, author, fetched_at, user))


def entries(body: bytes, where: str) -> tuple[list[dict[str, str]], str]:
    """The entries (id, title, url, date, content, summary, author) and the next page's address, empty when none.

    Entities are not expanded and nothing is fetched. Raises SourceError when it is no feed.
    """
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SourceError(
            "a feed can't be read", f"{where} ({error})", "Check the address: it should answer with RSS or Atom."
        ) from None
    if root is None or _name(root) not in ("rss", "feed", "RDF"):
        raise SourceError("this is no feed", where, "Give the address of an RSS or Atom feed.")
    items = [e for e in root.iter() if _name(e) in ("item", "entry")]
    following = [e for e in root.iter() if _name(e) == "link" and e.get("rel") == "next"]
    return [_entry(e) for e in items], str(following[0].get("href") or "") if following else ""


def _entry(element: _Element) -> dict[str, str]:
    entry = dict.fromkeys(("id", "title", "url", "date", "content", "summary", "author"), "")
    for child in element:
        name, text = _name(child), (child.text or "").strip()
        if name in ("guid", "id"):
            entry["id"] = text
        elif name == "title":
            entry["title"] = html.unescape(_inner(child)).strip()
        elif name == "link" and child.get("rel", "alternate") == "alternate":
            entry["url"] = entry["url"] or child.get("href") or text
        elif name in ("pubDate", "published", "date") or (name == "updated" and not entry["date"]):
            entry["date"] = text
        elif name in ("encoded", "content") and (child.get("type") or "text/html") != "image":
            entry["content"] = _inner(child) or entry["content"]
        elif name in ("description", "summary"):
            entry["summary"] = _inner(child)
        elif name in ("creator", "author"):
            entry["author"] = text or " ".join(
                "".join(str(t) for t in n.itertext()) for n in child if _name(n) == "name"
            )
    entry["url"] = entry["url"] or (entry["id"] if entry["id"].startswith("http") else "")
    entry["id"] = entry["id"] or entry["url"]
    return entry


def _inner(element: _Element) -> str:
    """The element's content as HTML: what XHTML content holds is written out, what is escaped is text already."""
    from lxml import etree

    if not len(element):
        text = element.text or ""
        return html.escape(text, quote=False) if element.get("type") == "text" else text
    return (element.text or "") + "".join(etree.tostring(child, encoding="unicode", method="html") for child in element)


def _document(entry: dict[str, str], author: str, fetched_at: datetime, user: str) -> Item:
    from twin.text.clean import matching

    if user and matching(user) not in matching(entry["author"]):
        return Skipped(what=entry["url"], reason="signed with another name")
    text = _text(entry["content"] or entry["summary"])
    if not text.strip():
        return Skipped(what=entry["url"] or entry["title"], reason="an entry without words")
    whole = not _CUT.search(text[-80:]) if not entry["content"] else not re.search(r"\[Read more\]\([^)]*\)\s*$", text)
    return make(
        "rss", entry["id"] or short_hash(entry["title"], text), author, fetched_at,
        register="article" if entry["title"] else "post", text=text, title=entry["title"], url=entry["url"],
        published_at=moment(entry["date"]), complete=whole,
    )  # fmt: skip


def _text(content: str) -> str:
    from twin.text.markup import parse, plain, to_markdown

    if not re.search(r"<[a-zA-Z!/]", content):
        return html.unescape(content).strip("\n")
    if re.search(r'class="[^"]*(?:subscription-widget|button-wrapper|captioned-image-container)', content):
        return substack.body_text(content)
    page = parse(content)
    for tag in page.find_all("p"):
        if re.match(r"The post .* (?:appeared first on|first appeared on) ", plain(tag)):
            tag.decompose()
    return to_markdown(page.body or page)


def _name(element: Any) -> str:
    return element.tag.rsplit("}", 1)[-1] if isinstance(element.tag, str) else ""


def _is_page(body: bytes) -> bool:
    return (
        re.match(
            rb"\s*(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)?<(?:!doctype html|html)", body[:2048], re.IGNORECASE | re.DOTALL
        )
        is not None
    )


def _alternate(page: Page) -> str:
    from twin.text.markup import parse

    for link in parse(page.body).select("link[rel~=alternate][href]"):
        if str(link.get("type") or "").lower() in ("application/rss+xml", "application/atom+xml"):
            return urljoin(page.url, str(link["href"]))
    return ""
