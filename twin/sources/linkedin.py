"""LinkedIn's own data export: shares, comments and articles; messages, contacts and connections are never opened."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from urllib.parse import unquote

from twin.errors import SourceError
from twin.records import Document
from twin.sources.archive import Archive
from twin.sources.reading import Item, Skipped, decode, make, moment, short_hash, tried, unix_lines
from twin.sources.table import cells, named_rows

TERMS = "the person's own data export (LinkedIn: Settings, Data privacy, Get a copy of your data)"

_SHARES = re.compile(r"^shares(_\d+)?\.csv$", re.IGNORECASE)
_COMMENTS = re.compile(r"^comments(_\d+)?\.csv$", re.IGNORECASE)
_URN = re.compile(r"urn:li:(share|ugcPost|groupPost|activity|article):([\d-]+)")
_COMMENT_URN = re.compile(r"urn:li:(?:fs_objectC|c)omment:\([^)]*?,\s*(\d+)")


def read_export(archive: Archive, author: str, fetched_at: datetime) -> Iterator[Item]:
    """Documents of a LinkedIn export, ZIP or folder, basic or complete.

    Ids are `linkedin:<kind>:<number>` from the share's own link, the same in export and API. Raises SourceError when
    the archive holds none of Shares.csv, Comments.csv and Articles/*.html, or one that can't be read.
    """
    wanted = {name: kind for name in archive.names if (kind := _kind(name))}
    if not wanted:
        raise SourceError(
            "this is no LinkedIn export", f"{archive.path} (no Shares.csv, Comments.csv or Articles)",
            "Ask LinkedIn for the archive with articles, posts and comments, and put the ZIP into the inbox.",
        )  # fmt: skip
    for name, kind in wanted.items():
        where = f"{archive.path}:{name}"
        data = archive.read(name)
        if kind == "article":
            yield tried(where, partial(_article, data, name, author, fetched_at))
        elif kind == "shares":
            yield from read_shares(decode(data, where), where, author, fetched_at)
        else:
            yield from read_comments(decode(data, where), where, author, fetched_at)


def _kind(name: str) -> str:
    path = PurePosixPath(name)
    if _SHARES.match(path.name):
        return "shares"
    if _COMMENTS.match(path.name):
        return "comments"
    return "article" if path.suffix.lower() == ".html" and "articles" in [p.lower() for p in path.parts[:-1]] else ""


def read_shares(text: str, where: str, author: str, fetched_at: datetime) -> Iterator[Item]:
    """Shares.csv of any year. Bare reshares (no words of one's own) are skipped and counted."""
    rows = list(named_rows(cells(text, where), where, {"date", "sharecommentary"}))
    wrapped = _is_wrapped([row["sharecommentary"] for row in rows])
    for row in rows:
        words = _unwrap(row["sharecommentary"]) if wrapped else row["sharecommentary"]
        link = unquote(row.get("sharelink", ""))
        if not words.strip():
            yield Skipped(what=link or row["date"], reason="a reshare without words of one's own")
            continue
        urn = _URN.search(link)
        stamp = moment(row["date"])
        yield make(
            "linkedin", f"{urn[1]}:{urn[2]}" if urn else short_hash(row["date"], words), author, fetched_at,
            register="post", text=words, url=row.get("sharelink", ""), published_at=stamp,
        )  # fmt: skip


def read_comments(text: str, where: str, author: str, fetched_at: datetime) -> Iterator[Item]:
    """Comments.csv: backslash-escaped or doubled quotes, and messages whose lines run on unquoted."""
    messages = _comments(text, where)
    wrapped = _is_wrapped([message for _, _, message in messages])
    for date, link, message in messages:
        words = _unwrap(message) if wrapped else message
        if not words.strip():
            yield Skipped(what=link or date, reason="a comment without words")
            continue
        urn = _COMMENT_URN.search(unquote(link))
        native = f"comment:{urn[1]}" if urn else f"comment:{short_hash(date, link, words)}"
        yield make(
            "linkedin", native, author, fetched_at, register="reply", text=words, url=link, published_at=moment(date)
        )


def _comments(text: str, where: str) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, list[str]]] = []
    table = cells(_doubled(text) if _has_backslash_quotes(text) else text, where)
    head = [re.sub(r"[^a-z]", "", cell.lower()) for cell in next(table, [])]
    if head[:3] != ["date", "link", "message"]:
        raise SourceError(
            "a table lacks its columns",
            f"{where} (Date, Link, Message; it has {', '.join(head) or 'nothing'})",
            "Export it again.",
        )
    for row in table:
        if len(row) >= 2 and (moment(row[0]) or (not row[0].strip() and row[1].startswith("http"))):
            # Commas of an unquoted message split it into cells: they belong to it.
            found.append((row[0], row[1], [",".join(row[2:])]))
        elif found:
            found[-1][2].append(",".join(row))
    return [(date, link, unix_lines("\n".join(lines)).rstrip("\n")) for date, link, lines in found]


def _has_backslash_quotes(text: str) -> bool:
    # Where quotes are doubled, a backslash and one quote can only end a cell.
    return re.search(r'\\"(?![",\r\n]|$)', text) is not None


def _doubled(text: str) -> str:
    return re.sub(r'\\(["\\])', lambda m: '""' if m[1] == '"' else "\\", text)


def _is_wrapped(texts: list[str]) -> bool:
    """Whether the exporter put every inner line into quotes of its own, as it does since 2024."""
    ends = sum(unix_lines(t).count("\n") for t in texts)
    quoted = sum(len(re.findall(r'"\n"', unix_lines(t))) for t in texts)
    return quoted > 0 and quoted * 2 > ends


def _unwrap(text: str) -> str:
    text = unix_lines(text)
    if text.count("\n") != len(re.findall(r'"\n"', text)):
        return text
    return text.replace('"\n"', "\n")


def _article(data: bytes, name: str, author: str, fetched_at: datetime) -> Document | Skipped:
    from twin.text.markup import parse, plain, to_markdown

    page = parse(data)
    published = page.select_one("p.published")
    stamp = moment(re.sub(r"^\D*", "", plain(published))) if published else None
    if published is not None and stamp is None:
        return Skipped(what=name, reason="an article that was not published")
    heading = page.find("h1")
    link = heading.find("a") if heading else None
    url = str(link.get("href") or "") if link else ""
    title = plain(heading) if heading else ""
    anchor = published or page.select_one("p.created") or heading
    body = anchor.find_next_sibling("div") if anchor else None
    body = body or page.body
    text = to_markdown(body) if body else ""
    if not text.strip():
        return Skipped(what=name, reason="an article without words")
    slug = url.rstrip("/").rsplit("/", 1)[-1] or PurePosixPath(name).stem
    return make(
        "linkedin", f"article:{slug}", author, fetched_at, register="article", text=text, title=title, url=url,
        published_at=stamp,
    )  # fmt: skip
