"""Own words, mended mojibake and repeated footers: nothing that is style is touched."""

from __future__ import annotations

import random

import pytest
from ftfy import fix_encoding
from ftfy.badness import is_bad

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


def test_no_wrongly_decoded_line_slips_past_the_first_look():
    chance = random.Random(7)
    signs = "âÃÂ€™œŒ\x9d°‚Äв‡²³¡–—…’“”│┌ ÐÑüéøß£¥½±×Ω®©»«¿ﬁŠž.,! aZ5"
    for _ in range(3000):
        line = "".join(chance.choice(signs) for _ in range(5))
        if is_bad(line):
            mended = fix_encoding(line)
            assert clean.mend_mojibake(line)[0] == (mended if "\n" not in mended else line)
