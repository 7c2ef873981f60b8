"""GitHub's files: READMEs, Markdown documents and blog folders of a repository's tree, gists; generated ones out."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from twin.sources.crawl import Ask, Page
from twin.sources.files import front_matter
from twin.sources.reading import Item, Skipped, decode, make, moment, tried, unix_lines

_MARKDOWN = (".md", ".markdown", ".mdown", ".mkd", ".mdx")
_README = (*_MARKDOWN, ".txt", "")
_RAW = {"Accept": "application/vnd.github.raw+json"}
_MAX_BYTES = 5_000_000
_GENERATED = re.compile(
    r"@generated|code generated .* do not edit|"
    # Of itself: a README may well speak of what else is generated.
    r"(?:^[^\w\n]*|<!--[^>]{0,200}|\b(?:this|the) (?:file|readme|document|page|section)\b[^.\n]{0,30})auto(?:matically)?[- ]generated|"
    r"this project was bootstrapped with \[create react app\]|project bootstrapped with \[`?create-next-app|"
    r"this template (?:should help|provides a minimal setup)|this project was generated with \[angular cli\]|"
    r"everything you need to build a svelte project|starter template to learn how|"
    r"a new flutter project\.\s+## getting started|to run this project.{0,40}create expo app",
    re.IGNORECASE | re.DOTALL | re.MULTILINE,
)
_SCANNED = 4000
_BLOGS = ("blog", "_posts", "posts", "articles", "writing", "essays", "journal", "content", "til", "notes", "_drafts")
_DOCS = ("docs", "doc", "documentation", "adr", "adrs", "rfcs", "guides", "handbook", "wiki")
_OTHERS = (
    "node_modules", "vendor", "third_party", "third-party", "external", "dist", "build", "target", "testdata",
    "fixtures", "test", "tests", "spec", "templates", "template", "themes", "site-packages", "venv", ".venv", "licenses",
)  # fmt: skip
_BOILERPLATE = re.compile(
    r"^(?:license|licence|copying|notice|code[_-]of[_-]conduct|contributing|contributors|authors|security|changelog|"
    r"changes|history|release[_-]?notes|pull_request_template|issue_template|support|governance|maintainers|codeowners|"
    r"claude|agents|gemini|skill)(?:[._-].*)?$",
    re.IGNORECASE,
)


def readme(
    value: dict[str, Any], page: Page, author: str, fetched_at: datetime, context: dict[str, Any]
) -> Iterator[Ask | Item]:
    """A repository's README. The API holds back the text of one over a megabyte: that is asked for raw."""
    repo = page.carry
    path, name = str(value.get("path") or "README.md"), str(repo["full_name"])
    what = f"{name}/{path}"
    if PurePosixPath(path).suffix.lower() not in _README:
        yield Skipped(what=what, reason="a README that is no Markdown")
        return
    link = str(value.get("html_url") or repo.get("html_url") or "")
    if value.get("encoding") == "base64":
        yield tried(what, partial(_readme, str(value.get("content") or ""), repo, path, link, author, fetched_at))
    elif int(value.get("size") or 0) > _MAX_BYTES:
        yield Skipped(what=what, reason="a file over 5 MB")
    else:
        yield _raw(context, repo, path, link)


def _readme(coded: str, repo: dict[str, Any], path: str, link: str, author: str, fetched_at: datetime) -> Item:
    what = f"{repo['full_name']}/{path}"
    try:
        data = base64.b64decode(coded, validate=False)
    except binascii.Error:
        return Skipped(what=what, reason="a README that can't be decoded")
    return _file(decode(data, what), repo | {"path": path, "link": link}, author, fetched_at)


def _raw(context: dict[str, Any], repo: dict[str, Any], path: str, link: str) -> Ask:
    url = f"{context['base']}/repos/{repo['full_name']}/contents/{quote(path)}"
    carry = repo | {"path": path, "link": link}
    return Ask(url, "raw", carry, context["headers"] | _RAW, required=False, api=True)


def tree(value: dict[str, Any], page: Page, context: dict[str, Any]) -> Iterator[Ask | Item]:
    """The Markdown documents of a tree. One too large to be listed at once is walked folder by folder."""
    repo, under = page.carry, str(page.carry.get("under") or "")
    name, entries = str(repo["full_name"]), [e for e in value.get("tree") or [] if isinstance(e, dict)]
    if value.get("truncated") and "recursive=1" in page.url:
        yield _subtree(context, repo, page.url.split("?")[0], under, bool(repo.get("wanted")))
        return
    blobs = [e for e in entries if e.get("type") == "blob"]
    wanted = bool(repo.get("wanted")) or ("recursive=1" in page.url and _is_notes([str(e["path"]) for e in blobs]))
    for entry in blobs:
        path = under + str(entry["path"])
        if not _is_markdown(path) or (PurePosixPath(path).stem.lower() == "readme" and "/" not in path):
            continue
        if why := _unwanted(path, wanted):
            yield Skipped(what=f"{name}/{path}", reason=why)
        elif int(entry.get("size") or 0) > _MAX_BYTES:
            yield Skipped(what=f"{name}/{path}", reason="a file over 5 MB")
        else:
            branch = str(repo.get("default_branch") or "HEAD")
            yield _raw(context, _bare(repo), path, f"{repo.get('html_url') or ''}/blob/{branch}/{quote(path)}")
    if "recursive=1" not in page.url:
        for entry in entries:
            folder = str(entry.get("path") or "")
            if entry.get("type") == "tree" and folder.lower() not in _OTHERS and not folder.startswith("."):
                inner = wanted or folder.lower() in (*_BLOGS, *_DOCS)
                if inner:
                    url = f"{context['base']}/repos/{name}/git/trees/{entry['sha']}?recursive=1"
                    yield _subtree(context, repo, url, f"{under}{folder}/", True)


