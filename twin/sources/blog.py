"""A blog without a feed: its posts by its sitemap, and the main text of each page with title, date and author."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from twin.errors import SourceError
from twin.sources.crawl import Ask, Crawl, Page
from twin.sources.reading import Item, Skipped, make, moment, tried

if TYPE_CHECKING:
    from bs4 import Tag

TERMS = "a public blog, read under the site's robots.txt; for its author"

_MAX_SITEMAP = 50 * 2**20
_MAX_PAGES = 50_000
_MAX_PAGE = 4_000_000
_MEND = "Give the address of the blog's sitemap, or take its feed: `kind: rss`."
_NO_POST = re.compile(
    r"/(?:tags?|categor(?:y|ies)|topics?|authors?|page|search|feed|archives?|wp-content|wp-json)(?:/|$)|"
    r"\.(?:xml|json|pdf|png|jpe?g|gif|svg|webp|zip|txt)$",
    re.IGNORECASE,
)
_DATED = re.compile(r"/(?:19|20)\d{2}[/-]\d{1,2}(?:[/-]|$)")
_BODIES = (
    "[itemprop=articleBody], .h-entry .e-content, .entry-content, .post-content, .gh-content, .post-body, "
    ".article-content, .article-body, .post__content, .blog-post-content, article, main"
)
_AROUND = (
    "nav, header, footer, aside, form, .sharedaddy, .jp-relatedposts, .related-posts, .post-tags, .share, "
    "#comments, .comments"
)


def crawl(url: str | None, user: str | None) -> Crawl:
    """A crawl of the blog at `url` (its front page, a part of it, or its sitemap); `user` keeps one author's posts."""
    if not url:
        raise SourceError("a blog needs its address", user, "Give `url:` in the source's entry in params.yaml.")
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc}"
    named = re.search(r"\.xml(?:\.gz)?$|sitemap[^/]*$", parts.path, re.IGNORECASE) is not None
    under = "/" if named else parts.path.rsplit("/", 1)[0] + "/" if "." in parts.path else parts.path.rstrip("/") + "/"
    context = {"writer": user or "", "host": _host(url), "under": under}
    if named:
        first = Ask(url, "sitemap")
    else:
        guesses = ["sitemap.xml", "sitemap_index.xml", "wp-sitemap.xml", "sitemap-index.xml", "sitemap.xml.gz"]
        first = Ask(f"{base}/robots.txt", "robots", instead=[(f"{base}/{name}", "sitemap") for name in guesses])
    return Crawl("blog", TERMS, [first], context, whole=True)


def follow(page: Page, author: str, fetched_at: datetime, context: dict[str, Any]) -> Iterator[Ask | Item]:
    """robots.txt leads to sitemaps, a sitemap to pages, newest first, and a page gives its post."""
    if page.step == "robots":
        found = re.findall(rb"^[ \t]*sitemap[ \t]*:[ \t]*(\S+)", page.body, re.IGNORECASE | re.MULTILINE)
        if not found:
            raise SourceError("the site names no sitemap", page.url, _MEND)
        for link in dict.fromkeys(found):
            yield Ask(urljoin(page.url, link.decode("utf-8", "replace")), "sitemap", required=len(found) == 1)
    elif page.step == "sitemap":
        yield from _sitemap(page, context)
    else:
        yield tried(page.url, partial(_post, page, author, fetched_at, context))


def _sitemap(page: Page, context: dict[str, Any]) -> Iterator[Ask | Item]:
    from lxml import etree

    body = unpacked(page.body, page.url)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None or _name(root) not in ("urlset", "sitemapindex"):
        links = body.decode("utf-8", "replace").split()
        if not links or not all(link.startswith("http") for link in links):
            raise SourceError("this is no sitemap", page.url, _MEND)
        found = [(link, "") for link in links]
    else:
        found = [(_child(e, "loc"), _child(e, "lastmod")) for e in root if _name(e) in ("url", "sitemap")]
    if root is not None and _name(root) == "sitemapindex":
        for link, _ in found:
            yield Ask(urljoin(page.url, link), "sitemap", required=False)
        return
    for link, changed in sorted(found, key=lambda pair: pair[1], reverse=True)[:_MAX_PAGES]:
        try:
            parts = urlsplit(link)
        except ValueError:
            yield Skipped(what=link[:200], reason="a link that is no address")
            continue
        if _host(link) != context["host"] or not parts.path.startswith(context["under"].rstrip("/")):
            yield Skipped(what=link, reason="a page outside the blog")
        elif _NO_POST.search(parts.path) or parts.path.rstrip("/") == context["under"].rstrip("/"):
            yield Skipped(what=link, reason="a page that is no post (a list or a file)")
        else:
            yield Ask(link, "post", {"lastmod": changed}, required=False, most=_MAX_PAGE)


