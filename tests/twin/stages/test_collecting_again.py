"""A second collection: what is new or changed comes in, what was deleted goes when asked, nothing goes by mistake."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest

from twin.records import Document
from twin.sources.reading import make
from twin.stages.gathered import Gathered, Seen, gathering

NOW = datetime(2026, 1, 2, tzinfo=UTC)
BEFORE = datetime(2025, 1, 2, tzinfo=UTC)


def document(name: str, text: str = "Said.", day: int = 1, **more: object) -> Document:
    stamp = datetime(2024, 1, day, tzinfo=UTC)
    source, _, native = name.partition(":")
    made = make(source, native, "ann", NOW, register="article", text=text, published_at=stamp)
    return dataclasses.replace(made, consent="a:web", **more)  # type: ignore[arg-type]


@pytest.fixture
def gathered(tmp_path):
    with gathering(tmp_path) as made:
        yield made


def ids(gathered: Gathered) -> list[str]:
    return [d.id for d in gathered.documents()]


WHOLE = {"a:web": Seen(whole=True, failed=False, oldest="")}


def test_the_better_copy_of_an_id_is_kept(gathered):
    assert gathered.add(1, document("rss:a", "Longer text.", complete=False)) == ""
    assert gathered.add(1, document("rss:a", "Whole.")) == "an older copy of the same id"
    assert gathered.add(1, document("rss:a", "Whole.")) == "another copy of the same text"
    gathered.add(2, document("rss:a", "Whole too."))
    assert list(gathered.repeated()) == [(2, "rss:a")]
    assert [d.text for d in gathered.documents()] == ["Whole too."]


def test_an_unchanged_text_keeps_the_time_of_its_first_fetching(gathered):
    old = [
        dataclasses.replace(document("rss:a"), fetched_at=BEFORE),
        dataclasses.replace(document("rss:b"), fetched_at=BEFORE),
    ]
    gathered.add(1, document("rss:a"))
    gathered.add(1, document("rss:b", "Said otherwise."))
    counts = gathered.remember(old, WHOLE, prune=False)
    assert counts == {"a:web": {"unchanged": 1, "changed": 1}}
    assert [d.fetched_at for d in gathered.documents()] == [BEFORE, NOW]


def test_what_was_deleted_goes_only_when_asked(tmp_path):
    for prune, kept in ((False, ["rss:a", "rss:b"]), (True, ["rss:a"])):
        with gathering(tmp_path) as gathered:
            gathered.add(1, document("rss:a"))
            gathered.remember([document("rss:b")], WHOLE, prune)
            assert ids(gathered) == kept


def test_a_crawl_with_failures_prunes_nothing(gathered):
    gathered.add(1, document("rss:a"))
    gathered.remember([document("rss:b")], {"a:web": Seen(whole=True, failed=True, oldest="")}, prune=True)
    assert ids(gathered) == ["rss:a", "rss:b"]


def test_a_feed_s_window_tells_what_is_gone_and_what_has_only_moved_out(gathered):
    gathered.add(1, document("rss:new", day=20))
    gathered.add(1, document("rss:older", day=10))
    seen = {"a:web": Seen(whole=False, failed=False, oldest=gathered.oldest(1))}
    gathered.remember([document("rss:deleted", day=15), document("rss:ancient", day=5)], seen, prune=True)
    assert ids(gathered) == ["rss:ancient", "rss:new", "rss:older"]


def test_texts_of_a_source_that_is_no_longer_named_go(gathered):
    gathered.remember([document("rss:a")], {}, prune=False)
    assert ids(gathered) == []


def test_a_post_known_by_its_address_gives_way_to_the_one_with_a_number(gathered):
    url = "https://ann.substack.com/p/tides"
    gathered.add(1, document("substack:p/tides", url=url))
    gathered.add(1, document("substack:p/noon", title="Noon"))
    gathered.add(1, document("substack:p/alone", title="Alone"))
    gathered.add(2, document("substack:101", url=url))
    gathered.add(2, document("substack:102", title="NOON"))
    assert sorted(gathered.one_for_each_post()) == [(1, "substack:p/noon"), (1, "substack:p/tides")]
    assert ids(gathered) == ["substack:101", "substack:102", "substack:p/alone"]
