"""What belongs together stays in one split: series, folders, threads, near-duplicates; and no more than that."""

from datetime import UTC, datetime, timedelta

import pytest

from twin.records import Document, content_hash
from twin.training.groups import folder, groups, series
from twin.training.split import temporal_split


def document(
    number: int, *, title: str = "", text: str = "", url: str = "", source: str = "files", days: float | None = None
) -> Document:
    text = text or " ".join(f"word{number}x{i}" for i in range(30))
    return Document(
        id=f"{source}:{number}", author="a", source=source, register="post", title=title, text=text, url=url,
        published_at=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=number if days is None else days),
        fetched_at=datetime(2025, 1, 1, tzinfo=UTC), sha256=content_hash(text),
    )  # fmt: skip


def together(documents: list[Document]) -> list[list[str]]:
    return [[d.id for d in group] for group in groups(documents) if len(group) > 1]


def others(count: int, first: int = 100) -> list[Document]:
    return [document(n) for n in range(first, first + count)]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Moving house, part 2", "moving house"),
        ("Moving house (3/5)", "moving house"),
        ("Part II: the harbour", "the harbour"),
        ("Chapter 4", ""),
        ("The harbour at night", ""),
        ("Party 2024", ""),
        ("Week notes #12", "week notes"),
    ],
)
def test_numbered_parts_name_their_series(title: str, name: str) -> None:
    assert series(title) == name


def test_parts_of_a_series_stay_together_across_the_border() -> None:
    documents = [document(n, title=f"Boats, part {n}" if n in (13, 14) else "") for n in range(20)]
    assert together(documents) == [["files:13", "files:14"]]
    splits = temporal_split(documents, 0.7, 0.15)
    # The newest part decides: nothing newer than a held-out text it belongs to is learned from.
    assert splits["files:13"] == splits["files:14"] == "validation" and splits["files:12"] == "train"


def test_a_column_of_years_is_not_one_series() -> None:
    weekly = [document(n, title=f"Week notes #{n}", days=7 * n) for n in range(60)]
    assert max(len(group) for group in groups(weekly)) <= 6
    assert set(temporal_split(weekly, 0.7, 0.15).values()) == {"train", "validation", "test"}


def test_a_deep_folder_of_a_site_is_a_series_and_a_section_is_not() -> None:
    assert folder("https://a.example/2024/05/text") == folder("https://a.example/posts/text") == ""
    tale = [document(n, url=f"https://a.example/tales/whale/{n}") for n in range(3)]
    assert together([*tale, *others(30)]) == [["files:0", "files:1", "files:2"]]


def test_posts_minutes_apart_are_a_thread() -> None:
    thread = [document(n, source="x", days=n / 1440) for n in range(3)]
    later = document(9, source="x", days=2)
    assert together([*thread, later, *others(30)]) == [["x:0", "x:1", "x:2"]]


def test_near_duplicates_stay_together_however_far_apart() -> None:
    words = [f"w{i}" for i in range(40)]
    first, again = document(0, text=" ".join(words)), document(500, text=" ".join([*words[:34], *"abcdef"]))
    documents = [first, again, *others(30)]
    assert together(documents) == [["files:0", "files:500"]]
    assert temporal_split(documents, 0.7, 0.15)["files:0"] == "test"
