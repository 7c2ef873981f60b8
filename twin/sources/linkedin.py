"""LinkedIn's own data export: shares, comments and articles; messages, contacts and connections are never opened."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from urllib.parse import unquote

from twin.errors import SourceError
from twin.records import Document
from twin.sources import linkedin_tables
from twin.sources.archive import Archive
from twin.sources.reading import Item, Skipped, decode, decode_page, each, make, moment, short_hash, tried
from twin.sources.table import column

TERMS = "the person's own data export (LinkedIn: Settings, Data privacy, Get a copy of your data)"

_KINDS = (
    ("shares", re.compile(r"shares([_ ]?\(?\d+\)?)*\.csv", re.IGNORECASE)),
    ("comments", re.compile(r"comments([_ ]?\(?\d+\)?)*\.csv", re.IGNORECASE)),
    ("media", re.compile(r"rich[_ ]media([_ ]?\(?\d+\)?)*\.csv", re.IGNORECASE)),
)
_URN = re.compile(r"urn:li:(?:share|ugcPost|groupPost|activity):(\d+(?:-\d+)?)")
_SLUG_ID = re.compile(r"-(?:activity|share|ugcPost)-(\d{8,})(?=[-/?#]|$)")
_COMMENT_URN = re.compile(r"urn:li:(?:fs_objectC|fsd_c|c)omment:\([^)]*?,\s*(\d+)|urn:li:comment:\((\d+),\s*urn:li")
_DRAFT_NAME = re.compile(r"^\d{4}-\d{2}-\d{2} \d{2}[:_.]\d{2}[:_.]\d{2}")
# How an article's page begins, in whichever folder it lies; `published` is followed by words in the member's language.
_ARTICLE = re.compile(
    r"<h1[^>]*>\s*<a [^>]*href=[\"']?https?://(?:\w+\.)?linkedin\.com/pulse/|<p class=[\"']?created[\"']?>[^<]*\d{4}-\d\d-\d\d"
)
# Tables that an export holds beside the author's texts, by the names that LinkedIn gives them: never opened.
_OTHERS = re.compile(
    r"(.*messages?|connections|contacts|importedcontacts|invitations|recommendations.*|endorsement.*|profile.*|positions|"
    r"education|skills|honors|languages|certifications|courses|projects|patents|publications|organizations|test ?scores|"
    r"volunteering|causes.*|reactions|votes|instantreposts|saved.*|search.*|ad.?.*|logins|registration|receipts.*|jobs?.*|"
    r"learning.*|company follows|member_follows|hashtag_follows|events|emails?.*|email addresses|phone.?numbers|"
    r"whatsapp.*|security.*|verifications?.*|services.*|inferences.*|account.*|private_identity.*|guide_messages|group.*|"
    r"identifiable.*|device.*|ip_.*|rich[_ ]media.*|coach.*|marketplace.*|providers.*|feedback.*)(_\d+)?\.csv",
    re.IGNORECASE,
)
_FEED = re.compile(r"\bfeed\b", re.IGNORECASE)
_MIN_MEDIA_WORDS = 5


def read_export(archive: Archive, author: str, fetched_at: datetime) -> Iterator[Item]:
    """Documents of a LinkedIn export, ZIP or folder, basic or complete.

    Ids are `linkedin:<number>` from the share's own link, the same in export and API. A file that can't be read is
    skipped. Raises SourceError when there is none of Shares.csv, Comments.csv, Rich_Media.csv and Articles/*.html, or
    none that can be read.
    """
    wanted = sorted(_wanted(archive), key=_order)
    if not wanted:
        raise SourceError(
            "this is no LinkedIn export", f"{archive.path} (no Shares.csv, Comments.csv or Articles)",
            "Ask LinkedIn for the archive with articles, posts and comments, and put the ZIP into the inbox.",
        )  # fmt: skip
    posts: list[str] = []
    for item in each(wanted, partial(_items, archive, author, fetched_at, posts), lambda pair: pair[1]):
        if isinstance(item, Document) and item.register == "post":
            posts.append(_squeezed(item.text))
        yield item


def _kind(name: str) -> str:
    path = PurePosixPath(name)
    for kind, pattern in _KINDS:
        if pattern.fullmatch(path.name):
            return kind
    folders = [part.lower() for part in path.parts[:-1]]
    return "articles" if path.suffix.lower() in (".html", ".htm") and "articles" in folders else ""


def _wanted(archive: Archive) -> list[tuple[str, str]]:
    """What is read, with its kind: by its name, else by how it begins, as names may be in any language or changed."""
    found = [(kind, name) for name in archive.names if (kind := _kind(name))]
    known = {name for _, name in found}
    pages = [name for name in archive.names if name.lower().endswith((".html", ".htm")) and name not in known]
    found += [("articles", name) for name in pages if is_article(archive.head(name).decode("utf-8", "replace"))]
    if any(kind in ("shares", "comments") for kind, _ in found):
        return found
    tables = [n for n in archive.names if n.lower().endswith(".csv") and not _OTHERS.fullmatch(PurePosixPath(n).name)]
    told = [(linkedin_tables.told(archive.head(name), name), name) for name in tables]
    # A date, a link and a text may be anybody's table, unless it lies in an export.
    exported = bool(found) or any(kind == "shares" for kind, _ in told)
    return [*found, *((kind.rstrip("?"), name) for kind, name in told if kind and (exported or kind != "comments?"))]


def is_article(page: str) -> bool:
    """Whether a page begins as an article of LinkedIn's export does."""
    return _ARTICLE.search(page[:20_000]) is not None


def _order(pair: tuple[str, str]) -> tuple[int, str]:
    # Media come last: most of their texts are the shares' own.
    return ("shares", "comments", "articles", "media").index(pair[0]), pair[1]


def _items(
    archive: Archive, author: str, fetched_at: datetime, posts: list[str], pair: tuple[str, str]
) -> Iterator[Item]:
    kind, name = pair
    where = f"{archive.path}:{name}"
    data = archive.read(name)
    if kind == "articles":
        yield tried(name, partial(article, data, name, author, fetched_at))
    elif kind == "shares":
        yield from read_shares(decode(data, where), where, author, fetched_at)
    elif kind == "comments":
        yield from read_comments(decode(data, where), where, author, fetched_at)
    else:
        yield from _media(decode(data, where), where, author, fetched_at, posts)


def share_id(link: str) -> str:
    """The number of the post that any of LinkedIn's links names, whichever form it has; empty where it names none.

    Shares, ugcPosts and activities give their number, a group's post `<group>-<number>`.
    """
    plain = unquote(unquote(link))
    found = _URN.search(plain) or _SLUG_ID.search(plain)
    return found[1] if found else ""


def share_document(row: Mapping[str, str], author: str, fetched_at: datetime) -> Item:
    """One row of Shares.csv, or of the API's MEMBER_SHARE_INFO, by its column names in any spelling.

    A bare reshare, without words of one's own, is Skipped.
    """
    values = {column(key): str(value or "") for key, value in row.items()}
    words, link, date = (values.get(name, "") for name in ("sharecommentary", "sharelink", "date"))
    if not words.strip():
        return Skipped(what=unquote(link) or date, reason="a reshare without words of one's own")
    return make(
        "linkedin", share_id(link) or short_hash(date, words), author, fetched_at, register="post", text=words,
        url=link, published_at=moment(date),
    )  # fmt: skip


def comment_document(row: Mapping[str, str], author: str, fetched_at: datetime) -> Item:
    """One row of Comments.csv, or of the API's ALL_COMMENTS, by its column names in any spelling."""
    values = {column(key): str(value or "") for key, value in row.items()}
    words, link, date = (values.get(name, "") for name in ("message", "link", "date"))
    if not words.strip():
        return Skipped(what=unquote(link) or date, reason="a comment without words")
    urn = _COMMENT_URN.search(unquote(unquote(link)))
    number = (urn[1] or urn[2]) if urn else short_hash(date, link, words)
    return make(
        "linkedin", f"comment:{number}", author, fetched_at, register="reply", text=words, url=link,
        published_at=moment(date),
    )  # fmt: skip


def read_shares(text: str, where: str, author: str, fetched_at: datetime) -> Iterator[Item]:
    """Shares.csv of any year. Bare reshares (no words of one's own) are skipped and counted."""
    for row in linkedin_tables.rows(text, where, linkedin_tables.SHARE_COLUMNS):
        yield share_document(row, author, fetched_at)


def read_comments(text: str, where: str, author: str, fetched_at: datetime) -> Iterator[Item]:
    """Comments.csv: backslash-escaped or doubled quotes, and messages whose lines run on unquoted."""
    for row in linkedin_tables.rows(text, where, linkedin_tables.COMMENT_COLUMNS):
        yield comment_document(row, author, fetched_at)


def _media(text: str, where: str, author: str, fetched_at: datetime, posts: list[str]) -> Iterator[Item]:
    """Rich_Media.csv: what was said with a photo on the feed. The variant of two columns, Type and Link, has no texts."""
    from twin.text.clean import words as count_words

    head = [column(cell) for cell in re.split(r"[,;\t]", text.lstrip("\ufeff\r\n").split("\n", 1)[0])]
    if head == ["type", "link"]:
        yield Skipped(what=where, reason="a list of media without texts")
        return
    for row in linkedin_tables.rows(text, where, linkedin_tables.MEDIA_COLUMNS):
        said, words = row["datetime"], row["mediadescription"]
        what = f"{said} {row['medialink']}".strip()
        if not _FEED.search(said) or count_words(words) < _MIN_MEDIA_WORDS:
            yield Skipped(what=what, reason="a picture or file without a post's words")
        elif any(post.startswith(_squeezed(words)) for post in posts):
            yield Skipped(what=what, reason="also in Shares.csv")
        else:
            stamp = moment(re.sub(r"^.*? on (?=[A-Z])", "", re.sub(r"\s*\((GMT|UTC)\)$", "", said)))
            yield make(
                "linkedin", f"media:{short_hash(words)}", author, fetched_at, register="post", text=words,
                published_at=stamp,
            )  # fmt: skip


def _squeezed(text: str) -> str:
    return "".join(text.split())


def article(data: bytes, name: str, author: str, fetched_at: datetime) -> Item:
    """One page of Articles; a draft is Skipped."""
    from twin.sources.markdown import to_markdown
    from twin.text.markup import parse, plain

    page = parse(decode_page(data, name))
    published = page.select_one("p.published")
    stamp = moment(re.sub(r"^\D*", "", plain(published))) if published else None
    # "Not published yet", in any language, has no figure in it.
    said = published is not None and re.search(r"\d", plain(published))
    if not said and (published is not None or _DRAFT_NAME.match(PurePosixPath(name).name)):
        return Skipped(what=name, reason="an article that was not published")
    heading = page.find("h1")
    link = heading.find("a") if heading else None
    url = str(link.get("href") or "") if link else ""
    title = plain(heading or page.title or page) if heading or page.title else ""
    for tag in [heading, *page.select("p.created, p.published"), *page.find_all(["title", "style"])]:
        if tag is not None:
            tag.decompose()
    text = to_markdown(page.body or page)
    if not text.strip():
        return Skipped(what=name, reason="an article without words")
    slug = url.split("?")[0].rstrip("/").rsplit("/", 1)[-1] or PurePosixPath(name).stem
    return make(
        "linkedin", f"article:{slug}", author, fetched_at, register="article", text=text, title=title, url=url,
        published_at=stamp,
    )  # fmt: skip
