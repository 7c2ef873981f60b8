"""Own words, mended mojibake and repeated footers: nothing that is style is touched."""

from __future__ import annotations

import pytest

from twin.text import clean


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's a well-known fact, isn’t it?", 6),
        ("one\n\n> quoted words here\n\ntwo", 2),
        ("a\n```py\nx = 1\ny = 2\n```\nb", 2),
        ("a\n~~~\nnever closed\nx", 1),
        ("see [the page](https://a.org/some/path) and https://b.org/x", 4),
        ("![alt text](x.png) <!-- hidden words --> seen", 1),
        ("今日は良い天気です", 5),
        ("🎉 → • 3", 1),
        ("", 0),
    ],
)
def test_own_words(text, words):
    assert clean.own_words(text) == words


def test_mojibake_is_mended_and_nothing_else():
    style = "“Curly” – dashes… ﬁne ① 𝗯𝗼𝗹𝗱 \u00a0é  two  spaces\n\n🎉"
    assert clean.mend_mojibake(style) == (style, 0)
    assert clean.mend_mojibake("Itâ€™s a cafÃ©\nyes") == ("It’s a café\nyes", 1)
    code = "```\ncafÃ© â€™\n```"
    assert clean.mend_mojibake(code) == (code, 0)


FOOTER = "Subscribe to my newsletter at https://a.org/{n}?x={n}"


def posts(count=12):
    return {str(n): f"Opening {n} of many.\n\nMiddle {n}.\n\n---\n\n{FOOTER.format(n=n)}" for n in range(count)}


def test_a_repeated_footer_is_found_and_taken_off_with_its_rule():
    keys = clean.footers(posts())
    assert len(keys) == 1
    text, taken = clean.without_footers(posts()["3"], keys)
    assert text == "Opening 3 of many.\n\nMiddle 3."
    assert taken == [FOOTER.format(n=3)]


def test_a_short_sign_off_and_hashtags_are_the_author_s():
    texts = {str(n): f"Post {n} says this.\n\nSee you on the boat.\n\n#ferries #night" for n in range(20)}
    assert clean.footers(texts) == {}


def test_a_block_is_no_footer_where_it_stands_alone_or_inside():
    keys = clean.footers(posts())
    alone = FOOTER.format(n=1)
    inside = f"a\n\n{alone}\n\nb"
    assert clean.without_footers(alone, keys) == (alone, [])
    assert clean.without_footers(inside, keys) == (inside, [])


def test_few_texts_have_no_footers():
    assert clean.footers(posts(3)) == {}
