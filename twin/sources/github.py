"""GitHub by its REST API: the profile README, READMEs of the person's own repositories and Markdown gists."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from twin.errors import SourceError
from twin.sources.crawl import Ask, Crawl, Page
from twin.sources.reading import Item, Skipped, decode, make, moment, tried

API = "https://api.github.com"
TERMS = "GitHub's REST API under GitHub's terms, the person's own public repositories and gists"

_MARKDOWN = (".md", ".markdown", ".mdown", ".mkd", ".txt", "")
_NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')
_GENERATED = re.compile(
    r"@generated|code generated .* do not edit|"
    r"(?:this (?:file|readme) (?:is|was) )?(?:auto(?:matically)?[- ]generated)|"
    r"this project was bootstrapped with \[create react app\]|project bootstrapped with \[`?create-next-app|"
    r"this template (?:should help|provides a minimal setup)|this project was generated with \[angular cli\]|"
    r"everything you need to build a svelte project|starter template to learn how|"
    r"a new flutter project\.\s+## getting started|to run this project.{0,40}create expo app",
    re.IGNORECASE | re.DOTALL,
)
_SCANNED = 4000


def crawl(user: str, url: str | None, token: str) -> Crawl:
    """A crawl of `user`'s texts. `url` is another API base; a token lifts 60 requests an hour to 5,000."""
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})", user):
        raise SourceError(
            "GitHub needs the user's name", user or None, "Give `user:` in the source's entry in params.yaml."
        )
    base = (url or API).rstrip("/")
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    first = [
        Ask(f"{base}/users/{user}/repos?type=owner&sort=full_name&per_page=100", "repos", headers=headers),
        Ask(f"{base}/users/{user}/gists?per_page=100", "gists", headers=headers, required=False),
    ]
    return Crawl("github", TERMS, first, {"base": base, "user": user, "headers": headers})


def follow(page: Page, author: str, fetched_at: datetime, context: dict[str, Any]) -> Iterator[Ask | Item]:
    """Lists give an Ask for each text and for the next page; a README or a gist gives its documents."""
    if page.status == 404:
        yield Skipped(what=page.url, reason="no README" if page.step == "readme" else "not there")
        return
    if page.step == "gist":
        yield tried(page.url, partial(_gist_file, page, author, fetched_at))
        return
    value = _json(page)
    if page.step == "readme":
        yield tried(page.url, partial(_readme, value, page.carry, author, fetched_at))
    else:
        if not isinstance(value, list):
            raise SourceError("GitHub's answer is no list", page.url, "Check the API's address.")
        for entry in value:
            yield from _listed(page.step, entry, context)
        if following := _NEXT.search(page.headers.get("link", "")):
            yield Ask(following[1], page.step, headers=context["headers"])


def _listed(step: str, entry: dict[str, Any], context: dict[str, Any]) -> Iterator[Ask | Item]:
    headers, base = context["headers"], context["base"]
    if step == "gists":
        yield from _gist_files(entry)
    elif entry.get("fork"):
        yield Skipped(what=str(entry["full_name"]), reason="a fork")
    elif str((entry.get("owner") or {}).get("login", "")).lower() != context["user"].lower():
        yield Skipped(what=str(entry["full_name"]), reason="another owner's repository")
    else:
        carry = {key: entry.get(key) for key in ("full_name", "description", "created_at", "html_url", "name")}
        yield Ask(f"{base}/repos/{entry['full_name']}/readme", "readme", carry, headers, required=False)


def _readme(value: dict[str, Any], repo: dict[str, Any], author: str, fetched_at: datetime) -> Item:
    path, name = str(value.get("path") or "README.md"), str(repo["full_name"])
    if PurePosixPath(path).suffix.lower() not in _MARKDOWN:
        return Skipped(what=f"{name}/{path}", reason="a README that is no Markdown")
    if value.get("encoding") != "base64":
        return Skipped(what=f"{name}/{path}", reason="a README that is too large for the API")
    try:
        text = decode(base64.b64decode(str(value["content"])), f"{name}/{path}")
    except binascii.Error:
        return Skipped(what=f"{name}/{path}", reason="unreadable: not base64")
    if reason := _not_written(text):
        return Skipped(what=f"{name}/{path}", reason=reason)
    return make(
        "github", f"{name.lower()}/{path}", author, fetched_at, register="readme", text=text, title=str(repo["name"]),
        url=str(value.get("html_url") or repo.get("html_url") or ""), published_at=moment(repo.get("created_at")),
    )  # fmt: skip


def _gist_files(gist: dict[str, Any]) -> Iterator[Ask | Item]:
    for name, file in sorted((gist.get("files") or {}).items()):
        if _is_markdown(name):
            carry = {key: gist.get(key) for key in ("id", "description", "created_at", "html_url")} | {"name": name}
            # The raw address costs nothing of the API's limit and needs no token: none is sent to another host.
            yield Ask(str(file["raw_url"]), "gist", carry, required=False)
        else:
            yield Skipped(what=f"gist {gist['id']}/{name}", reason="a gist's file that is no Markdown")


def _gist_file(page: Page, author: str, fetched_at: datetime) -> Item:
    gist, name = page.carry, str(page.carry["name"])
    what = f"gist {gist['id']}/{name}"
    text = decode(page.body, what)
    if reason := _not_written(text):
        return Skipped(what=what, reason=reason)
    return make(
        "github", f"gist/{gist['id']}/{name}", author, fetched_at, register="note", text=text,
        title=str(gist.get("description") or PurePosixPath(name).stem), url=str(gist.get("html_url") or ""),
        published_at=moment(gist.get("created_at")),
    )  # fmt: skip


def _not_written(text: str) -> str:
    if not text.strip():
        return "a file without words"
    return "a generated file" if _GENERATED.search(text[:_SCANNED]) else ""


def _is_markdown(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in (".md", ".markdown", ".mdown", ".mkd")


def _json(page: Page) -> Any:
    try:
        return json.loads(page.body)
    except ValueError:
        raise SourceError(
            "this is no GitHub API", f"{page.url} (its answer is no JSON)", "Check the API's address."
        ) from None
