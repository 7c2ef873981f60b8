"""What the links of a brief say: articles, papers, repositories and transcripts, with title, author and date."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from twin.errors import SourceError
from twin.sources.fetch import PDF_KIND, Fetched, fetch
from twin.sources.pdf import read_pdf
from twin.sources.transcript import is_transcript, spoken

if TYPE_CHECKING:
    from bs4 import Tag

_PASTE = "Paste its text instead."
_PDF_SECONDS = 25.0
_GITHUB_API = "https://api.github.com"
_VIDEO_HOSTS = ("youtube.com", "www.youtube.com", "m.youtube.com", "youtu.be")
_ARXIV = re.compile(r"^/(?:abs|pdf|html)/([a-z-]+(?:\.[A-Z]{2})?/\d{7}|\d{4}\.\d{4,5})(v\d+)?(?:\.pdf)?$")

# One GET with extra headers; tests put another in its place.
Get = Callable[..., Fetched]


@dataclass(frozen=True, slots=True)
class Page:
    """What a link says: `text` is its main part, in lines; `error` is why there is none.

    `kind` is article, pdf, paper, repository or transcript; `date` is ISO (YYYY-MM-DD) or empty.
    """

    url: str
    title: str = ""
    text: str = ""
    error: str = ""
    author: str = ""
    date: str = ""
    kind: str = "article"


def read_links(urls: Sequence[str], *, allow_loopback: bool = False, get: Get = fetch) -> list[Page]:
    """Read each page in order. A page that can't be read has an `error` and no text; nothing is raised for it."""
    ask = partial(get, allow_loopback=allow_loopback)
    pages = []
    for url in urls:
        try:
            pages.append(_read(url, ask))
        except SourceError as error:
            pages.append(Page(url, error=str(error)))
        except Exception as error:  # a page is anybody's: what it makes a parser do must not end the draft
            pages.append(
                Page(url, error=f"a link's page can't be read: {url[:200]} ({type(error).__name__}). {_PASTE}")
            )
    return pages


def _read(url: str, get: Get) -> Page:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower().removeprefix("www.")
    except ValueError:
        host = ""
    if host in ("arxiv.org", "export.arxiv.org") and (paper := _ARXIV.match(parts.path)):
        return _arxiv(url, paper[1] + (paper[2] or ""), get)
    if host == "github.com" and (names := [n for n in parts.path.split("/") if n]):
        if len(names) == 2:
            return _repository(url, names[0], names[1].removesuffix(".git"), get)
        if len(names) > 4 and names[2] in ("blob", "raw"):
            raw = f"https://raw.githubusercontent.com/{names[0]}/{names[1]}/{'/'.join(names[3:])}"
            return replace(_page(url, get(raw), get), url=url, author=names[0], title=names[-1])
    return _page(url, get(url), get)


def _page(url: str, found: Fetched, get: Get) -> Page:
    if found.kind == PDF_KIND or found.body[:5] == b"%PDF-":
        pdf = read_pdf(found.body, url, _PDF_SECONDS)
        return Page(url, pdf.title, pdf.text, author=pdf.author, date=pdf.date, kind="pdf")
    if found.kind in ("text/html", "application/xhtml+xml"):
        return _html(url, found, get)
    text = _decoded(found)
    if is_transcript(text):
        return _transcript(Page(url), text)
    if not text.strip():
        raise SourceError("a link's page holds no text", url[:200], _PASTE)
    heading = re.match(r"#[ \t]+(\S.*)", text.lstrip()) if found.kind.endswith("markdown") else None
    return Page(url, heading[1].strip() if heading else "", text.strip())


