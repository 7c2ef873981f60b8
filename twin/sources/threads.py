"""Short posts in which an author answers themselves, joined into the one text that they are; memory stays flat."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

_TABLES = """
PRAGMA journal_mode = OFF;
CREATE TABLE posts (place INTEGER PRIMARY KEY, id BLOB UNIQUE, parent BLOB, version INTEGER, at TEXT, post TEXT);
CREATE INDEX parents ON posts (parent);
CREATE TABLE roots (place INTEGER PRIMARY KEY, root INTEGER);
"""
# Everything that answers, directly or not, the posts that `{first}` selects. UNION ends where a forged archive answers
# in a circle.
_BELOW = """
INSERT OR IGNORE INTO roots WITH RECURSIVE below (place, id, root) AS (
    SELECT place, id, place FROM posts AS p WHERE {first}
    UNION SELECT p.place, p.id, below.root FROM posts AS p JOIN below ON p.parent = below.id
) SELECT place, root FROM below
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A short post; `parent` is the id of what it answers, `to_others` whether that is somebody else's.

    Of several posts of one id the one of the highest `version` is kept.
    """

    id: str
    text: str
    at: datetime | None = None
    parent: str = ""
    to_others: bool = False
    title: str = ""
    url: str = ""
    kind: str = "post"
    version: int = 0


class Threads:
    """Posts as they come, kept in a temporary file of SQLite's own, which goes with `close`."""

    def __init__(self) -> None:
        self.db = sqlite3.connect("", check_same_thread=False)
        self.db.executescript(_TABLES)

    def __bool__(self) -> bool:
        return self.db.execute("SELECT 1 FROM posts LIMIT 1").fetchone() is not None

    def add(self, post: Post) -> bool:
        """Keep a post; False when another version of it was or is there already."""
        other = self.db.execute("SELECT version FROM posts WHERE id = ?", (_key(post.id),)).fetchone()
        row = asdict(post) | {"at": post.at.isoformat() if post.at else ""}
        self.db.execute(
            "INSERT INTO posts (id, parent, version, at, post) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
            "parent = excluded.parent, version = excluded.version, at = excluded.at, post = excluded.post "
            "WHERE excluded.version >= version",
            (_key(post.id), _key(post.parent), post.version, row["at"], json.dumps(row)),
        )
        return other is None or other[0] == post.version

    def joined(self, same: Mapping[str, str] | None = None) -> Iterator[list[Post]]:
        """Threads by the order of their first posts, each thread by time; a post that answers nobody stands alone.

        `same` gives the id of a post that is known by another id too.
        """
        self.db.executemany(
            "UPDATE posts SET parent = ? WHERE parent = ?",
            ((_key(one), _key(other)) for other, one in (same or {}).items()),
        )
        self.db.execute(_BELOW.format(first="NOT EXISTS (SELECT 1 FROM posts AS o WHERE o.id = p.parent)"))
        left = "SELECT min(place) FROM posts WHERE place > ? AND place NOT IN (SELECT place FROM roots)"
        place = 0
        while (place := self.db.execute(left, (place,)).fetchone()[0]) is not None:
            self.db.execute(_BELOW.format(first="place = ?"), (place,))
        rows = self.db.execute(
            "SELECT root, post FROM roots JOIN posts USING (place) ORDER BY root, place <> root, at, length(id), id"
        )
        for _, thread in groupby(rows, key=lambda row: row[0]):
            yield [_post(json.loads(row)) for _, row in thread]

    def close(self) -> None:
        """Let go of the file."""
        self.db.close()


def _key(name: str) -> bytes:
    # Broken ids may hold halves of characters, which are no text to SQLite.
    return name.encode("utf-8", "surrogatepass")


def _post(row: dict[str, Any]) -> Post:
    return Post(**row | {"at": datetime.fromisoformat(row["at"]) if row["at"] else None})
