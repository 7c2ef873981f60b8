"""Folders, archives and single files of Markdown, plain text, HTML, Word and PDF; front matter gives title and date."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from twin.errors import SourceError
from twin.records import PROVENANCES, REGISTERS
from twin.sources import linkedin, medium
from twin.sources.archive import Archive
from twin.sources.reading import Item, Skipped, decode, decode_page, each, make, moment, tried, unix_lines

if TYPE_CHECKING:
    from bs4 import Tag

TERMS = "files that the person handed in"

_MARKDOWN = {".md", ".markdown", ".mdown", ".mkd", ".mdx"}
_PLAIN = {".txt", ".text", ".rst", ".adoc", ".org"}
_HTML = {".html", ".htm", ".xhtml"}
_DOCUMENTS = {".docx", ".pdf"}
_COMMENTS = {
    "comments", "respond", "disqus_thread", "comments-area", "comment-list", "commentlist", "comment-respond",
    "sharedaddy", "jp-relatedposts",
}  # fmt: skip
_NOTE = re.compile("^cmnt")
_NAMED_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_DATES = ("date", "published_at", "published", "publishDate", "pubDate", "created_at", "created", "updated")
_ADDRESSES = ("url", "canonical_url", "canonical", "link", "permalink")
# Texts that lie beside an author's own and are nobody's: licences, lists for programs, installed packages.
_STANDARD = re.compile(
    r"(licen[cs]e|copying|notice|code_of_conduct|robots|humans|requirements[\w.-]*|cmakelists)(\.\w+)?", re.IGNORECASE
)
# Where Jekyll keeps what is not published.
_DRAFTS = {"_drafts"}
_INSTALLED = {"node_modules", "site-packages", "vendor", "venv", "__pycache__", "bower_components"}


def read_files(archive: Archive, author: str, fetched_at: datetime, name: str) -> Iterator[Item]:
    """Documents of the text files below `archive`; ids are `files:<name>/<path inside>`, so `name` should be stable.

    A text with a title is an article, one without is a post. Raises SourceError when there is not one text file, or
    none that can be read.
    """
    known = _MARKDOWN | _PLAIN | _HTML | _DOCUMENTS
    texts = [n for n in archive.names if PurePosixPath(n).suffix.lower() in known]
    if not texts:
        raise SourceError(
            "there are no text files",
            f"{archive.path} ({', '.join(sorted(known))})",
            "Name a folder, archive or file with texts.",
        )
    for inner in sorted(set(archive.names) - set(texts)):
        yield Skipped(what=inner, reason=f"not a text file ({PurePosixPath(inner).suffix or 'no ending'})")
    yield from each(texts, partial(_texts, archive, name, author, fetched_at))


def _texts(archive: Archive, name: str, author: str, fetched_at: datetime, inner: str) -> Iterator[Item]:
    path = PurePosixPath(inner)
    if _STANDARD.fullmatch(path.name) or _INSTALLED & set(path.parts[:-1]):
        yield Skipped(what=inner, reason="a standard text or a part of a program")
        return
    if _DRAFTS & set(path.parts[:-1]):
        yield Skipped(what=inner, reason="a draft")
        return
    paged = path.suffix.lower() in _HTML | _DOCUMENTS
    data = (archive.page(inner) if path.suffix.lower() in _HTML else archive.read(inner)) if paged else b""
    native = name if inner == archive.path.name else f"{name}/{inner}"
    yield tried(inner, partial(_one, data if paged else archive.read(inner), inner, native, author, fetched_at))


def _one(data: bytes, inner: str, native: str, author: str, fetched_at: datetime) -> Item:
    suffix = PurePosixPath(inner).suffix.lower()
    if suffix in _HTML:
        raw = decode_page(data, inner)
        # A page taken out of an export is the text that the export gives, under the same id.
        if linkedin.is_article(raw):
            return linkedin.article(data, inner, author, fetched_at)
        if medium.is_post(raw):
            return medium.post(data, inner, author, fetched_at)
        meta, text = _page(raw)
    elif suffix == ".docx":
        from twin.sources.docx import read_docx

        meta, text = read_docx(data, inner)
    elif suffix == ".pdf":
        meta, text = _pdf(data, inner)
    else:
        meta, text = front_matter(unix_lines(decode(data, inner)).removeprefix("\ufeff"))
    if str(meta.get("draft", "")).lower() == "true" or meta.get("published") is False:
        return Skipped(what=inner, reason="a draft")
    if not text.strip():
        return Skipped(what=inner, reason="a file without words")
    title = str(meta.get("title") or "")
    stamp = next((found for key in _DATES if (found := moment(meta.get(key)))), None) or _date_in(inner)
    register, provenance = str(meta.get("register") or ""), str(meta.get("provenance") or "")
    return make(
        "files", native, author, fetched_at, text=text, title=title,
        register=register if register in REGISTERS else ("article" if title or suffix in _HTML | _DOCUMENTS else "post"),
        provenance=provenance if provenance in PROVENANCES else "own",
        url=next((str(meta[key]) for key in _ADDRESSES if str(meta.get(key, "")).startswith("http")), ""),
        published_at=stamp,
    )  # fmt: skip


def front_matter(text: str) -> tuple[dict[str, Any], str]:
    """Split YAML (`---`) or TOML (`+++`) front matter from the body, which loses only the blank lines before it.

    A block that is not valid front matter is left in the text: it is the author's.
    """
    import yaml

    found = re.match(r"(---|\+\+\+)[ \t]*\n(.*?)^\1[ \t]*(?:\n|\Z)", text, re.DOTALL | re.MULTILINE)
    if not found or (found[1] == "---" and re.search(r"(^|[\s:\[,-])[&*]\w", found[2]) and found[2].count("*") > 20):
        # Aliases that name one another by the dozen are a bomb, and no author's front matter has them.
        return {}, text
    try:
        meta = yaml.safe_load(found[2]) if found[1] == "---" else tomllib.loads(found[2])
    except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError, RecursionError, TypeError, LookupError):
        return {}, text
    if meta is not None and not isinstance(meta, dict):
        return {}, text
    return {str(k): v for k, v in (meta or {}).items()}, text[found.end() :].lstrip("\n")


def _page(raw: str) -> tuple[dict[str, Any], str]:
    from twin.sources.markdown import to_markdown
    from twin.text.markup import parse, plain

    page = parse(raw)
    _without_others(page)
    meta: dict[str, Any] = {}
    heading = page.find("h1") or page.select_one("body > p.title") or page.find("title")
    if heading:
        meta["title"] = plain(heading)
    canonical = page.select_one("link[rel=canonical]")
    meta["url"] = str(canonical.get("href") or "") if canonical else ""
    stamp = page.select_one("time[datetime]") or page.select_one("meta[property='article:published_time']")
    meta["date"] = (stamp.get("datetime") or stamp.get("content")) if stamp else None
    articles = page.find_all("article")
    # Of several articles none is the page's text: then all of them are.
    body = (articles[0] if len(articles) == 1 else page.find("main")) or page.body or page
    if heading is not None and heading.name != "title":
        heading.decompose()
    # Beside an article stands the site; within one, an aside is its author's.
    around = ["nav", "header", "footer"] if body.name in ("article", "main") else ["nav", "header", "footer", "aside"]
    for tag in body.find_all(around):
        tag.decompose()
    return meta, to_markdown(body)


def _without_others(page: Tag) -> None:
    """Take out readers' comments: below a saved post, and in the margins of a document from Google Docs."""
    for note in page.find_all("a", id=_NOTE):
        inner = note.find_parent("sup") if str(note["id"]).startswith("cmnt_ref") else note.find_parent("div")
        if inner is not None and not inner.find(["h1", "h2", "article"]):
            inner.decompose()
    for tag in page.find_all(_is_comments):
        if not tag.decomposed:
            tag.decompose()


def _is_comments(tag: Tag) -> bool:
    return bool(_COMMENTS & {str(tag.get("id") or ""), *map(str, tag.get("class") or [])}) or (
        tag.get("itemprop") == "comment"
    )


def _pdf(data: bytes, inner: str) -> tuple[dict[str, Any], str]:
    from twin.sources.pdf import read_pdf

    found = read_pdf(data, inner)
    # Programs that make PDFs write file names and their own into the title.
    named = "" if re.search(r"\.\w{2,4}$|^Microsoft|^untitled", found.title, re.IGNORECASE) else found.title
    return {"title": named, "date": found.date}, found.text


def _date_in(name: str) -> datetime | None:
    found = _NAMED_DATE.search(name)
    return moment(found[0]) if found else None
