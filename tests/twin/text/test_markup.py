"""HTML becomes the Markdown its author would have typed."""

from __future__ import annotations

import pytest

from twin.text.markup import parse, to_markdown


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<p>a<br>b<br/>c</p><p>d</p>", "a\nb\nc\n\nd"),
        ("<p>2 * 3 _x_ #1 &lt;tag&gt; [x] 1. y</p>", "2 * 3 _x_ #1 <tag> [x] 1. y"),
        ("<h2>T</h2><ul><li>a<ul><li>b</li></ul></li></ul>", "## T\n\n- a\n  - b"),
        ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"),
        ("<blockquote><p>a</p><p>b</p></blockquote>", "> a\n>\n> b"),
        ('<pre><code class="language-py">if x:<br>    y</code></pre>', "```py\nif x:\n    y\n```"),
        ("<pre>a\n\n\n  b\n</pre>", "```\na\n\n\n  b\n```"),
        (
            '<p><a href="https://a.org">https://a.org</a> <a href="https://b.org">b</a> <a href="#x">c</a></p>',
            "https://a.org [b](https://b.org) c",
        ),
        ('<figure><img src="x"><figcaption>A pier</figcaption></figure>', "A pier"),
        ("<p>x</p><script>alert(1)</script><style>p{}</style><!-- c --><p>y</p>", "x\n\ny"),
        ("<p>“é”\u00a0🎉 𝗯</p>", "“é”\u00a0🎉 𝗯"),
        ("", ""),
    ],
)
def test_to_markdown(html, markdown):
    page = parse(html)
    assert to_markdown(page.body or page) == markdown


@pytest.mark.parametrize("tags", ["<pre><code>", "<ul><li>x", "<footer><p>By <a y>"])
def test_what_is_nested_too_deep_lies_side_by_side_and_no_word_is_lost(tags: str) -> None:
    page = parse(f"<p>first</p>{tags * 3000}deep<p>last</p>")
    assert max(len(list(tag.parents)) for tag in page.find_all(True)) <= 256
    said = page.get_text(" ", strip=True)
    assert said.startswith("first") and "deep" in said and said.endswith("last")
