"""Feeds as entries: RSS 2.0 and 1.0, Atom and JSON Feed; and the feeds that a blog's page names."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from twin.errors import SourceError

if TYPE_CHECKING:
    from lxml.etree import _Element

KINDS = ("application/rss+xml", "application/atom+xml", "application/feed+json", "application/json", "application/xml")
# Where blogs keep their feed when their page does not say.
COMMON = ("feed", "feed.xml", "rss.xml", "atom.xml", "index.xml", "rss", "feed.json")
# Modules whose elements are called as the feed's own are: pictures' titles, podcasts' summaries.
_OTHERS = ("search.yahoo.com/mrss", "itunes.com/dtds", "play-podcasts")
_BLOGGER_KIND = "http://schemas.google.com/blogger/2008/kind#"

# References to half a character, which the parser lets through and can then not give as text.
_SURROGATE = re.compile(
    rb"&#(?:x0*d[89a-f][0-9a-f]{2}|0*5(?:529[6-9]|5[3-9]\d\d|6\d{3}|7[0-2]\d\d|73[0-3]\d|734[0-3]))(?:;|(?![0-9a-f]))",
    re.IGNORECASE,
)


def entries(body: bytes, where: str) -> tuple[list[dict[str, str]], str]:
    """The entries (id, title, url, date, content, summary, author, left_out) and the next page's address, empty when none.

    `left_out` says why an entry is no text of the author's, and is empty for others.
    Entities are not expanded and nothing is fetched. Raises SourceError when it is no feed.
    """
    from lxml import etree

    if body.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"{":
        return from_json(body, where)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(_SURROGATE.sub(b"\xef\xbf\xbd", body), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise SourceError(
            "a feed can't be read", f"{where} ({error})", "Check the address: it should answer with RSS or Atom."
        ) from None
    if root is None or _name(root) not in ("rss", "feed", "RDF"):
        raise SourceError("this is no feed", where, "Give the address of an RSS, Atom or JSON feed.")
    items = [e for e in root.iter() if _name(e) in ("item", "entry")]
    following = [e for e in root.iter() if _name(e) == "link" and e.get("rel") == "next"]
    return [_entry(e) for e in items], str(following[0].get("href") or "") if following else ""


def _entry(element: _Element) -> dict[str, str]:
    entry = dict.fromkeys(("id", "title", "url", "date", "content", "summary", "author", "left_out"), "")
    for child in element:
        name, text = _name(child), (child.text or "").strip()
        if any(other in _namespace(child) for other in _OTHERS):
            continue
        if reason := _no_post(child, text):
            entry["left_out"] = reason
        elif name in ("guid", "id"):
            entry["id"] = text
        elif name == "title":
            entry["title"] = _title(child)
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


def _no_post(child: _Element, text: str) -> str:
    """Why an entry is no text of the author's: a blog's archive at Blogger holds comments, settings and drafts too."""
    name, term = _name(child), str(child.get("term") or "")
    if name == "category" and term.startswith(_BLOGGER_KIND) and term != f"{_BLOGGER_KIND}post":
        kind = term.removeprefix(_BLOGGER_KIND)
        return "" if kind == "page" else f"a blog's {kind}"
    if name == "control" and any(_name(inner) == "draft" and (inner.text or "").strip() == "yes" for inner in child):
        return "a draft"
    if "blogger" in _namespace(child):
        if name == "type" and text not in ("POST", "PAGE"):
            return f"a blog's {text.lower()}"
        if name == "status" and text != "LIVE":
            return "a draft" if text == "DRAFT" else f"a {text.lower()} post"
    return ""


def _title(element: _Element) -> str:
    from twin.text.markup import parse, plain

    title = html.unescape(_inner(element)).strip()
    return plain(parse(title)) if element.get("type") in ("html", "xhtml") and "<" in title else title


def _inner(element: _Element) -> str:
    """The element's content as HTML: what XHTML content holds is written out, what is escaped is text already."""
    from lxml import etree

    if not len(element):
        text = element.text or ""
        return html.escape(text, quote=False) if element.get("type") == "text" else text
    return (element.text or "") + "".join(etree.tostring(child, encoding="unicode", method="html") for child in element)


def from_json(body: bytes, where: str) -> tuple[list[dict[str, str]], str]:
    """The entries of a JSON Feed (jsonfeed.org, versions 1 and 1.1). Raises SourceError when it is none."""
    try:
        feed = json.loads(body)
        version = str(feed["version"])
    except (ValueError, LookupError, TypeError, RecursionError):
        version = ""
    if not version.startswith("https://jsonfeed.org/version/"):
        raise SourceError("this is no feed", where, "Give the address of an RSS, Atom or JSON feed.")
    found = [_json_entry(item, feed) for item in feed.get("items") or [] if isinstance(item, dict)]
    return found, str(feed.get("next_url") or "")


def _json_entry(item: dict[str, Any], feed: dict[str, Any]) -> dict[str, str]:
    people = item.get("authors") or [item.get("author")] if item.get("authors") or item.get("author") else []
    people = people or feed.get("authors") or [feed.get("author") or {}]
    plain = str(item.get("content_text") or "")
    return {
        "id": str(item.get("id") or item.get("url") or ""), "title": str(item.get("title") or "").strip(),
        "url": str(item.get("url") or ""), "date": str(item.get("date_published") or item.get("date_modified") or ""),
        "content": str(item.get("content_html") or "") or html.escape(plain, quote=False),
        "summary": html.escape(str(item.get("summary") or ""), quote=False),
        "author": " ".join(str(p.get("name") or "") for p in people if isinstance(p, dict)),
    }  # fmt: skip


def is_page(body: bytes) -> bool:
    """Whether an answer is a web page and no feed."""
    start = re.sub(rb"<!--.*?-->", b"", body[:4096], flags=re.DOTALL)
    return re.match(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html|head|body)\b", start, re.IGNORECASE) is not None


def alternates(body: bytes, url: str) -> list[str]:
    """The feeds that a page names, the whole text's before comments' and categories'."""
    from twin.text.markup import parse

    found = [
        (urljoin(url, str(link["href"])), str(link.get("title") or ""))
        for link in parse(body).select("link[rel~=alternate][href]")
        if str(link.get("type") or "").lower().partition(";")[0] in KINDS
    ]
    links = [link for link, title in found if not re.search(r"comment", f"{link} {title}", re.IGNORECASE)]
    return list(dict.fromkeys(link for link in links if link.startswith("http") and "wp-json" not in link))


def _namespace(element: Any) -> str:
    return element.tag.rpartition("}")[0] if isinstance(element.tag, str) else ""


def _name(element: Any) -> str:
    return element.tag.rsplit("}", 1)[-1] if isinstance(element.tag, str) else ""
