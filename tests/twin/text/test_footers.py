"""Repeated footers are found and taken off; sign-offs, hashtags and lone blocks are not."""

from __future__ import annotations

import pytest

from twin.text import footers

FOOTER = "Subscribe to my newsletter at https://a.org/{n}?x={n}"


def posts(count=12):
    return {str(n): f"Opening {n} of many.\n\nMiddle {n}.\n\n---\n\n{FOOTER.format(n=n)}" for n in range(count)}


def test_a_repeated_footer_is_found_and_taken_off_with_its_rule():
    keys = footers.found_in(posts().values())
    assert len(keys) == 1
    text, taken = footers.without(posts()["3"], keys)
    assert text == "Opening 3 of many.\n\nMiddle 3."
    assert taken == [FOOTER.format(n=3)]


def test_a_short_sign_off_and_hashtags_are_the_author_s():
    texts = {str(n): f"Post {n} says this.\n\nSee you on the boat.\n\n#ferries #night" for n in range(20)}
    assert footers.found_in(texts.values()) == frozenset()


def test_a_block_is_no_footer_where_it_stands_alone_or_inside():
    keys = footers.found_in(posts().values())
    alone = FOOTER.format(n=1)
    inside = f"a\n\n{alone}\n\nb"
    assert footers.without(alone, keys) == (alone, [])
    assert footers.without(inside, keys) == (inside, [])


def test_few_texts_have_no_footers():
    assert footers.found_in(posts(3).values()) == frozenset()


def test_a_note_on_syndication_is_one_whatever_its_date():
    note = "Originally published at https://a.org/{n} on March {n}, 2024."
    texts = [f"Opening {n}.\n\nMiddle {n}.\n\n{note.format(n=n)}" for n in range(1, 13)]
    assert footers.without(texts[4], footers.found_in(texts))[0] == "Opening 5.\n\nMiddle 5."


def test_a_last_line_that_repeats_goes_and_the_lines_above_it_stay():
    texts = [f"Opening {n}.\n\n→ one {n}\n→ two\n♻️ Repost it. Follow Ann Reed for more." for n in range(12)]
    keys = footers.found_in(texts)
    assert footers.without(texts[3], keys) == (
        "Opening 3.\n\n→ one 3\n→ two", ["♻️ Repost it. Follow Ann Reed for more."],
    )  # fmt: skip


def test_a_call_at_the_beginning_goes_and_a_way_of_beginning_stays():
    call = "Welcome to Tide Notes, the weekly newsletter. Subscribe at https://t.example/{n}"
    texts = [f"{call.format(n=n)}\n\n---\n\nOpening {n}.\n\nMiddle {n}." for n in range(12)]
    keys = footers.found_in(texts)
    assert footers.without(texts[3], keys) == ("Opening 3.\n\nMiddle 3.", [call.format(n=3)])
    habit = [
        f"Here is what I saw on the water this week, and what I made of it, my dears:\n\nTide {n}.\n\nEnd {n}."
        for n in range(12)
    ]
    assert footers.found_in(habit) == frozenset()


@pytest.mark.parametrize(
    "call",
    [
        "このニュースレターを購読してください。毎週金曜日に配信しています。",
        "关注我的公众号，每周五更新。",
        "Подписывайтесь на мой канал.",
        "Folgt mir für mehr davon.",
        "Bana katılmak için abone olun.",
    ],
)
def test_calls_in_other_languages_are_footers(call):
    texts = [f"一{n}。\n\n{call}" for n in range(12)]
    assert footers.without(texts[3], footers.found_in(texts)) == ("一3。", [call])
