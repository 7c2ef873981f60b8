"""LinkedIn's Member Snapshot API with the person's own token: shares, comments and articles, with the export's ids."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from twin.errors import NetworkError, SourceError
from twin.sources.crawl import Ask, Crawl, Page
from twin.sources.linkedin import comment_document, share_document
from twin.sources.linkedin_tables import unwrapped
from twin.sources.reading import Item, Skipped, make, moment, short_hash, tried
from twin.sources.table import column

API = "https://api.linkedin.com"
TERMS = "LinkedIn's Member Snapshot API (Digital Markets Act), by the member's own consent and token"
DOMAINS = ("MEMBER_SHARE_INFO", "ARTICLES", "ALL_COMMENTS")
_VERSION = "202312"
_MAX_PAGES = 2000
_MEND = (
    "LINKEDIN_TOKEN must hold a fresh token of the Member Data Portability API (members in the EEA and Switzerland). "
    "Everybody may ask LinkedIn for the data export instead and name its ZIP with `path:`."
)
_EMPTY = "nothing in this part (LinkedIn needs up to a day after consent to prepare it)"
_WORDS = {
    "MEMBER_SHARE_INFO": "sharecommentary",
    "ALL_COMMENTS": "message",
}


def crawl(url: str | None, token: str) -> Crawl:
    """A crawl of the token's member. `url` is another API's base, for a test. Raises SourceError without a token."""
    if not token:
        raise SourceError(
            "LinkedIn forbids collecting its pages, and there is no token for its Member Snapshot API", url,
            "Set LINKEDIN_TOKEN (members in the EEA and Switzerland), or ask LinkedIn for your data export and name the "
            "file with `path:`.",
        )  # fmt: skip
    base = (url or API).rstrip("/")
    origin = "/".join(base.split("/")[:3])
    first = [_ask(base, domain, 0) for domain in DOMAINS]
    secret = {"Authorization": f"Bearer {token}"}
    return Crawl("linkedin_snapshot", TERMS, first, {"base": base}, secret, origin, whole=True, mend=_MEND)


def _ask(base: str, domain: str, start: int) -> Ask:
    return Ask(
        f"{base}/rest/memberSnapshotData?q=criteria&domain={domain}&start={start}", domain, {"start": start},
        {"LinkedIn-Version": _VERSION, "X-Restli-Protocol-Version": "2.0.0", "Accept": "application/json"},
        required=False, api=True, missing=f"{domain}: {_EMPTY}",
    )  # fmt: skip


def follow(page: Page, author: str, fetched_at: datetime, context: dict[str, Any]) -> Iterator[Ask | Item]:
    """A page of one domain gives its rows' documents and, while it names a next one, that page's Ask."""
    try:
        value = json.loads(page.body)
        elements = [e for e in value.get("elements") or [] if e.get("snapshotDomain") in (page.step, None)]
        links = (value.get("paging") or {}).get("links") or []
        data = [row for element in elements for row in _rows(element.get("snapshotData"))]
    except (ValueError, AttributeError, TypeError):
        raise NetworkError("this is no answer of LinkedIn's Snapshot API", page.url, _MEND) from None
    for row in _mended(data, page.step):
        yield tried(
            f"{page.step} {row.get('date', '')}".strip(), partial(_document, row, page.step, author, fetched_at)
        )
    start = int(page.carry["start"]) + 1
    if any(isinstance(link, dict) and link.get("rel") == "next" for link in links) and start < _MAX_PAGES:
        yield _ask(str(context["base"]), page.step, start)


def _rows(data: Any) -> list[Mapping[str, Any]]:
    found = data if isinstance(data, list) else [data] if isinstance(data, dict) else []
    return [row for row in found if isinstance(row, dict)]


def _mended(data: list[Mapping[str, Any]], domain: str) -> list[dict[str, str]]:
    rows = [{column(str(key)): str(value or "") for key, value in row.items()} for row in data]
    name = _WORDS.get(domain)
    if name:
        for row, words in zip(rows, unwrapped([row.get(name, "") for row in rows]), strict=True):
            row[name] = words
    return rows


def _document(row: dict[str, str], domain: str, author: str, fetched_at: datetime) -> Item:
    if domain == "MEMBER_SHARE_INFO":
        return share_document(row, author, fetched_at)
    if domain == "ALL_COMMENTS":
        return comment_document(row, author, fetched_at)
    return _article(row, author, fetched_at)


def _article(row: dict[str, str], author: str, fetched_at: datetime) -> Item:
    """An article's row. LinkedIn documents no columns for it: the names that its export and samples use are tried."""
    from twin.sources.markdown import to_markdown
    from twin.text.markup import parse

    def first(*names: str) -> str:
        return next((row[name] for name in names if row.get(name)), "")

    url = first("articlelink", "articleurl", "permalink", "url", "link")
    title = first("title", "articletitle", "headline")
    content = first("content", "contenthtml", "articlecontent", "body", "articlebody", "text")
    state = first("state", "status", "lifecyclestate").lower()
    stamp = moment(first("publisheddate", "publishedat", "datepublished", "firstpublishedat", "date", "createddate"))
    if state in ("draft", "unpublished", "deleted"):
        return Skipped(what=url or title, reason="an article that was not published")
    page = parse(content)
    text = to_markdown(page.body or page) if "<" in content else content
    if not text.strip():
        return Skipped(what=url or title, reason="an article without words")
    slug = url.split("?")[0].rstrip("/").rsplit("/", 1)[-1] or short_hash(title, text)
    return make(
        "linkedin", f"article:{slug}", author, fetched_at, register="article", text=text, title=title, url=url,
        published_at=stamp,
    )  # fmt: skip
