"""Any RSS, Atom or JSON feed: entries with their full text, marked incomplete where the feed cuts them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from twin.errors import SourceError
from twin.sources import medium_feed, substack
from twin.sources.archive import Archive
from twin.sources.crawl import Ask, Crawl, Page
from twin.sources.feed import COMMON, alternates, entries, is_page
from twin.sources.reading import Item, Skipped, each, make, moment, short_hash, tried

if TYPE_CHECKING:
    from bs4 import Tag

TERMS = "a public feed, read under the site's robots.txt"
FILE_TERMS = "a feed that the person handed in as a file"

_CUT = re.compile(
    r"(?:\[?(?:…|\.\.\.|&hellip;)\]?|(?:read|continue reading|weiterlesen|lire la suite|leer más)[^\n]{0,40})\W*$",
    re.IGNORECASE,
)

_MORE = re.compile(
    r"\[(?:read (?:more|on|the (?:rest|full))|continue reading|keep reading|weiterlesen|lire la suite|leer más)[^\]]*\]"
    r"\([^)]*\)\W*$",
    re.IGNORECASE,
)


def crawl(url: str | None, user: str | None) -> Crawl:
    """A crawl of the feed at `url`, or of the feed that the page at `url` names; `user` keeps one author's entries."""
    if not url:
        raise SourceError("a feed needs its address", user, "Give `url:` in the source's entry in params.yaml.")
    return Crawl("rss", TERMS, [Ask(url, "feed")], {"user": user or ""})


def follow(page: Page, author: str, fetched_at: datetime, context: dict[str, Any]) -> Iterator[Ask | Item]:
    """Turn a feed into documents and, for a paged feed, the next page's Ask; a blog's page leads to its feed."""
    if is_page(page.body):
        if page.step != "feed":
            raise SourceError(
                "there is no feed at this address",
                page.url,
                "Give the feed's own address, or take the blog by its sitemap: `kind: blog`.",
            )
        here = page.url.split("?")[0].rstrip("/") + "/"
        guesses = [urljoin(base, name) for base in (here, urljoin(here, "/")) for name in COMMON]
        links = alternates(page.body, page.url) or list(dict.fromkeys(guesses))
        yield Ask(links[0], "found feed", instead=[(link, "found feed") for link in links[1:]])
        return
    found, following = entries(page.body, page.url)
    for entry in found:
        yield tried(entry["url"], partial(_document, entry, author, fetched_at, str(context.get("user") or "")))
    if following:
        yield Ask(urljoin(page.url, following), "more", required=False)


def read_files(archive: Archive, author: str, fetched_at: datetime, user: str) -> Iterator[Item]:
    """Documents of every feed saved as .xml, .rss, .atom or .json below `archive`."""
    names = [n for n in archive.names if n.lower().endswith((".xml", ".rss", ".atom", ".json"))]
    if not names:
        raise SourceError(
            "there is no feed", f"{archive.path} (.xml, .rss, .atom)", "Name a feed's file, or give `url:`."
        )
    yield from each(names, partial(_entries, archive, author, fetched_at, user))


def _entries(archive: Archive, author: str, fetched_at: datetime, user: str, name: str) -> Iterator[Item]:
    for entry in entries(archive.read(name), f"{archive.path}:{name}")[0]:
        yield tried(entry["url"], partial(_document, entry, author, fetched_at, user))


def _document(entry: dict[str, str], author: str, fetched_at: datetime, user: str) -> Item:
    from twin.text.clean import matching

    if entry.get("left_out"):
        return Skipped(what=entry["url"] or entry["title"] or entry["id"], reason=entry["left_out"])
    if medium_feed.is_medium(entry):
        # The same text has one id, whichever way it is collected.
        return medium_feed.from_feed(entry, author, fetched_at)
    if user and matching(user) not in matching(entry["author"]):
        return Skipped(what=entry["url"], reason="signed with another name")
    text = _text(entry["content"] or entry["summary"], entry["url"])
    if not text.strip():
        return Skipped(what=entry["url"] or entry["title"], reason="an entry without words")
    whole = _is_whole(entry, text)
    return make(
        "rss", entry["id"] or short_hash(entry["title"], text), author, fetched_at,
        register="article" if entry["title"] else "post", text=text, title=entry["title"],
        url=entry["url"] if entry["url"].startswith("http") else "", published_at=moment(entry["date"]), complete=whole,
    )  # fmt: skip


def _is_whole(entry: dict[str, str], text: str) -> bool:
    """Whether an entry holds all of its text. A title with a few plain lines below it is a summary; a bare post is not."""
    if entry["content"]:
        return not _MORE.search(text[-400:])
    if _CUT.search(text[-80:]):
        return False
    if not entry["title"]:
        return True
    return len(re.findall(r"<(?:p|h\d|li|pre|blockquote)\b", entry["summary"], re.IGNORECASE)) > 1 or len(text) > 1500


def _names_itself(paragraph: Tag, url: str) -> bool:
    """Whether a paragraph links to the entry and to its blog and nothing else: WordPress' footer, in any language."""
    links = [str(link.get("href") or "").split("?")[0].rstrip("/") for link in paragraph.find_all("a")]
    here = url.split("?")[0].rstrip("/")
    return len(links) == 2 and bool(links[1]) and links[0] == here != links[1] and here.startswith(links[1])


def _text(content: str, url: str) -> str:
    from twin.sources.markdown import to_markdown
    from twin.text.markup import parse, plain

    if not re.search(r"<[a-zA-Z!/]", content):
        return html.unescape(content).strip("\n")
    if re.search(r'class="[^"]*(?:subscription-widget|button-wrapper|captioned-image-container)', content):
        return substack.body_text(content)
    page = parse(content)
    for tag in page.find_all("p"):
        if re.match(r"The post .* (?:appeared first on|first appeared on) ", plain(tag)):
            tag.decompose()
    if (last := next(iter(page.find_all("p")[-1:]), None)) is not None and _names_itself(last, url):
        last.decompose()
    return to_markdown(page.body or page)
