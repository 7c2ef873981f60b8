"""Medium's public feed: the ten newest texts of a person or publication; member-only ones are cut short, and marked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from twin.errors import NetworkError, SourceError
from twin.sources.crawl import Ask, Crawl, Page
from twin.sources.feed import entries, is_page
from twin.sources.medium import POST_ID, tidy
from twin.sources.reading import Item, Skipped, make, moment, short_hash, tried

TERMS = "Medium's public feed, which Medium names as the way to read it by program"
_MEND = (
    "Medium lets a feed be read a few times an hour: wait an hour and run it again. All your texts are in your export "
    "(Medium: Settings, Security and apps, Download your information)."
)


def crawl(user: str | None, url: str | None) -> Crawl:
    """A crawl of a person's feed by handle or page, or of a custom domain's or publication's by address.

    With both, `user` is the writer's name, and only texts signed with it are kept.
    """
    if not (url or user):
        raise SourceError(
            "Medium needs a handle or an address", None, "Give `user:` or `url:` in the source's entry in params.yaml."
        )
    address = feed_url(url or str(user))
    return Crawl("medium_feed", TERMS, [Ask(address, "feed")], {"writer": user if url and user else ""}, mend=_MEND)


def feed_url(place: str) -> str:
    """The feed's address from a handle (`@name`, `name`), a profile, a publication, a custom domain or the feed itself.

    `https://medium.com/@name`, `https://name.medium.com` and `https://blog.example` give each their own.
    """
    if "://" not in place:
        return f"https://medium.com/feed/@{place.strip().lstrip('@')}"
    parts = urlsplit(place)
    base, path = f"{parts.scheme}://{parts.netloc}", parts.path.strip("/")
    if path == "feed" or path.startswith("feed/") or path.endswith("/feed"):
        return f"{base}/{path}"
    if (parts.hostname or "").removeprefix("www.") == "medium.com":
        return f"{base}/feed/{path.split('/')[0]}"
    return f"{base}/{path}/feed" if path else f"{base}/feed"


def follow(page: Page, author: str, fetched_at: datetime, context: dict[str, Any]) -> Iterator[Ask | Item]:
    """Turn the feed into documents; Medium's feeds have no further pages."""
    from twin.text.clean import matching

    if is_page(page.body):
        raise NetworkError("Medium shows a page for browsers in the place of its feed", page.url, _MEND)
    writer = matching(str(context.get("writer") or ""))
    for entry in entries(page.body, page.url)[0]:
        if writer and writer not in matching(entry["author"]):
            yield Skipped(what=entry["url"], reason="signed with another name")
        else:
            yield tried(entry["url"], partial(from_feed, entry, author, fetched_at))


def is_medium(entry: dict[str, str]) -> bool:
    """Whether any feed's entry is a post at Medium, custom domains included."""
    return re.match(r"https://medium\.com/p/[0-9a-f]{10,12}$", entry["id"]) is not None


def from_feed(entry: dict[str, str], author: str, fetched_at: datetime) -> Item:
    """One entry as a document with the export's id; one without its content is for members and marked incomplete."""
    from twin.sources.markdown import to_markdown
    from twin.text.markup import parse, plain

    whole = bool(entry["content"])
    page = parse(entry["content"] or entry["summary"])
    body = page.body or page
    start = entry["title"].rstrip("…. ").strip()
    reply = bool(start) and plain(body).startswith(start)
    tidy(body, entry["title"])
    text = to_markdown(body)
    if not text.strip():
        return Skipped(what=entry["url"], reason="an entry without words")
    found = POST_ID.search(entry["id"]) or POST_ID.search(entry["url"].split("?")[0])
    return make(
        "medium", found[1] if found else short_hash(entry["id"]), author, fetched_at,
        register="reply" if reply else "article", text=text, title="" if reply else entry["title"],
        url=entry["url"].split("?source=")[0], published_at=moment(entry["date"]), complete=whole,
    )  # fmt: skip
