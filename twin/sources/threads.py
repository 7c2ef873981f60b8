"""Short posts in which an author answers themselves, joined into the one text that they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime


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
    for thread in threads.values():
        yield sorted(thread, key=lambda post: (post.at or datetime.min.replace(tzinfo=UTC), len(post.id), post.id))


def _root(name: str, posts: Mapping[str, Post], roots: dict[str, str]) -> str:
    path = []
    # A forged archive may answer in a circle: the walk ends where it has been.
    while name not in roots and name not in path[-1:] and (parent := posts[name].parent) in posts and parent != name:
        path.append(name)
        roots[name] = name
        name = parent
    root = roots.get(name, name)
    for passed in (*path, name):
        roots[passed] = root
    return root
