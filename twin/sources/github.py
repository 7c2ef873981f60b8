"""GitHub by its API: what to ask for each kind of text that a person chose, and which reader gets the answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from twin.errors import SourceError
from twin.sources import github_files, github_talk
from twin.sources.crawl import Ask, Crawl, Page
from twin.sources.reading import Item, Skipped

API = "https://api.github.com"
TERMS = "GitHub's API under GitHub's terms, the person's own public repositories, gists and contributions"
KINDS = ("profile", "readmes", "docs", "gists", "releases", "issues", "discussions", "comments")
DEFAULT = ("profile", "readmes", "docs", "gists", "issues")
# GraphQL alone knows these, and it answers nobody without a token.
_TOKEN_ONLY = ("discussions", "comments")

_NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')
_MEND = "Check GITHUB_TOKEN (it may have expired or lack rights), or unset it: public texts need none."


def crawl(user: str, url: str | None, token: str, kinds: Sequence[str] | None = None) -> Crawl:
    """A crawl of `user`'s texts. `url` is another API's base; a token lifts 60 requests an hour to 5,000.

    `kinds` are of KINDS: the profile's README, repositories' READMEs, Markdown docs and blog folders, gists, release
    notes, issues and pull requests, discussions, and comments. The last two need a token.
    """
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})", user):
        raise SourceError(
            "GitHub needs the user's name", user or None, "Give `user:` in the source's entry in params.yaml."
        )
    base = (url or API).rstrip("/")
    chosen = [kind for kind in KINDS if kind in (kinds or DEFAULT)]
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    context = {"base": base, "user": user, "headers": headers, "kinds": chosen, "token": bool(token)}
    secret = {"Authorization": f"Bearer {token}"} if token else {}
    origin = "/".join(base.split("/")[:3])
    return Crawl("github", TERMS, list(_first(context)), context, secret, origin, whole=True, mend=_MEND)


def _first(context: dict[str, Any]) -> Iterator[Ask]:
    base, user, kinds = context["base"], context["user"], context["kinds"]
    # The list of repositories is asked for in any case: it tells whether there is such a user.
    yield ask(context, f"{base}/users/{user}/repos?type=owner&sort=full_name&per_page=100", "repos", required=True)
    if "gists" in kinds:
        yield ask(context, f"{base}/users/{user}/gists?per_page=100", "gists")
    if "issues" in kinds:
        yield from (ask(context, _search(base, user, kind, ""), "issues", {"kind": kind}) for kind in ("issue", "pr"))
    for kind in _TOKEN_ONLY:
        if kind in kinds and context["token"]:
            yield github_talk.question(context, kind)


def ask(context: dict[str, Any], url: str, step: str, carry: dict[str, Any] | None = None, **more: Any) -> Ask:
    """A request to the API with the headers it wants; the token is added where the request is made."""
    headers = context["headers"] | more.pop("headers", {})
    return Ask(url, step, carry or {}, headers, api=True, **({"required": False} | more))


def _search(base: str, user: str, kind: str, since: str) -> str:
    query = f"author:{user} is:{kind} is:public" + (f" created:>={since}" if since else "")
    return f"{base}/search/issues?q={quote(query)}&sort=created&order=asc&per_page=100"


def follow(page: Page, author: str, fetched_at: datetime, context: dict[str, Any]) -> Iterator[Ask | Item]:
    """Lists give an Ask for each text and for the next page; a text gives its document."""
    if page.step in ("raw", "gist file"):
        yield from github_files.raw(page, author, fetched_at)
        return
    value = _json(page)
    if page.step == "repos":
        yield from _without_token(page, context)
        for entry in _list(value, page):
            yield from _repository(entry, context)
    elif page.step == "readme":
        yield from github_files.readme(value, page, author, fetched_at, context)
    elif page.step == "tree":
        yield from github_files.tree(value, page, context)
    elif page.step == "gists":
        for entry in _list(value, page):
            yield from github_files.listed_gist(entry, context)
    elif page.step == "gist":
        yield from github_files.gist(value, author, fetched_at)
    elif page.step == "releases":
        yield from github_talk.releases(_list(value, page), author, fetched_at, context)
    elif page.step == "issues":
        yield from github_talk.issues(value, page, author, fetched_at, context)
        yield from _further_search(value, page, context)
    else:
        yield from github_talk.answered(value, page, author, fetched_at, context)
    if (following := _NEXT.search(page.headers.get("link", ""))) and page.step != "tree":
        yield ask(context, following[1], page.step, page.carry)


def _without_token(page: Page, context: dict[str, Any]) -> Iterator[Item]:
    if not context["token"] and not re.search(r"[?&]page=(?!1\b)", page.url):
        for kind in _TOKEN_ONLY:
            if kind in context["kinds"]:
                yield Skipped(what=kind, reason="GitHub gives these to a token only: set GITHUB_TOKEN")


def _repository(entry: dict[str, Any], context: dict[str, Any]) -> Iterator[Ask | Item]:
    name, kinds, base = str(entry["full_name"]), context["kinds"], context["base"]
    if entry.get("fork"):
        yield Skipped(what=name, reason="a fork")
        return
    if str((entry.get("owner") or {}).get("login", "")).lower() != context["user"].lower():
        yield Skipped(what=name, reason="another owner's repository")
        return
    carry = {
        key: entry.get(key)
        for key in ("full_name", "description", "created_at", "html_url", "name", "default_branch", "mirror_url")
    }
    if carry.pop("mirror_url"):
        yield Skipped(what=name, reason="a mirror of another repository")
        return
    profile = str(entry.get("name", "")).lower() == context["user"].lower()
    if "profile" in kinds if profile else "readmes" in kinds:
        yield ask(context, f"{base}/repos/{name}/readme", "readme", carry, missing="no README")
    if "docs" in kinds and not profile and entry.get("size") != 0:
        branch = quote(str(entry.get("default_branch") or "HEAD"), safe="")
        url = f"{base}/repos/{name}/git/trees/{branch}?recursive=1"
        yield ask(context, url, "tree", carry | {"under": "", "wanted": False}, missing="no files")
    if "releases" in kinds:
        yield ask(context, f"{base}/repos/{name}/releases?per_page=100", "releases", carry, missing="no releases")


def _further_search(value: Any, page: Page, context: dict[str, Any]) -> Iterator[Ask]:
    """A search ends at a thousand: the next one begins at the day of the last that was found."""
    found = value.get("items") or []
    if found and 'rel="next"' not in page.headers.get("link", "") and int(value.get("total_count") or 0) > 1000:
        since = str(found[-1].get("created_at") or "")[:10]
        kind = str(page.carry["kind"])
        if since and since != page.carry.get("since"):
            carry = {"kind": kind, "since": since}
            yield ask(context, _search(context["base"], context["user"], kind, since), "issues", carry)


def _list(value: Any, page: Page) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise SourceError("GitHub's answer is no list", page.url, "Check the API's address.")
    return [entry for entry in value if isinstance(entry, dict)]


def _json(page: Page) -> Any:
    try:
        return json.loads(page.body)
    except ValueError:
        raise SourceError(
            "this is no GitHub API", f"{page.url} (its answer is no JSON)", "Check the API's address."
        ) from None
