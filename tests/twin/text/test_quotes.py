"""Others' words and code apart from own words: by each policy, with the author's own look-alikes kept."""

from __future__ import annotations

import pytest

from twin.text.quotes import is_markdown, separate

TEXT = "My own words.\n\n> Words of somebody else.\n\nAnd:\n\n```py\nprint(1)\n```\n\nThat was all."


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        ("keep", TEXT),
        ("mark", "My own words.\n\n> […]\n\nAnd:\n\n```py\n[…]\n```\n\nThat was all."),
        ("drop", "My own words.\n\nAnd:\n\nThat was all."),
    ],
)
def test_quotations_and_code_by_each_policy(policy, text):
    apart = separate(TEXT, policy, policy)
    assert apart.text == text
    assert (apart.own, apart.quoted, apart.code) == (7, 4, 2)


def test_each_has_a_policy_of_its_own():
    assert separate(TEXT, "drop", "keep").text == TEXT.replace("> Words of somebody else.\n\n", "")
    assert separate(TEXT, "keep", "drop").text == TEXT.replace("```py\nprint(1)\n```\n\n", "")


@pytest.mark.parametrize(
    ("markdown", "text", "joined"),
    [
        (True, "One.\n\n\n> Gone.\n\n\n\nTwo.", "One.\n\n\n\nTwo."),
        (True, "One.\n```\ngone\n```\nTwo.", "One.\n\nTwo."),
        (True, "> Gone.\n\nOne.\n\n> Gone.", "One."),
        (True, "- One\n\n```\ngone\n```\n\n  within it", "- One\n\n  within it"),
        (True, "One.\n\n> Gone.\n\n```\ngone\n```\n\nTwo.", "One.\n\nTwo."),
        (False, "One\n“Nobody was ever fired for a boring database.”\n— Bo Ek\nTwo", "One\nTwo"),
    ],
)
def test_what_stood_around_a_gap_stays_apart_as_it_was(markdown, text, joined):
    assert separate(text, "drop", "drop", markdown).text == joined


@pytest.mark.parametrize("policy", ["keep", "mark", "drop"])
def test_a_callout_is_the_authors_own(policy):
    text = "# Tool\n\n> [!NOTE]\n> It needs a database.\n\nThat is all."
    apart = separate(text, policy, policy)
    assert (apart.text, apart.quoted, apart.own_share) == (text, 0, 1.0)


def test_short_lines_after_an_angle_are_bullets_in_plain_posts_and_quotations_in_markdown():
    text = "What I learned:\n> Ship on Tuesdays\n> Sleep first\nThat's it."
    assert separate(text, "drop", "drop", is_markdown("linkedin", "post")).text == text
    assert "Tuesdays" not in separate(text, "drop", "drop", is_markdown("medium", "post")).text
    assert is_markdown("linkedin", "article")


def test_long_lines_after_an_angle_are_a_quotation_in_plain_posts_too():
    text = f"He wrote:\n\n> {'these are many words of another person ' * 4}\n\nI agree."
    assert separate(text, "drop", "drop", False).text == "He wrote:\n\nI agree."


def test_words_in_quotation_marks_without_a_name_behind_them_stay():
    text = "“I would rather write the boring thing twice,” I said.\n\nNobody answered."
    apart = separate(text, "drop", "drop")
    assert (apart.text, apart.quoted) == (text, 0)
