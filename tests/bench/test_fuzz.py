"""Mangled inputs end in a text or in a reason: the short, seeded version of what `make fuzz` does for minutes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bench import fuzz_parsers, fuzz_seeds
from twin.errors import SourceError
from twin.sources.crawl import Page, read_page

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GROUPS = fuzz_parsers.groups()


@pytest.mark.parametrize("group", GROUPS)
def test_no_mangled_input_crashes_a_parser(group):
    tally = fuzz_parsers.run(group, GROUPS[group], 40, 0)
    assert tally.cases >= 20
    assert tally.crashes == {}


def test_half_a_character_by_reference_is_a_mark_and_no_crash():
    body = fuzz_seeds.FEEDS[0].replace(b"Tea", b"Te&#xD800;a&#55296;b&#x1F600;").replace(b"I pour", b"I &#56000; pour")
    (document,) = read_page("rss", Page("https://a/b", 200, {}, body, "feed", {}), "ann", NOW, {"user": ""})
    assert document.title == "Te\ufffda\ufffdb\U0001f600"


def test_one_link_that_is_no_address_does_not_end_a_sitemap():
    body = b"<urlset><url><loc>http://[::1</loc></url><url><loc>https://a.example/tea-time</loc></url></urlset>"
    page = Page("https://a.example/s.xml", 200, {}, body, "sitemap", {})
    bad, post = sorted(
        read_page("blog", page, "ann", NOW, {"writer": "", "host": "a.example", "under": "/"}), key=lambda x: hasattr(x, "url")
    )  # fmt: skip
    assert (bad.reason, post.url) == ("a link that is no address", "https://a.example/tea-time")


@pytest.mark.parametrize("odd", [b"<!-- wp:more -->", b"&later;", b"<?php x ?>"])
def test_what_is_no_element_in_a_wordpress_item_is_passed_over(odd):
    ((parse, (sample,)),) = GROUPS["WordPress"]
    (post,) = parse(sample.replace(b"<title>Tea", odd + b"<title>" + odd + b"Tea"))
    assert "tea" in post.text and post.title.endswith("Tea")


@pytest.mark.parametrize("step", ["readme", "tree", "gist", "issues", "releases", "repos"])
def test_an_api_that_answers_in_another_form_is_named(step):
    context = {"user": "ann", "base": "https://api.github.com", "headers": {}, "kinds": ["readmes"], "token": ""}
    with pytest.raises(SourceError) as caught:
        read_page("github", Page("https://api.github.com/x", 200, {}, b'"words"', step, {}), "ann", NOW, context)
    assert "api.github.com/x" in str(caught.value)


def test_the_search_for_unsafe_html_finds_it():
    for bad in (
        "<script>x</script>",
        "<a href='java\nscript:x'>",
        "<a onclick=x>",
        "<p style=x>",
        "<img src=x>",
        "<svg/onload=x>",
    ):
        assert fuzz_seeds.unsafe(bad), bad
    assert fuzz_seeds.unsafe('<p><a href="https://a" target="_blank">x</a></p>') == []