def _is_notes(paths: list[str]) -> bool:
    """A repository of little else than Markdown is a blog or a garden of notes: all its folders are wanted."""
    texts = [path for path in paths if _is_markdown(path)]
    return len(texts) >= 3 and len(texts) * 3 > len(paths) * 2


def _subtree(context: dict[str, Any], repo: dict[str, Any], url: str, under: str, wanted: bool) -> Ask:
    carry = repo | {"under": under, "wanted": wanted}
    return Ask(url, "tree", carry, context["headers"], required=False, api=True)


def _bare(repo: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in repo.items() if key not in ("under", "wanted")}


def _unwanted(path: str, wanted: bool) -> str:
    parts = [part.lower() for part in PurePosixPath(path).parts]
    if any(part in _OTHERS or (part.startswith(".") and part != ".") for part in parts[:-1]):
        return "a file in a folder of others' or tools' files"
    if _BOILERPLATE.match(PurePosixPath(path).stem):
        return "a file that every project has"
    if wanted or any(part in (*_BLOGS, *_DOCS) for part in parts[:-1]):
        return ""
    return "a Markdown file outside documents and blog folders"


def raw(page: Page, author: str, fetched_at: datetime) -> Iterator[Item]:
    """A file's own bytes: of a repository, or of a gist too long for the API."""
    what = f"{page.carry.get('full_name') or page.carry.get('id')}/{page.carry['path']}"
    if page.step == "gist file":
        yield tried(what, lambda: _gist(decode(page.body, what), page.carry, author, fetched_at))
    else:
        yield tried(what, lambda: _file(decode(page.body, what), page.carry, author, fetched_at))


def _file(text: str, repo: dict[str, Any], author: str, fetched_at: datetime) -> Item:
    path, name = str(repo["path"]), str(repo["full_name"])
    what = f"{name}/{path}"
    if reason := _not_written(text):
        return Skipped(what=what, reason=reason)
    if PurePosixPath(path).stem.lower() == "readme":
        return make(
            "github", f"{name.lower()}/{path}", author, fetched_at, register="readme", text=text,
            title=str(repo.get("name") or ""), url=str(repo["link"]),
            published_at=moment(repo.get("created_at")),
        )  # fmt: skip
    meta, body = front_matter(unix_lines(text).removeprefix("\ufeff"))
    if str(meta.get("draft", "")).lower() == "true" or meta.get("published") is False:
        return Skipped(what=what, reason="a draft")
    if not body.strip():
        return Skipped(what=what, reason="a file without words")
    named = re.search(r"(?:19|20)\d{2}-\d{2}-\d{2}", path)
    stamp = next((found for key in ("date", "published", "created") if (found := moment(meta.get(key)))), None)
    stamp = stamp or (moment(named[0]) if named else None)
    heading = re.match(r"#[ \t]+(\S.*)", body.lstrip())
    blog = stamp is not None or any(part.lower() in _BLOGS[:7] for part in PurePosixPath(path).parts[:-1])
    return make(
        "github", f"{name.lower()}/{path}", author, fetched_at, register="article" if blog else "note", text=body,
        title=str(meta.get("title") or (heading[1].strip() if heading else PurePosixPath(path).stem)),
        url=str(repo["link"]), published_at=stamp,
    )  # fmt: skip


def listed_gist(entry: dict[str, Any], context: dict[str, Any]) -> Iterator[Ask | Item]:
    """A gist of the list: one with Markdown in it is asked for; other files are counted."""
    files = entry.get("files") or {}
    for name in sorted(files):
        if not _is_markdown(name):
            yield Skipped(what=f"gist {entry['id']}/{name}", reason="a gist's file that is no Markdown")
    if any(_is_markdown(name) for name in files):
        url = f"{context['base']}/gists/{entry['id']}"
        yield Ask(url, "gist", {}, context["headers"], required=False, api=True)


def gist(value: dict[str, Any], author: str, fetched_at: datetime) -> Iterator[Ask | Item]:
    """A gist's Markdown files. The raw address of a long one is at another host, which gets no token."""
    carry = {key: value.get(key) for key in ("id", "description", "created_at", "html_url")}
    for name, file in sorted((value.get("files") or {}).items()):
        if not _is_markdown(name):
            continue
        told = carry | {"path": name}
        if file.get("truncated"):
            yield Ask(str(file["raw_url"]), "gist file", told, required=False)
        else:
            read = partial(_gist, str(file.get("content") or ""), told, author, fetched_at)
            yield tried(f"gist {value['id']}/{name}", read)


def _gist(text: str, told: dict[str, Any], author: str, fetched_at: datetime) -> Item:
    name = str(told["path"])
    what = f"gist {told['id']}/{name}"
    if reason := _not_written(text):
        return Skipped(what=what, reason=reason)
    return make(
        "github", f"gist/{told['id']}/{name}", author, fetched_at, register="note", text=text,
        title=str(told.get("description") or PurePosixPath(name).stem), url=str(told.get("html_url") or ""),
        published_at=moment(told.get("created_at")),
    )  # fmt: skip


def _not_written(text: str) -> str:
    if not text.strip():
        return "a file without words"
    return "a generated file" if _GENERATED.search(text[:_SCANNED]) else ""


def _is_markdown(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in _MARKDOWN
