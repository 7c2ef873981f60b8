"""A WordPress export (WXR): published posts and pages of the author, streamed, the XML read without entities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from twin.errors import SourceError
from twin.records import Document
from twin.sources.archive import Archive
from twin.sources.aside import Aside
from twin.sources.reading import Item, Skipped, each, make, moment, short_hash, tried
from twin.sources.wordpress_answers import read_answers
from twin.sources.wordpress_markup import NOTE_FORMATS, body_text, one_line
from twin.sources.writers import chosen

if TYPE_CHECKING:
    from lxml.etree import _Element

TERMS = "the person's own export (WordPress: Tools, Export, All content)"

_KINDS = ("post", "page", "")


@dataclass(slots=True)
class _Site:
    """What the whole export says: its address, its writers by login, and their numbers' logins."""

    host: str = ""
    writers: dict[str, set[str]] = field(default_factory=dict)
    logins: dict[str, str] = field(default_factory=dict)


def read_export(
    archive: Archive, author: str, fetched_at: datetime, user: str = "", author_name: str = ""
) -> Iterator[Item]:
    """Documents of every WXR file and every saved answer of WordPress' API; ids are `wordpress:<site>/<post's number>`.

    `user` names the writer where several write there. Raises SourceError when there is neither or no such writer.
    """
    names = [name for name in archive.names if name.lower().endswith((".xml", ".wxr"))]
    answers = [name for name in archive.names if name.lower().endswith(".json")]
    if not names and not answers:
        raise SourceError(
            "this is no WordPress export", f"{archive.path} (no .xml or .json)",
            "Export all content in WordPress (Tools, Export) and put the file into the inbox.",
        )  # fmt: skip
    site = _Site()
    with Aside() as kept:
        yield from each(
            [*names, *answers], partial(_read, archive, site, kept, author, fetched_at), needed=lambda: not kept
        )
        writing = {site.logins.get(writer, writer): set[str]() for writer in kept.writers}
        for writer, called in site.writers.items():
            if (login := site.logins.get(writer, writer)) in writing:
                writing[login] |= called
        own = chosen(writing, user, author_name or author, archive.path)
        for writers, document in kept:
            mine = own & {site.logins.get(writer, writer) for writer in writers}
            yield document if mine else Skipped(what=document.url or document.id, reason="by another writer")


def _read(archive: Archive, site: _Site, kept: Aside, author: str, fetched_at: datetime, name: str) -> Iterator[Item]:
    if name.lower().endswith(".json"):
        yield from read_answers(archive, kept, site.writers, author, fetched_at, name)
    else:
        yield from _items(archive, site, kept, author, fetched_at, name)


def _items(archive: Archive, site: _Site, kept: Aside, author: str, fetched_at: datetime, name: str) -> Iterator[Item]:
    where = f"{archive.path}:{name}"
    known = False
    for element in _elements(archive, name, where):
        kind = _local(element)
        if kind in ("base_blog_url", "base_site_url") and element.text:
            known, site.host = True, urlsplit(element.text.strip()).netloc or site.host
        elif kind in ("wxr_version", "author"):
            known = True
            if kind == "author":
                _writer(element, site)
        elif kind == "item":
            fields = _fields(element)
            known = known or "post_type" in fields
            item = tried(fields.get("link") or name, partial(_post, fields, site.host, author, fetched_at))
            if isinstance(item, Document):
                kept.add([fields.get("creator", "")], item)
            else:
                yield item
    if not known:
        raise SourceError("this is no WordPress export", where, "Export all content in WordPress (Tools, Export).")


def _elements(archive: Archive, name: str, where: str) -> Iterator[_Element]:
    from lxml import etree

    wanted = ("{*}item", "{*}author", "{*}wxr_version", "{*}base_blog_url", "{*}base_site_url")
    with archive.open(name) as file:
        try:
            for _, element in etree.iterparse(
                file, tag=wanted, recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
            ):
                yield element
                if _local(element) == "item":
                    element.clear()
                    while element.getprevious() is not None:
                        del element.getparent()[0]
        except (etree.XMLSyntaxError, ValueError, AssertionError) as error:
            raise SourceError(
                "a WordPress export can't be read", f"{where} ({error})", "Export it again, in parts if it is large."
            ) from None


def _local(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _fields(item: _Element) -> dict[str, str]:
    """The item's children by their names without namespace; the first of a name that holds words counts."""
    fields: dict[str, str] = {}
    for child in item:
        if not isinstance(child.tag, str):
            continue  # a comment, or an entity that nobody resolves
        name = _local(child)
        if name == "encoded":
            name = "excerpt" if "excerpt" in child.tag else "content"
        if name == "category" and child.get("domain") == "post_format":
            name, text = "format", str(child.get("nicename") or "")
        else:
            text = "".join(child.itertext())
        if name and not fields.get(name, "").strip():
            fields[name] = text if name == "content" else text.strip()
    return fields


def _writer(element: _Element, site: _Site) -> None:
    fields = _fields(element)
    whole = " ".join(filter(None, [fields.get("author_first_name"), fields.get("author_last_name")]))
    if login := fields.get("author_login"):
        names = {fields.get("author_display_name", ""), fields.get("author_email", ""), whole} - {""}
        site.writers[login] = names
        if number := fields.get("author_id"):
            site.logins[number] = login


def _post(fields: dict[str, str], host: str, author: str, fetched_at: datetime) -> Item:
    what = fields.get("link") or fields.get("title") or "an item"
    kind, status = fields.get("post_type", ""), fields.get("status", "publish")
    if kind not in _KINDS:
        return Skipped(what=what, reason=f"a WordPress {kind}")
    if status != "publish":
        return Skipped(
            what=what, reason="a draft" if status in ("draft", "auto-draft", "pending") else f"a {status} post"
        )
    if fields.get("post_password"):
        return Skipped(what=what, reason="a post behind a password")
    text = body_text(fields.get("content", ""))
    if not text.strip():
        return Skipped(what=what, reason="a post without words")
    stamps = (fields.get("post_date_gmt"), fields.get("post_date"), fields.get("pubDate"))
    title = one_line(fields.get("title", ""))
    number = fields.get("post_id") or short_hash(fields.get("link", ""), title)
    address = fields.get("link", "")
    return make(
        "wordpress", f"{host}/{number}" if host else number, author, fetched_at,
        register="note" if fields.get("format") in NOTE_FORMATS else "article", text=text, title=title,
        url=address if address.startswith("http") else "",
        published_at=next((found for stamp in stamps if (found := moment(stamp)) and found.year > 1), None),
    )  # fmt: skip
