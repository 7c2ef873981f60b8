"""The GitHub half of the loopback site: a user, her repositories, READMEs and gist, as the REST API answers."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from examples.answers import Answer, json_answer, tagged, text_answer
from examples.author import GITHUB_HOME, GITHUB_USER, GITHUB_USER_ID, NAME
from examples.texts import Text, of_kind

USER = GITHUB_USER
_LINE = 60  # the API breaks base64 after so many characters


@dataclass(frozen=True, slots=True)
class Repositories:
    """What the API knows: rows of repos.yaml, and the READMEs and gists. `base` ends in /github."""

    rows: Sequence[Mapping[str, Any]]
    texts: Sequence[Text]
    base: str


def answer(known: Repositories, path: str, query: Mapping[str, str], asked: Mapping[str, str]) -> Answer:
    """The answer to GET `path` (below /github); `asked` holds the request's headers with lower-case names.

    The ETag differs between callers with and without a token, as the API's does.
    """
    parts = path.strip("/").split("/")
    found = _route(known, parts, query, asked.get("accept", ""))
    salted = asked.get("authorization", "") + asked.get("accept", "")
    return tagged(found, salt=salted) if found.status == 200 else found


def limited(found: Answer, used: int, authorised: bool) -> Answer:
    """The answer with x-ratelimit headers for the `used`-th request (from 1).

    What remains never reaches 0 by itself; a test that wants an exhausted limit injects one.
    """
    limit = 5000 if authorised else 60
    spent = (used - 1) % (limit - 1) + 1
    headers = {
        "X-GitHub-Media-Type": "github.v3; format=json",
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(limit - spent),
        "X-RateLimit-Used": str(spent),
        "X-RateLimit-Reset": str(int(time.time()) // 3600 * 3600 + 3600),
        "X-RateLimit-Resource": "core",
    }
    return replace(found, headers=found.headers | headers)


def _route(known: Repositories, parts: list[str], query: Mapping[str, str], accept: str) -> Answer:
    match parts:
        case ["users", user] if user == USER:
            return json_answer(_user(known) | _user_counts(known))
        case ["users", user, "repos"] if user == USER:
            return _page(_sorted(known, query), query, f"{known.base}/users/{USER}/repos")
        case ["users", user, "gists"] if user == USER:
            gists = [_gist(known, gist) for gist in of_kind(list(known.texts), "gist")]
            return _page(gists, query, f"{known.base}/users/{USER}/gists")
        case ["repos", user, repo] if user == USER and (row := _row(known, repo)):
            return json_answer(_repo(known, row))
        case ["repos", user, repo, "readme"] if user == USER and (text := _readme(known, repo)):
            if "raw" in accept:
                return text_answer(_content(text), "application/vnd.github.raw+json; charset=utf-8")
            return json_answer(_readme_json(known, text))
        case ["repos", user, repo, "git", "trees", _] if user == USER and (text := _readme(known, repo)):
            return json_answer(_tree(known, text))
        case ["gists", gist_id]:
            for gist in of_kind(list(known.texts), "gist"):
                if gist.meta["id"] == gist_id:
                    return json_answer(_gist(known, gist, whole=True))
        case ["search", "issues"]:
            return json_answer({"total_count": 0, "incomplete_results": False, "items": []})
        case ["raw", user, repo, _, "README.md"] if user == USER and (text := _readme(known, repo)):
            return text_answer(_content(text), "text/plain; charset=utf-8")
        case ["raw", "gist", gist_id, _]:
            for gist in of_kind(list(known.texts), "gist"):
                if gist.meta["id"] == gist_id:
                    return text_answer(_content(gist), "text/plain; charset=utf-8")
    docs = "https://docs.github.com/rest"
    return json_answer({"message": "Not Found", "documentation_url": docs, "status": "404"}, 404)


def _page(rows: list[dict[str, Any]], query: Mapping[str, str], url: str) -> Answer:
    size = min(max(_number(query.get("per_page"), 30), 1), 100)
    page, last = max(_number(query.get("page"), 1), 1), max(-(-len(rows) // size), 1)
    rest = "".join(f"&{key}={value}" for key, value in query.items() if key not in ("per_page", "page"))
    links = []
    if page > 1:
        links.append(("prev", min(page - 1, last)))
    if page < last:
        links += [("next", page + 1), ("last", last)]
    if page > 1:
        links.append(("first", 1))
    found = json_answer(rows[(page - 1) * size : page * size])
    header = ", ".join(f'<{url}?per_page={size}&page={number}{rest}>; rel="{rel}"' for rel, number in links)
    return replace(found, headers=found.headers | {"Link": header}) if header else found


def _number(value: str | None, default: int) -> int:
    return int(value) if value and value.isdigit() else default


def _sorted(known: Repositories, query: Mapping[str, str]) -> list[dict[str, Any]]:
    key = {"created": "created_at", "updated": "updated_at", "pushed": "pushed_at"}.get(
        query.get("sort", ""), "full_name"
    )
    down = query.get("direction", "asc" if key == "full_name" else "desc") == "desc"
    return sorted((_repo(known, row) for row in known.rows), key=lambda repo: str(repo[key]), reverse=down)


def _row(known: Repositories, name: str) -> Mapping[str, Any] | None:
    return next((row for row in known.rows if row["name"] == name), None)


def _readme(known: Repositories, name: str) -> Text | None:
    return next((text for text in known.texts if text.kind == "readme" and text.name == name), None)


def _content(text: Text) -> str:
    return text.body + "\n"


def _user(known: Repositories) -> dict[str, Any]:
    return {
        "login": USER,
        "id": GITHUB_USER_ID,
        "url": f"{known.base}/users/{USER}",
        "html_url": f"{GITHUB_HOME}/{USER}",
        "repos_url": f"{known.base}/users/{USER}/repos",
        "gists_url": f"{known.base}/users/{USER}/gists{{/gist_id}}",
        "type": "User",
        "site_admin": False,
    }


def _user_counts(known: Repositories) -> dict[str, Any]:
    return {
        "name": NAME,
        "company": "Northquay Ferries (fictional)",
        "bio": "Data & reliability. 5 boats, 4 people.",
        "public_repos": len(known.rows),
        "public_gists": len(of_kind(list(known.texts), "gist")),
        "created_at": "2014-05-11T09:20:36Z",
        "updated_at": "2026-07-18T17:26:41Z",
    }


def _repo(known: Repositories, row: Mapping[str, Any]) -> dict[str, Any]:
    full = f"{USER}/{row['name']}"
    return {
        "id": int(hashlib.sha256(full.encode()).hexdigest()[:7], 16),
        "name": row["name"],
        "full_name": full,
        "private": False,
        "owner": _user(known),
        "html_url": f"{GITHUB_HOME}/{full}",
        "description": row["description"],
        "fork": row["fork"],
        "url": f"{known.base}/repos/{full}",
        "contents_url": f"{known.base}/repos/{full}/contents/{{+path}}",
        "created_at": _iso(row["created_at"]),
        "updated_at": _iso(row["pushed_at"]),
        "pushed_at": _iso(row["pushed_at"]),
        "language": row["language"],
        "archived": False,
        "disabled": False,
        "visibility": "public",
        "default_branch": "main",
        "topics": [],
    }


def _readme_json(known: Repositories, text: Text) -> dict[str, Any]:
    data = _content(text).encode("utf-8")
    coded = base64.b64encode(data).decode("ascii")
    sha = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    url = f"{known.base}/repos/{USER}/{text.name}/contents/README.md?ref=main"
    page = f"{GITHUB_HOME}/{USER}/{text.name}/blob/main/README.md"
    git = f"{known.base}/repos/{USER}/{text.name}/git/blobs/{sha}"
    return {
        "name": "README.md",
        "path": "README.md",
        "sha": sha,
        "size": len(data),
        "url": url,
        "html_url": page,
        "git_url": git,
        "download_url": f"{known.base}/raw/{USER}/{text.name}/main/README.md",
        "type": "file",
        "content": "".join(coded[at : at + _LINE] + "\n" for at in range(0, len(coded), _LINE)),
        "encoding": "base64",
        "_links": {"self": url, "git": git, "html": page},
    }


def _tree(known: Repositories, text: Text) -> dict[str, Any]:
    readme = _readme_json(known, text)
    entry = {"path": "README.md", "mode": "100644", "type": "blob", "sha": readme["sha"], "size": readme["size"]}
    return {"sha": readme["sha"], "url": readme["git_url"], "tree": [entry], "truncated": False}


def _gist(known: Repositories, text: Text, whole: bool = False) -> dict[str, Any]:
    name, number = f"{text.name}.md", text.meta["id"]
    file = {
        "filename": name,
        "type": "text/markdown",
        "language": "Markdown",
        "raw_url": f"{known.base}/raw/gist/{number}/{name}",
        "size": len(_content(text).encode("utf-8")),
    }
    if whole:
        file |= {"truncated": False, "content": _content(text), "encoding": "utf-8"}
    return {
        "url": f"{known.base}/gists/{number}",
        "id": number,
        "html_url": f"{GITHUB_HOME}/gists/{number}",
        "files": {name: file},
        "public": True,
        "created_at": _iso(text.meta["created_at"]),
        "updated_at": _iso(text.meta["updated_at"]),
        "description": text.meta["description"],
        "comments": 0,
        "owner": _user(known),
        "truncated": False,
    }


def _iso(at: datetime) -> str:
    return f"{at.astimezone(UTC) if at.tzinfo else at:%Y-%m-%dT%H:%M:%SZ}"
