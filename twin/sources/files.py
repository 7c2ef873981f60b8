"""Folders, ZIPs and single files of Markdown, plain text and HTML; front matter gives title, date and address."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from twin.errors import SourceError
from twin.sources.archive import Archive
from twin.sources.reading import Item, Skipped, decode, make, moment, tried, unix_lines

TERMS = "files that the person handed in"

_MARKDOWN = {".md", ".markdown", ".mdown", ".mkd", ".mdx"}
_PLAIN = {".txt", ".text"}
_HTML = {".html", ".htm", ".xhtml"}
_NAMED_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_DATES = ("date", "published_at", "published", "publishDate", "pubDate", "created_at", "created", "updated")
_ADDRESSES = ("url", "canonical_url", "canonical", "link", "permalink")


def read_files(archive: Archive, author: str, fetched_at: datetime, name: str) -> Iterator[Item]:
    """Documents of the text files below `archive`; ids are `files:<name>/<path inside>`, so `name` should be stable.

    A text with a title is an article, one without is a post. Raises SourceError when there is not one text file.
    """
    known = _MARKDOWN | _PLAIN | _HTML
    texts = [n for n in archive.names if PurePosixPath(n).suffix.lower() in known]
    if not texts:
        raise SourceError(
            "there are no text files",
            f"{archive.path} ({', '.join(sorted(known))})",
            "Name a folder, ZIP or file with texts.",
        )
    others = sorted(set(archive.names) - set(texts))
    for inner in others:
        yield Skipped(what=inner, reason=f"not a text file ({PurePosixPath(inner).suffix or 'no ending'})")
    for inner in texts:
        native = name if inner == archive.path.name else f"{name}/{inner}"
        yield tried(inner, partial(_one, archive.read(inner), inner, native, author, fetched_at))


def _one(data: bytes, inner: str, native: str, author: str, fetched_at: datetime) -> Item:
    raw = decode(data, inner)
    suffix = PurePosixPath(inner).suffix.lower()
    meta, text = _page(raw) if suffix in _HTML else front_matter(unix_lines(raw).removeprefix("\ufeff"))
    if str(meta.get("draft", "")).lower() == "true" or meta.get("published") is False:
        return Skipped(what=inner, reason="a draft")
    if not text.strip():
        return Skipped(what=inner, reason="a file without words")
    title = str(meta.get("title") or "")
    stamp = next((found for key in _DATES if (found := moment(meta.get(key)))), None) or _date_in(inner)
    register = str(meta.get("register") or ("article" if title or suffix in _HTML else "post"))
    return make(
        "files", native, author, fetched_at, register=register, text=text, title=title,
        url=next((str(meta[key]) for key in _ADDRESSES if str(meta.get(key, "")).startswith("http")), ""),
        published_at=stamp,
    )  # fmt: skip


def front_matter(text: str) -> tuple[dict[str, Any], str]:
    """Split YAML (`---`) or TOML (`+++`) front matter from the body, which loses only the blank lines before it.

    A block that is not valid front matter is left in the text: it is the author's.
    """
    import yaml

    found = re.match(r"(---|\+\+\+)[ \t]*\n(.*?)^\1[ \t]*(?:\n|\Z)", text, re.DOTALL | re.MULTILINE)
    if not found:
        return {}, text
    try:
        meta = yaml.safe_load(found[2]) if found[1] == "---" else tomllib.loads(found[2])
    except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError, RecursionError):
        return {}, text
    if meta is not None and not isinstance(meta, dict):
        return {}, text
    return {str(k): v for k, v in (meta or {}).items()}, text[found.end() :].lstrip("\n")


def _page(raw: str) -> tuple[dict[str, Any], str]:
    from twin.text.markup import parse, plain, to_markdown

    page = parse(raw)
    meta: dict[str, Any] = {}
    heading = page.find("h1") or page.find("title")
    if heading:
        meta["title"] = plain(heading)
    canonical = page.select_one("link[rel=canonical]")
    meta["url"] = str(canonical.get("href") or "") if canonical else ""
    stamp = page.select_one("time[datetime]") or page.select_one("meta[property='article:published_time']")
    meta["date"] = (stamp.get("datetime") or stamp.get("content")) if stamp else None
    body = page.find("article") or page.find("main") or page.body or page
    for tag in body.find_all(["nav", "header", "footer", "aside", "h1"]):
        tag.decompose()
    return meta, to_markdown(body)


def _date_in(name: str) -> datetime | None:
    found = _NAMED_DATE.search(name)
    return moment(found[0]) if found else None
