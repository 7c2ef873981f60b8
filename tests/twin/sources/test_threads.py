"""An author's answers to themselves are one text, in whatever order and however knotted they come."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

from twin.sources.threads import Post, Threads


def post(name: str, parent: str = "", minute: int = 0, **more: int) -> Post:
    return Post(id=name, text=f"{name}{more.get('version', '')}", parent=parent, at=datetime(2024, 1, 1, 0, minute, tzinfo=UTC), **more)  # fmt: skip


def texts(posts: list[Post], same: dict[str, str] | None = None) -> list[list[str]]:
    with closing(Threads()) as threads:
        for one in posts:
            threads.add(one)
        return [[one.text for one in thread] for thread in threads.joined(same)]


def test_threads_are_joined_by_time_whatever_their_order() -> None:
    posts = [post("c", "b", 3), post("x", "gone"), post("a", minute=1), post("b", "a", 2), post("\ud800", "a", 4)]
    assert texts(posts) == [["x"], ["a", "b", "c", "\ud800"]]


def test_circles_end_and_lose_nothing() -> None:
    posts = [post("a", "b"), post("b", "a"), post("c", "a"), post("d", "d"), post("e", "d"), post("f")]
    assert sorted(name for thread in texts(posts) for name in thread) == ["a", "b", "c", "d", "e", "f"]
    assert sorted(map(sorted, texts(posts))) == [["a", "b", "c"], ["d", "e"], ["f"]]


def test_the_last_version_of_a_post_is_kept_and_answers_find_it() -> None:
    posts = [post("a", version=2), post("a", version=1), post("b", "a-later", 1)]
    assert texts(posts, {"a-later": "a"}) == [["a2", "b"]]
