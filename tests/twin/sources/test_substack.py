"""Substack's export and API: one id for one post, previews marked, others' words quoted, subscribers left alone."""

# Markup stands as the sites write it, in long lines.

from __future__ import annotations

import json

import pytest

from twin.errors import SourceError
from twin.sources import archive, substack, substack_web
from twin.sources.crawl import Ask, Page

BODY = (
    '<h2>Tides</h2><p>First &amp; <em>last</em>.<a class="footnote-anchor" href="#footnote-1">1</a></p>'
    '<div class="subscription-widget-wrap-editor"><p>Subscribe now!</p></div>'
    '<p class="button-wrapper"><a href="https://x/subscribe"><span>Sign up</span></a></p>'
    """<div class="tweet" data-attrs='{"full_text":"A tweet\\nof theirs","name":"Bo"}'>junk</div>"""
    """<p>Ask <span class="mention-wrap" data-attrs='{"name":"Cy"}'></span>.</p>"""
    """<div class="latex-rendered" data-attrs='{"persistentExpression":"a^2"}'></div>"""
    '<div class="pullquote"><p>Quoted</p></div>'
    '<div class="footnote"><a class="footnote-number" href="#footnote-anchor-1">1</a><div class="footnote-content"><p>A note.</p></div></div>'
)
TEXT = "## Tides\n\nFirst & *last*.[^1]\n\n> A tweet of theirs — Bo\n\nAsk Cy.\n\n$$a^2$$\n\n> Quoted\n\n[^1]: A note."
CSV = (
    "post_id,post_date,is_published,email_sent_at,type,audience,title,subtitle,podcast_url\n"
    "101.tides,2024-05-01T10:00:00.000Z,TRUE,,newsletter,everyone,Ann&#x2019;s tides,,\n"
    "102.draft,2024-05-02T10:00:00.000Z,false,,newsletter,everyone,Draft,,\n"
    "103.talk,2024-05-03T10:00:00.000Z,true,,thread,everyone,Talk,,\n"
)


def export():
    return {
        "exp/posts.csv": CSV, "exp/posts/101.tides.html": BODY, "exp/posts/102.draft.html": BODY,
        "exp/posts/103.talk.html": "<p>Talk to us</p>", "exp/posts/101.delivers.csv": "a@b.c", "exp/email_list.csv": "a@b.c",
    }  # fmt: skip


def test_export_gives_published_posts_and_never_opens_subscribers(pack, now, sort_out):
    with archive.opened(pack(export()), 10) as opened:
        documents, skipped = sort_out(substack.read_export(opened, "ann", now, "https://ann.substack.com"))
        assert not [name for name in opened.digests if "deliver" in name or "email" in name]
    post, thread = documents
    assert post.text == TEXT
    assert (post.id, post.title, post.register) == ("substack:101", "Ann’s tides", "article")
    assert post.url == "https://ann.substack.com/p/tides"
    assert (thread.register, thread.text) == ("post", "Talk to us")
    assert [s.reason for s in skipped] == ["a draft"]


def test_api_and_export_name_one_post_alike(now):
    found = substack_web.from_api(
        {"id": 101, "slug": "tides", "body_html": BODY, "wordcount": 12, "audience": "everyone"}, "ann", now
    )
    assert (found.id, found.text, found.complete) == ("substack:101", TEXT, True)


@pytest.mark.parametrize(("count", "whole"), [(10, True), (40, False)])
def test_a_preview_is_told_by_its_word_count(count, whole, now):
    post = {
        "id": 1,
        "slug": "s",
        "body_html": "<p>" + "word " * 10 + "</p>",
        "wordcount": count,
        "audience": "only_paid",
    }
    assert substack_web.from_api(post, "ann", now).complete is whole


def test_a_paid_post_without_preview_and_another_writer_s_are_skipped(now):
    paid = {"id": 1, "slug": "s", "body_html": None, "wordcount": 9, "audience": "only_paid"}
    assert "without a body" in substack_web.from_api(paid, "ann", now).reason
    guest = {"id": 1, "slug": "s", "body_html": "<p>x</p>", "publishedBylines": [{"handle": "bo"}]}
    assert substack_web.from_api(guest, "ann", now, "ann").reason == "by another writer"


