"""A blog by its sitemap: indexes and gzip unpacked, posts read with their line breaks, lists and others left out."""

from __future__ import annotations

import gzip

import pytest

from twin.errors import SourceError
from twin.params import Collect
from twin.sources import blog
from twin.sources.crawl import Ask, Page
from twin.sources.reading import Skipped

CONTEXT = {"writer": "", "host": "a.example", "under": "/"}
PARAGRAPHS = "".join(
    f"<p>The ferry left at {n} and came back wet; nobody on the pier said a word.</p>" for n in range(8)
)
POST = f"""<html><head><title>Tides</title><meta property="og:type" content="article">
<meta property="article:published_time" content="2024-05-01T10:00:00Z"><meta name="author" content="Ann Lee">
<link rel="canonical" href="https://a.example/tides/"></head><body><nav>Home About</nav>
<article><h1>Tides</h1><div class="entry-content"><p>First line<br>second line 🎉</p><ul><li>one</li><li>two</li></ul>
{PARAGRAPHS}</div></article><footer>All rights reserved</footer></body></html>"""


def follow(step, body, now, url="https://a.example/tides", **context):
    page = Page(url, 200, {"content-type": "text/html"}, body if isinstance(body, bytes) else body.encode(), step, {})
    return list(blog.follow(page, "ann", now, CONTEXT | context))


def sitemap(*links, name="url", root="urlset"):
    inner = "".join(
        f"<{name}><loc>{link}</loc><lastmod>2024-0{n + 1}-01</lastmod></{name}>" for n, link in enumerate(links)
    )
    return f'<?xml version="1.0"?><{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{inner}</{root}>'


def test_robots_txt_names_the_sitemaps(now):
    asks = follow("robots", "User-agent: *\nSitemap: https://a.example/one.xml\nsitemap: /two.xml.gz\n", now)
    assert [a.url for a in asks] == ["https://a.example/one.xml", "https://a.example/two.xml.gz"]
    first = blog.crawl("https://a.example/", None).first[0]
    assert first.url == "https://a.example/robots.txt"
    assert first.instead[0] == ("https://a.example/sitemap.xml", "sitemap")


def test_an_index_leads_to_sitemaps_and_a_packed_one_to_posts_newest_first(now):
    index = sitemap("https://a.example/posts.xml", name="sitemap", root="sitemapindex")
    assert [(a.url, a.step) for a in follow("sitemap", index, now)] == [("https://a.example/posts.xml", "sitemap")]
    links = ["https://a.example/old", "https://a.example/new", "https://b.example/x", "https://a.example/tag/x"]
    found = follow("sitemap", gzip.compress(sitemap(*links).encode()), now)
    assert [a.url for a in found if isinstance(a, Ask)] == ["https://a.example/new", "https://a.example/old"]
    assert sorted(s.reason for s in found if isinstance(s, Skipped)) == [
        "a page outside the blog", "a page that is no post (a list or a file)",
    ]  # fmt: skip


def test_a_part_of_a_site_keeps_to_itself(now):
    context = blog.crawl("https://a.example/blog/", None).context
    found = follow(
        "sitemap", sitemap("https://a.example/blog/x", "https://a.example/shop/y"), now, under=context["under"]
    )
    assert [a.url for a in found if isinstance(a, Ask)] == ["https://a.example/blog/x"]


def test_a_post_keeps_its_breaks_and_lists(now):
    (post,) = follow("post", POST, now)
    assert post.id == "blog:a.example/tides"
    assert post.text.startswith("First line\nsecond line 🎉\n\n- one\n- two\n\nThe ferry left at 0")
    assert (post.title, post.published_at.date().isoformat()) == ("Tides", "2024-05-01")
    assert "rights reserved" not in post.text and "Home" not in post.text


def test_another_author_s_post_and_a_plain_page_are_left_out(now):
    assert follow("post", POST, now, writer="Bo")[0].reason == "signed with another name"
    assert follow("post", POST, now, writer="ann lee")[0].title == "Tides"
    about = f"<html><body><main><h1>About</h1>{PARAGRAPHS}</main></body></html>"
    assert "no post" in follow("post", about, now, url="https://a.example/about")[0].reason


def test_what_is_behind_a_wall_is_marked(now):
    walled = POST.replace(
        "</head>", '<script type="application/ld+json">{"isAccessibleForFree": "False"}</script></head>'
    )
    assert follow("post", walled, now)[0].complete is False


@pytest.mark.parametrize("body", ["<html>404</html>", "words and more", "", b"\x1f\x8bnot gzip"])
def test_what_is_no_sitemap_says_so(body, now):
    with pytest.raises(SourceError, match=r"no sitemap|unpacked"):
        follow("sitemap", body, now)


def test_a_sitemap_that_is_a_bomb_is_not_unpacked(now):
    with pytest.raises(SourceError, match="over 50 MB"):
        follow("sitemap", gzip.compress(b"\0" * 60_000_000), now)


def test_a_blog_is_crawled_by_its_sitemap(site, settings, now):
    site.answers |= {
        "/sitemap.xml": [(200, {"Content-Type": "application/xml"}, sitemap(f"{site.url}/tides", f"{site.url}/gone"))],
        "/tides": [(200, {"Content-Type": "text/html", "ETag": '"1"'}, POST.replace("https://a.example", site.url))],
    }
    made = blog.crawl(site.url, None)
    items = list(made.run("ann", now, Collect(allow_loopback=True, delay_seconds=0), settings))
    assert [getattr(i, "title", "") or i.reason for i in items] in (["Tides", "not there"], ["not there", "Tides"])
    assert made.stats["failed"] == 0