def unpacked(body: bytes, where: str) -> bytes:
    """A sitemap's bytes, out of gzip when they are in it; SourceError when that is damaged or unpacks to over 50 MB."""
    if body[:2] != b"\x1f\x8b":
        return body
    try:
        made = zlib.decompressobj(47).decompress(body, _MAX_SITEMAP + 1)
    except zlib.error:
        raise SourceError("a sitemap can't be unpacked", where, _MEND) from None
    if len(made) > _MAX_SITEMAP:
        raise SourceError("a sitemap unpacks to over 50 MB", where, _MEND)
    return made


def _post(page: Page, author: str, fetched_at: datetime, context: dict[str, Any]) -> Item:
    import trafilatura

    from twin.text.clean import matching
    from twin.text.markup import parse

    if "html" not in page.headers.get("content-type", "html") or b"\0" in page.body[:4096]:
        return Skipped(what=page.url, reason="no web page")
    tree = parse(page.body)
    if not _is_post(tree, page.url):
        return Skipped(what=page.url, reason="a page that is no post (neither dated nor marked as an article)")
    told = trafilatura.extract_metadata(page.body, default_url=page.url)
    signed = str((told and told.author) or "")
    if context["writer"] and matching(context["writer"]) not in matching(signed):
        return Skipped(what=page.url, reason="signed with another name")
    canonical = tree.select_one("link[rel=canonical][href]")
    url = urljoin(page.url, str(canonical["href"])) if canonical else page.url
    url = url if _host(url) == context["host"] else page.url
    title = str((told and told.title) or "")
    text = _main_text(tree, page.body, page.url, title)
    if not text:
        return Skipped(what=page.url, reason="a page without a main text")
    stamp = moment(_date(tree)) or moment(told and told.date) or moment(page.carry.get("lastmod"))
    paid = re.search(rb'"isAccessibleForFree"\s*:\s*"?false', page.body, re.IGNORECASE) is not None
    parts = urlsplit(url)
    native = f"{_host(url)}{parts.path.rstrip('/')}" + (f"?{parts.query}" if parts.query else "")
    return make(
        "blog", native, author, fetched_at, register="article", text=text, title=title, url=url, published_at=stamp,
        complete=not paid,
    )  # fmt: skip


def _main_text(tree: Tag, body: bytes, url: str, title: str) -> str:
    """The post's words. trafilatura finds what the main text is; the element that holds just that is read whole.

    trafilatura's own text joins lines and loses breaks: it is the judge, and the text only where no element fits.
    """
    import trafilatura

    from twin.sources.markdown import to_markdown
    from twin.text.markup import parse, plain

    judged = trafilatura.extract(body, url=url, favor_recall=True, include_comments=False) or ""
    words = _words(judged)
    for element in tree.select(_BODIES):
        copy = parse(str(element))
        for tag in copy.select(_AROUND):
            tag.decompose()
        first = copy.find("h1")
        if first is not None and plain(first) == title:
            first.decompose()
        found = _words(copy.get_text(" "))
        if words and len(words & found) >= 0.9 * len(words) and len(found) <= 1.3 * len(words) + 20:
            return to_markdown(copy.body or copy)
    marked = trafilatura.extract(
        body, url=url, favor_recall=True, include_comments=False, output_format="markdown", include_formatting=True
    )
    return str(marked or "").strip()


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def _is_post(tree: Tag, url: str) -> bool:
    kind = tree.select_one("meta[property='og:type'][content]")
    if _DATED.search(urlsplit(url).path) or (kind is not None and str(kind["content"]).lower() == "article"):
        return True
    if tree.select_one("meta[property='article:published_time'], [itemprop=datePublished], .h-entry .dt-published"):
        return True
    marked = " ".join(tag.get_text() for tag in tree.select("script[type='application/ld+json']"))
    if re.search(r'"@type"\s*:\s*\[?\s*"(?:BlogPosting|Article|NewsArticle|TechArticle)"', marked):
        return True
    return (
        len(tree.select("article")) == 1 and tree.select_one("article time[datetime], main time[datetime]") is not None
    )


def _date(tree: Tag) -> str:
    for rule, name in (
        ("meta[property='article:published_time'][content]", "content"),
        ("[itemprop=datePublished][content]", "content"),
        (".dt-published[datetime], [itemprop=datePublished][datetime], article time[datetime]", "datetime"),
    ):
        if found := tree.select_one(rule):
            return str(found[name])
    marked = " ".join(tag.get_text() for tag in tree.select("script[type='application/ld+json']"))
    published = re.search(r'"datePublished"\s*:\s*"([^"]+)"', marked)
    return published[1] if published else ""


def _host(url: str) -> str:
    parts = urlsplit(url)
    return parts.netloc.lower().removeprefix("www.")


def _name(element: Any) -> str:
    return element.tag.rsplit("}", 1)[-1] if isinstance(element.tag, str) else ""


def _child(element: Any, name: str) -> str:
    return next(((child.text or "").strip() for child in element if _name(child) == name), "")
