"""Short posts in which an author answers themselves, joined into the one text that they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A short post; `parent` is the id of what it answers, `to_others` whether that is somebody else's."""

    id: str
    text: str
    at: datetime | None = None
    parent: str = ""
    to_others: bool = False
    title: str = ""
    url: str = ""
    kind: str = "post"


def joined(posts: Mapping[str, Post]) -> Iterator[list[Post]]:
    """Threads by the order of their first posts, each thread by time; a post that answers nobody stands alone."""
    roots: dict[str, str] = {}
    threads: dict[str, list[Post]] = {}
    for name in posts:
        threads.setdefault(_root(name, posts, roots), []).append(posts[name])
    for root, thread in threads.items():
        yield sorted(thread, key=partial(_place, root))


def _place(root: str, post: Post) -> tuple[bool, datetime, int, str]:
    return post.id != root, post.at or datetime.min.replace(tzinfo=UTC), len(post.id), post.id


def _root(name: str, posts: Mapping[str, Post], roots: dict[str, str]) -> str:
    path: list[str] = []
    seen: set[str] = set()
    while name not in roots:
        path.append(name)
        seen.add(name)
        parent = posts[name].parent
        # A forged archive may answer in a circle: the walk ends where it has been.
        if parent not in posts or parent in seen:
            break
        name = parent
    root = roots.get(name, name)
    roots.update(dict.fromkeys(path, root))
    return root
