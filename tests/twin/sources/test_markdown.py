"""A page's white space becomes what its reader sees, and a long page takes no longer for it."""

from __future__ import annotations

import pytest

from twin.sources.markdown import to_markdown
from twin.text.markup import parse


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("<p>One<br />\ntwo.</p>\n<p>Three</p>", "One\ntwo.\n\nThree"),
        ("<p><b>Eins<br></b>\n  zwei</p>", "**Eins**\nzwei"),
        ("<p>Ask <a href='http://x.example'><br>Bo</a> <em>now<br><br></em>or never</p>",
         "Ask\n[Bo](http://x.example) *now*\n\nor never"),
        ("<p>A paragraph that its\r\nfile wraps\n  twice.</p>", "A paragraph that its file wraps twice."),
        ("<p>a <b>x</b>\n<i>y</i></p>", "a **x** *y*"),
        ("<p>日本語の\n文。</p><p>English\n日本</p>", "日本語の文。\n\nEnglish 日本"),
        ("<p>한국어\n문장</p>", "한국어 문장"),
        ("<p>a<br>\n<br>\nb</p>", "a\n\nb"),
        ("<pre>if x:\n    y\n\nz</pre>", "```\nif x:\n    y\n\nz\n```"),
        ('<p style="white-space: pre-wrap">roses\n  violets</p>', "roses\n  violets"),
        ("<ul><li><p>a</p></li><li><p>b</p><ul><li><p>c</p></li></ul></li></ul>", "- a\n- b\n  - c"),
        ("<ul><li><p>a</p><p>b</p></li></ul>", "- a\n\n  b"),
        ("<ul><!-- item -->\n<li>a</li>\n<!-- end -->\n\n<!-- item -->\n<li>b<!-- in -->\n<ul><li>c</li></ul></li></ul>",
         "- a\n- b\n  - c"),
        ("<div>\n<!-- x -->\n\n<!-- y -->\none <b>two</b>\n<i>three</i></div>", "one **two** *three*"),
        ("<blockquote>\n<p>theirs\nstill</p>\n</blockquote>", "> theirs still"),
    ],
)  # fmt: skip
def test_line_ends_of_the_file_are_no_breaks_and_breaks_are(page: str, text: str) -> None:
    assert to_markdown(parse(page).body) == text


def test_a_page_without_line_ends_of_its_own_is_left_as_it_is() -> None:
    assert to_markdown(parse("<p>a  b\u00a0c 🎉</p>").body) == "a b\u00a0c 🎉"