def _html(url: str, found: Fetched, get: Get) -> Page:
    import trafilatura

    from twin.text.markup import parse

    if b"\0" in found.body[:4096]:
        raise SourceError("a link is no text page", f"{url[:200]} (binary)", _PASTE)
    tree = parse(found.body)
    page = _described(Page(url), tree)
    if page.kind == "paper" and (abstract := tree.select_one("blockquote.abstract")):
        words = re.sub(r"^\s*Abstract:?\s*", "", abstract.get_text(" ", strip=True))
        return replace(page, text=words)
    video = (urlsplit(found.url).hostname or "") in _VIDEO_HOSTS
    text = "" if video else trafilatura.extract(
        found.body, url=found.url, favor_recall=True, include_comments=False, output_format="markdown"
    )  # fmt: skip
    if (not text or len(text) < 300) and (link := _subtitles(tree, found.url)):
        return _transcript(page, _decoded(get(link)))
    if video:
        raise SourceError(
            "a video's page names no transcript", url[:200], "Give the address of its .vtt or .srt file, or paste it."
        )
    if not text or not text.strip():
        raise SourceError("a link's page holds no text", url[:200], _PASTE)
    told = trafilatura.extract_metadata(found.body, default_url=found.url)
    if told:
        page = replace(
            page,
            title=told.title or page.title,
            author=page.author or told.author or "",
            date=page.date or told.date or "",
        )
    return replace(page, text=text.strip())


def _described(page: Page, tree: Tag) -> Page:
    """Title, author and date as a page's own marks say: citation_* of papers, else none but its title."""

    def meta(*names: str) -> list[str]:
        found = [tree.select(f'meta[name="{name}"][content], meta[property="{name}"][content]') for name in names]
        return [str(tag["content"]).strip() for tags in found for tag in tags if str(tag["content"]).strip()]

    titles = meta("citation_title")
    title = titles or meta("og:title") or [tag.get_text(strip=True) for tag in tree.select("title")[:1]]
    stamps = meta("citation_date", "citation_publication_date", "article:published_time")
    found = re.match(r"(\d{4})[-/](\d{2})(?:[-/](\d{2}))?", stamps[0]) if stamps else None
    return replace(
        page, title=title[0] if title else "", author="; ".join(meta("citation_author")[:20]),
        date="-".join(part for part in found.groups() if part) if found else "", kind="paper" if titles else "article",
    )  # fmt: skip


def _arxiv(url: str, number: str, get: Get) -> Page:
    """An abs link gives the abstract; a pdf link the whole text. Title, authors and date come from the abs page."""
    about = f"https://arxiv.org/abs/{number}"
    if not re.match(r"^/pdf/", urlsplit(url).path):
        return replace(_page(about, get(about), get), url=url)
    page = _page(url, get(f"https://arxiv.org/pdf/{number}"), get)
    try:
        told = _page(about, get(about), get)
    except SourceError:
        return replace(page, kind="paper")
    return replace(page, title=told.title, author=told.author, date=told.date, kind="paper")


def _repository(url: str, owner: str, name: str, get: Get) -> Page:
    api = f"{_GITHUB_API}/repos/{owner}/{name}"
    raw = get(f"{api}/readme", headers={"Accept": "application/vnd.github.raw+json"})
    page = Page(url, f"{owner}/{name}", _decoded(raw).strip(), author=owner, kind="repository")
    try:
        told = json.loads(get(api, headers={"Accept": "application/vnd.github+json"}).body)
    except (SourceError, ValueError):
        return page
    about: Any = told if isinstance(told, dict) else {}
    told_title = f"{owner}/{name}: {about['description']}" if about.get("description") else page.title
    return replace(page, title=told_title, date=str(about.get("pushed_at") or "")[:10])


def _subtitles(tree: Tag, base: str) -> str:
    """The address of the transcript that a page links: a track of its player, or a link to a .vtt or .srt file."""
    for tag in tree.select("track[src]"):
        if str(tag.get("kind") or "subtitles") in ("subtitles", "captions"):
            return urljoin(base, str(tag["src"]))
    for tag in tree.select("a[href], link[href]"):
        if re.search(r"\.(?:vtt|srt)(?:[?#]|$)", str(tag["href"]), re.IGNORECASE):
            return urljoin(base, str(tag["href"]))
    return ""


def _transcript(page: Page, text: str) -> Page:
    words = spoken(text) if is_transcript(text) else ""
    if not words:
        raise SourceError("a transcript holds no words", page.url[:200], _PASTE)
    return replace(page, text=words, kind="transcript")


def _decoded(found: Fetched) -> str:
    for name in (found.charset, "utf-8", "cp1252"):
        try:
            return found.body.decode(name).removeprefix("\ufeff") if name else found.body.decode("utf-8-sig")
        except (UnicodeDecodeError, LookupError):
            continue
    return found.body.decode("utf-8", "replace")
