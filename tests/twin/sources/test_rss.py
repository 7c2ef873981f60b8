"""RSS and Atom of any shape, cut entries marked, entity bombs and pages that are no feed answered clearly."""

# Markup stands as the sites write it, in long lines.

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from twin.errors import SourceError
from twin.records import Document
from twin.sources import archive, rss
from twin.sources.crawl import Ask, Page
from twin.sources.reading import Skipped

NOW = datetime(2026, 1, 1, tzinfo=UTC)

ATOM = b"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><link rel="next" href="/feed?page=2"/>
<entry><id>tag:a,1</id><title>One</title><link href="https://a/1"/><published>2024-01-02T03:04:05Z</published>
<author><name>Ann Lee</name></author><content type="html">&lt;p&gt;Hi&lt;br&gt;there&lt;/p&gt;</content></entry>
<entry><id>tag:a,2</id><title>Two</title><link href="https://a/2"/><updated>2024-01-03T03:04:05Z</updated>
<author><name>Bo</name></author><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Hello <em>you</em></p></div></content></entry>
<entry><id>tag:a,3</id><title>Three</title><link href="https://a/3"/><summary>It begins with [...]</summary></entry></feed>"""


def follow(body, step="feed", user=""):
    page = Page("https://a/blog", 200, {}, body, step, {})
    return list(rss.follow(page, "ann", NOW, {"user": user}))


def test_atom_entries_text_dates_and_next_page():
    one, two, three, more = follow(ATOM)
    assert (one.id, one.text, one.url, one.complete) == ("rss:tag:a,1", "Hi\nthere", "https://a/1", True)
    assert str(one.published_at) == "2024-01-02 03:04:05+00:00"
    assert two.text == "Hello *you*"
    assert three.complete is False
    assert more == Ask("https://a/feed?page=2", "more", required=False)


def test_a_name_keeps_one_author_s_entries():
    found = follow(ATOM, user="ann lee")
    assert [getattr(f, "reason", "kept") for f in found[:2]] == ["kept", "signed with another name"]


def test_rss_with_full_content_and_a_plain_description_that_keeps_its_lines():
    body = b"""<rss xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
    <item><title>A</title><guid>1</guid><content:encoded>&lt;p&gt;x&lt;/p&gt;&lt;p&gt;The post A appeared first on B.&lt;/p&gt;</content:encoded></item>
    <item><guid>2</guid><description>line one\nline two &amp;amp; more</description></item></channel></rss>"""
    article, post = follow(body)
    assert (article.text, article.register) == ("x", "article")
    assert (post.text, post.register) == ("line one\nline two & more", "post")


def test_a_page_leads_to_its_feed():
    page = b'<!doctype html><html><head><link rel="alternate" type="application/rss+xml" href="/rss.xml"></head></html>'
    assert follow(page) == [Ask("https://a/rss.xml", "found feed")]
    (guess,) = follow(b"<html><body>hello</body></html>")
    assert guess.url == "https://a/blog/feed" and ["https://a/rss.xml", "found feed"] in [
        list(i) for i in guess.instead
    ]
    with pytest.raises(SourceError, match="no feed at this address"):
        follow(page, "found feed")


def test_an_entity_bomb_is_not_expanded():
    bomb = (
        b'<!DOCTYPE lolz [<!ENTITY a "'
        + b"x" * 1000
        + b'">'
        + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(8))
        + b"]><rss><channel><item><title>&i;</title><guid>1</guid><description>&i;</description></item></channel></rss>"
    )
    assert all(len(getattr(found, "text", "")) < 10_000 for found in follow(bomb))


def test_files_on_disk_are_not_pulled_in(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hush")
    body = f'<!DOCTYPE r [<!ENTITY x SYSTEM "file://{secret}">]><rss><channel><item><guid>1</guid><description>a &x;</description></item></channel></rss>'
    assert all("hush" not in getattr(found, "text", "") for found in follow(body.encode()))


@pytest.mark.parametrize("body", [b"", b"{}", b"<svg/>", b"\xff\xfe\x00", b"<a><b>"])
def test_what_is_no_feed_says_so(body):
    with pytest.raises(SourceError, match="feed"):
        follow(body)


WORDPRESS = """<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:media="http://search.yahoo.com/mrss/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"><channel><item>
<title>T</title><link>https://a.example/1/</link><description>Anfang […]</description><content:encoded><![CDATA[<p>Eins<br />
zwei.</p>
<p>Der Beitrag <a href="https://a.example/1/">T</a> erschien zuerst auf <a href="https://a.example">A</a>.</p>]]>
</content:encoded><media:content url="https://a.example/x.jpg" medium="image"><media:title type="html">ann</media:title>
</media:content><itunes:summary>Kurz</itunes:summary></item></channel></rss>"""


def test_a_feed_s_pictures_and_footers_are_not_its_text():
    (item,) = follow(WORDPRESS.encode())
    assert item.text == "Eins\nzwei."


BLOGGER = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:app="http://purl.org/atom/app#"
 xmlns:b="http://schemas.google.com/blogger/2018">{}</feed>"""
KIND = '<category scheme="k" term="http://schemas.google.com/blogger/2008/kind#{}"/>'


def test_of_a_blogger_archive_posts_alone_are_read():
    entry = "<entry><id>{0}</id><title type='html'>&lt;i&gt;{0}&lt;/i&gt;</title>{1}<content type='html'>w</content></entry>"
    parts = {
        "post": KIND.format("post"), "comment": KIND.format("comment"), "settings": KIND.format("settings"),
        "draft": f"{KIND.format('post')}<app:control><app:draft>yes</app:draft></app:control>",
        "new": "<b:type>POST</b:type><b:status>LIVE</b:status>", "reply": "<b:type>COMMENT</b:type>",
    }  # fmt: skip
    items = follow(BLOGGER.format("".join(entry.format(name, inner) for name, inner in parts.items())).encode())
    assert [item.title for item in items if isinstance(item, Document)] == ["post", "new"]
    reasons = [item.reason for item in items if isinstance(item, Skipped)]
    assert reasons == ["a blog's comment", "a blog's settings", "a draft", "a blog's comment"]


def test_feeds_saved_as_files_are_all_read(tmp_path):
    (tmp_path / "a.xml").write_text(WORDPRESS, encoding="utf-8")
    (tmp_path / "b.xml").write_text("<html></html>")
    feed = {"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "content_html": "<p>Drei</p>"}]}
    (tmp_path / "c.json").write_text(json.dumps(feed))
    with archive.opened(tmp_path, 10) as opened:
        items = list(rss.read_files(opened, "ann", NOW, ""))
    assert [item.text for item in items if isinstance(item, Document)] == ["Eins\nzwei.", "Drei"]
    assert [item.reason for item in items if isinstance(item, Skipped)] == ["unreadable: this is no feed"]
