"""Reads the sample author's folder: Markdown files with front matter, and the lists kept in YAML."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import yaml

Kind = Literal["post", "article", "draft", "response", "letter", "readme", "gist"]

# Where the texts of a kind lie, relative to the author's folder.
PLACES: dict[Kind, str] = {
    "post": "posts/*.md",
    "article": "medium/*.md",
    "draft": "medium/drafts/*.md",
    "response": "medium/responses/*.md",
    "letter": "substack/*.md",
    "readme": "github/*/README.md",
    "gist": "github/gists/*.md",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text as it was written: `body` is Markdown without the newlines around it, `date` is aware (UTC).

    `name` is the file's stem, or the repository's name for a README. `meta` is the front matter, or the
    repository's row of repos.yaml, with all its keys.
    """

    kind: Kind
    name: str
    title: str
    date: datetime
    body: str
    meta: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """A comment under another person's post, or a reshare: then `text` is empty. `date` is aware (UTC)."""

    date: datetime
    link: str
    text: str = ""


def load_texts(source: Path) -> list[Text]:
    """Every text under `source`, by kind in the order of PLACES and then oldest first.

    Raises ValueError naming the file when its front matter is missing or has no usable date.
    """
    repos = {row["name"]: row for row in load_repos(source)}
    texts = [
        _read(path, kind, repos.get(path.parent.name, {}))
        for kind, place in PLACES.items()
        for path in source.glob(place)
    ]
    order = list(PLACES)
    return sorted(texts, key=lambda text: (order.index(text.kind), text.date, text.name))


def of_kind(texts: list[Text], kind: Kind) -> list[Text]:
    """The texts of one kind, in the order given."""
    return [text for text in texts if text.kind == kind]


def load_repos(source: Path) -> list[dict[str, Any]]:
    """The rows of github/repos.yaml: name, description, language, created_at, pushed_at, fork, generated."""
    return list(_load_yaml(source / "github" / "repos.yaml", []))


def load_comments(source: Path) -> list[Remark]:
    """Comments under other people's posts, oldest first."""
    rows = _load_yaml(source / "comments.yaml", {}).get("comments", [])
    return sorted((Remark(date=_utc(r["date"]), link=r["link"], text=r["text"]) for r in rows), key=lambda r: r.date)


def load_reshares(source: Path) -> list[Remark]:
    """Posts of others passed on without a word, oldest first; `link` is the post passed on."""
    rows = _load_yaml(source / "comments.yaml", {}).get("reshares", [])
    return sorted((Remark(date=_utc(r["date"]), link=r["shared_url"]) for r in rows), key=lambda r: r.date)


def _read(path: Path, kind: Kind, repo: dict[str, Any]) -> Text:
    raw = path.read_text(encoding="utf-8")
    if kind == "readme":
        # A README is the file and nothing else: what is known about it stands in repos.yaml.
        if not repo:
            raise ValueError(f"{path} has no row in repos.yaml")
        name = path.parent.name
        return Text(kind=kind, name=name, title=name, date=_utc(repo["created_at"]), body=raw.strip("\n"), meta=repo)
    parts = raw.split("---\n", 2)
    if len(parts) != 3 or parts[0]:
        raise ValueError(f"{path} does not begin with front matter between two lines of ---")
    meta = dict(yaml.safe_load(parts[1]) or {})
    try:
        date = _utc(meta["date"] if "date" in meta else meta["created_at"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} has no date of the form YYYY-MM-DD HH:MM:SS: {error}") from None
    title = str(meta.get("title", ""))
    return Text(kind=kind, name=path.stem, title=title, date=date, body=parts[2].strip("\n"), meta=meta)


def _load_yaml(path: Path, missing: Any) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else missing


def _utc(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError(f"{value!r} is no date and time")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