def test_the_archive_is_paged_by_what_came_until_it_is_empty(now):
    def answer(rows, offset):
        page = Page("https://a/api/v1/archive", 200, {}, json.dumps(rows).encode(), "archive", {"offset": offset})
        return list(substack_web.follow(page, "ann", now, {"base": "https://a"}))

    asks = answer([{"slug": "a"}, {"slug": "b"}], 23)
    assert [a.url.split("/v1/")[1] for a in asks if isinstance(a, Ask)] == [
        "posts/a", "posts/b", "archive?sort=new&search=&offset=25&limit=25",
    ]  # fmt: skip
    assert answer([], 25) == []


def test_no_posts_csv_is_no_export(pack, now, sort_out):
    with archive.opened(pack({"a.html": "x"}), 10) as opened, pytest.raises(SourceError, match="no Substack export"):
        sort_out(substack.read_export(opened, "ann", now))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("""<div class="highlighted_code_block" data-attrs='{"language":"bash"}'><pre class="shiki"><code class="language-bash">ls *
cd</code></pre></div>""", "```bash\nls *\ncd\n```"),
        ("<figure><a class='image-link'><picture><img></picture></a><figcaption>My <em>pier</em></figcaption></figure>",
         "My *pier*"),
        ("""<div class="image-gallery-embed" data-attrs='{"gallery":{"images":[],"caption":"Two piers"}}'></div>""", "Two piers"),
        ("""<div class="latex-rendered" data-attrs='{"persistentExpression":"\\\\frac{a}{b}_x_"}'></div>""", "$$\\frac{a}{b}_x_$$"),
        ("<blockquote><p>one</p><p>two</p></blockquote><p>x</p>", "> one\n>\n> two\n\nx"),
        ('<div class="preformatted-block"><label>Text within this block will maintain its original spacing</label>'
         '<pre class="text">A line\nin verse</pre></div>', "A line\nin verse"),
        ('<div class="tiktok-wrap"><blockquote>their caption</blockquote></div><p>x</p>', "> their caption\n\nx"),
        ('<div class="instagram-embed-wrap"><div class="instagram-title">A post shared by Bo</div></div><p>x</p>', "x"),
        ("""<div class="comment" data-attrs='{"comment":{"body":"their note"}}'></div><p>x</p>""", "x"),
        ('<div class="embedded-post-wrap"><div class="embedded-post-title">Theirs</div></div><p>x</p>', "x"),
        ("""<p>Buy <span class="cashtag-wrap" data-attrs='{"symbol":"$TIDE"}'></span> now</p>""", "Buy $TIDE now"),
        ('<div class="callout-block"><p>Mine</p></div>', "Mine"),
    ],
)  # fmt: skip
def test_substack_s_own_markup(body, text):
    assert substack.body_text(body) == text


def test_podcasts_and_paid_posts_of_an_export_are_whole(pack, now, sort_out):
    table = (
        "post_id,post_date,is_published,email_sent_at,inbox_sent_at,type,audience,title,subtitle,podcast_url\n"
        "1.a,2024-05-01,true,,,podcast,only_paid,Talk,,https://a.example/1.mp3\n2.b,2024-05-02,true,,,podcast,everyone,Mute,,x\n"
    )
    files = {"posts.csv": table, "posts/1.a.html": "<p>What we said</p>", "posts/2.b.html": "<div></div>"}
    with archive.opened(pack(files), 10) as opened:
        (talk,), (mute,) = sort_out(substack.read_export(opened, "ann", now))
    assert (talk.text, talk.register, talk.complete) == ("What we said", "article", True)
    assert mute.reason == "a post without words"


@pytest.mark.parametrize(("audience", "whole"), [("everyone", True), ("only_paid", False)])
def test_where_words_have_no_spaces_a_free_post_is_whole(audience, whole, now):
    value = {
        "id": 1,
        "slug": "s",
        "audience": audience,
        "wordcount": 300,
        "body_html": "<p>昨日は港を歩いてきました。</p>",
    }
    assert bool(substack_web.from_api(value, "ann", now).complete) is whole
