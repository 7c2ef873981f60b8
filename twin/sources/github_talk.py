"""What a person said at GitHub: issues and pull requests, release notes, and by GraphQL discussions and comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from twin.errors import NetworkError
from twin.sources.crawl import Ask, Page
from twin.sources.reading import Item, Skipped, make, moment, tried

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LISTED = re.compile(r"^\s*[*-] .* by @\S+ in (?:https?://\S+|#\d+)\s*$", re.MULTILINE)
_GRAPHQL = {
    "discussions": ("repositoryDiscussions", "title body url createdAt"),
    "comments": ("issueComments", "body url createdAt issue { title }"),
    "replies": ("repositoryDiscussionComments", "body url createdAt discussion { title }"),
}
_PAGE = 100


def releases(found: list[dict[str, Any]], author: str, fetched_at: datetime, context: dict[str, Any]) -> Iterator[Item]:
    """Release notes that the person wrote; lists of merged pull requests are the site's own words."""
    for entry in found:
        yield tried(str(entry.get("html_url")), partial(_release, entry, author, fetched_at, context))


def _release(entry: dict[str, Any], author: str, fetched_at: datetime, context: dict[str, Any]) -> Item:
    what, text = str(entry.get("html_url")), str(entry.get("body") or "")
    if entry.get("draft"):
        return Skipped(what=what, reason="a draft")
    if not _is_by(entry.get("author"), context):
        return Skipped(what=what, reason="a release by another person or a program")
    own = re.sub(
        r"(?im)^\s*\**Full Changelog\**:.*$|^#+ (?:What's Changed|New Contributors)\s*$", "", _LISTED.sub("", text)
    )
    if len(own.split()) < 5:
        return Skipped(what=what, reason="release notes that GitHub made, or none")
    title = str(entry.get("name") or entry.get("tag_name") or "")
    return _said(what, text, title, "note", entry.get("published_at"), author, fetched_at)


def issues(value: Any, page: Page, author: str, fetched_at: datetime, context: dict[str, Any]) -> Iterator[Item]:
    """Issues or pull requests of a search, each with the text that opened it."""
    if not isinstance(value, dict) or not isinstance(value.get("items"), list):
        raise NetworkError("GitHub's search gave no list", page.url, "Run it again later.")
    if value.get("incomplete_results"):
        yield Skipped(what=page.url, reason="a search that GitHub cut off: run it again for the rest")
    for entry in value["items"]:
        what = str(entry.get("html_url"))
        if not _is_by(entry.get("user"), context):
            yield Skipped(what=what, reason="by another person")
            continue
        text, title = str(entry.get("body") or ""), str(entry.get("title") or "")
        yield tried(what, partial(_said, what, text, title, "note", entry.get("created_at"), author, fetched_at))


def question(context: dict[str, Any], kind: str, after: str | None = None) -> Ask:
    """The GraphQL request for a hundred of the person's discussions or comments, after a cursor."""
    name, fields = _GRAPHQL[kind]
    asked = (
        f"query($user: String!, $after: String) {{ user(login: $user) {{ found: {name}(first: {_PAGE}, after: $after) "
        f"{{ pageInfo {{ hasNextPage endCursor }} nodes {{ {fields} }} }} }} }}"
    )
    body = json.dumps({"query": asked, "variables": {"user": context["user"], "after": after}})
    # An Enterprise server keeps its GraphQL beside its REST, not below it.
    url = re.sub(r"/api/v3$", "/api", context["base"]) + "/graphql"
    headers = context["headers"] | {"Content-Type": "application/json"}
    return Ask(
        url, f"graphql {kind}", {"kind": kind, "first": after is None}, headers, required=False, body=body, api=True
    )


def answered(
    value: Any, page: Page, author: str, fetched_at: datetime, context: dict[str, Any]
) -> Iterator[Ask | Item]:
    """Discussions or comments from GraphQL, and the next page's Ask. Its errors come with status 200."""
    kind = str(page.carry["kind"])
    found = ((value.get("data") or {}).get("user") or {}).get("found") if isinstance(value, dict) else None
    if not isinstance(found, dict):
        errors = value.get("errors") if isinstance(value, dict) else None
        why = str(errors[0].get("message")) if errors else "no data"
        raise NetworkError(f"GitHub's GraphQL gave no {kind}", why[:200], "Check GITHUB_TOKEN's rights.")
    if kind == "comments" and page.carry["first"]:
        yield question(context, "replies")
    for node in found.get("nodes") or []:
        if not node:
            continue
        about = node.get("issue") or node.get("discussion") or node
        register = "note" if kind == "discussions" else "reply"
        told = (
            str(node["url"]),
            str(node.get("body") or ""),
            str(about.get("title") or ""),
            register,
            node.get("createdAt"),
        )
        yield tried(str(node["url"]), partial(_said, *told, author, fetched_at))
    ahead = found.get("pageInfo") or {}
    if ahead.get("hasNextPage"):
        yield question(context, kind, str(ahead.get("endCursor")))


def _said(url: str, text: str, title: str, register: str, stamp: Any, author: str, fetched_at: datetime) -> Item:
    """A text by its address, which names repository and number. A template's hidden comments are not the person's."""
    parts = urlsplit(url)
    native = parts.path.strip("/").lower() + (f"#{parts.fragment}" if parts.fragment else "")
    words = _COMMENT.sub("", text).strip("\r\n") if "<!--" in text else text
    if not words.strip():
        return Skipped(what=url, reason="without words of one's own")
    return make(
        "github", native, author, fetched_at, register=register, text=words, title="" if register == "reply" else title,
        url=url, published_at=moment(stamp),
    )  # fmt: skip


def _is_by(person: Any, context: dict[str, Any]) -> bool:
    return isinstance(person, dict) and str(person.get("login", "")).lower() == context["user"].lower()
