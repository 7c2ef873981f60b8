"""Medium's export and feed: posts, responses and drafts told apart, text and breaks kept."""

# Markup stands as the sites write it, in long lines.

from __future__ import annotations

import pytest

from twin.errors import SourceError
from twin.sources import archive, medium, medium_feed, rss

PAGE = """<html><body><article class="h-entry"><header><h1 class="p-name">{title}</h1></header>
<section data-field="subtitle" class="p-summary">Sub…</section>
<section data-field="body" class="e-content">{body}</section><footer>{footer}</footer></article></body></html>"""
PUBLISHED = (
    '<p>By <a class="p-author h-card">Ann</a> on <a href="https://medium.com/p/abcdef012345">'
    '<time class="dt-published" datetime="2024-06-03T09:41:57.629Z">June 3</time></a>.</p>'
    '<a href="https://medium.com/@ann/tides-abcdef012345" class="p-canonical">Canonical link</a>'
)
SECTION = '<section class="section section--body"><div class="section-divider"><hr></div><div class="section-inner">{}</div></section>'
POST = SECTION.format(
    '<h3 class="graf graf--h3 graf--title">Tides</h3><p class="graf graf--p">First<br>line &amp; <em>more</em> 2 * 3.</p>'
    '<figure class="graf graf--figure"><img src="x.jpg"><figcaption>A pier</figcaption></figure>'
    '<blockquote class="graf graf--pullquote">Said another</blockquote>'
    '<div class="graf graf--mixtapeEmbed"><a href="https://x.org">Somebody\'s title</a></div>'
    '<pre class="graf graf--pre"><code>if x:<br>    y = 1</code></pre>'
) + SECTION.format(
    '<h4 class="graf graf--h4">Two</h4><ul><li class="graf graf--li">a <a href="https://x.org">b</a></li></ul>'
)


def page(title="Tides", body=POST, footer=PUBLISHED):
    return PAGE.format(title=title, body=body, footer=footer)


def test_a_post_with_nested_sections_becomes_markdown(pack, now, sort_out):
    with archive.opened(pack({"posts/2024-06-03_Tides-abcdef012345.html": page()}), 10) as opened:
        (post,), _ = sort_out(medium.read_export(opened, "ann", now))
    assert post.text == (
        "First\nline & *more* 2 * 3.\n\nA pier\n\n> Said another\n\n```\nif x:\n    y = 1\n```\n\n---\n\n#### Two\n\n- a [b](https://x.org)"
    )
    assert (post.id, post.title, post.register) == ("medium:abcdef012345", "Tides", "article")
    assert post.url == "https://medium.com/@ann/tides-abcdef012345"
    assert str(post.published_at) == "2024-06-03 09:41:57.629000+00:00"


def test_a_response_is_a_reply_without_a_title(pack, now, sort_out):
    body = SECTION.format('<p class="graf graf--p">Thank you for this, Bo. We tried it too.</p>')
    name = "posts/2024-06-03_Thank-you-for-this-0123456789ab.html"
    with archive.opened(pack({name: page("Thank you for this, Bo…", body)}), 10) as opened:
        (reply,), _ = sort_out(medium.read_export(opened, "ann", now))
    assert (reply.register, reply.title, reply.text) == ("reply", "", "Thank you for this, Bo. We tried it too.")


def test_a_response_to_a_passage_bears_no_one_else_s_title(pack, now, sort_out):
    body = '<blockquote class="graf graf--blockquote graf--leading">Their words on tides</blockquote><p class="graf">Mine</p>'
    name = "posts/2024-06-03_Their-words-abcdef012345.html"
    with archive.opened(pack({name: page(title="Their words on tides", body=SECTION.format(body))}), 10) as opened:
        (post,), _ = sort_out(medium.read_export(opened, "ann", now))
    assert (post.register, post.title, post.text) == ("reply", "", "> Their words on tides\n\nMine")


def test_drafts_are_skipped_and_other_folders_not_opened(pack, now, sort_out):
    files = {
        "posts/draft_T-0123456789ab.html": page(footer="View original."),
        "ips/ip.html": "x",
        "profile/profile.html": "x",
    }
    with archive.opened(pack(files), 10) as opened:
        documents, skipped = sort_out(medium.read_export(opened, "ann", now))
        assert list(opened.digests) == ["posts/draft_T-0123456789ab.html"]
    assert (documents, [s.reason for s in skipped]) == ([], ["a draft"])


def test_no_posts_folder_is_no_medium_export(pack, now, sort_out):
    with archive.opened(pack({"README.html": "x"}), 10) as opened, pytest.raises(SourceError, match="no Medium export"):
        sort_out(medium.read_export(opened, "ann", now))


FEED = """<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
<item><title><![CDATA[Tides]]></title><link>https://medium.com/@ann/tides-abcdef012345?source=rss-1------2</link>
<guid isPermaLink="false">https://medium.com/p/abcdef012345</guid><pubDate>Mon, 03 Jun 2024 09:41:57 GMT</pubDate>
<content:encoded><![CDATA[<p>First<br>line.</p><img src="https://medium.com/_/stat?event=post.clientViewed" width="1" height="1">]]></content:encoded></item>
<item><title>Paid</title><link>https://medium.com/@ann/paid-0123456789ab</link><guid>https://medium.com/p/0123456789ab</guid>
<description><![CDATA[<div class="medium-feed-item"><p class="medium-feed-image"><a href="https://x">i</a></p>
<p class="medium-feed-snippet">Only a start</p><p class="medium-feed-link"><a href="https://x">Continue reading on Medium »</a></p></div>]]></description></item>
</channel></rss>"""


def test_the_feed_gives_the_export_s_ids_and_marks_member_only_texts(now):
    whole, paid = (medium_feed.from_feed(e, "ann", now) for e in rss.entries(FEED.encode(), "feed")[0])
    assert (whole.id, whole.text, whole.complete) == ("medium:abcdef012345", "First\nline.", True)
    assert whole.url == "https://medium.com/@ann/tides-abcdef012345"
    assert (paid.id, paid.text, paid.complete) == ("medium:0123456789ab", "Only a start", False)


def test_a_handle_gives_the_feed_s_address():
    assert medium_feed.crawl("@ann", None).first[0].url == "https://medium.com/feed/@ann"


CODE = (
    '<pre data-code-block-mode="1" data-code-block-lang="python" class="graf graf--pre graf--preV2"><span class="pre--content">'
    '<span class="hljs-keyword">def</span> f():<br>    return 1<br><br>x = "*"</span></pre>'
)
EMBED = '<figure class="graf graf--figure graf--iframe">{}</figure><p class="graf">x</p>'


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (CODE, '```python\ndef f():\n    return 1\n\nx = "*"\n```'),
        ('<blockquote class="graf graf--blockquote">one<br>two</blockquote><p>x</p>', "> one\n> two\n\nx"),
        ('<p class="graf graf--pullquote">“Said”</p><p>x</p>', "> “Said”\n\nx"),
        (EMBED.format('<blockquote class="twitter-tweet"><p>Their words</p>— Bo</blockquote><script src="x"></script>'),
         "> Their words\n>\n> — Bo\n\nx"),
        (EMBED.format('<script src="https://gist.github.com/a/b.js"></script>'), "x"),
        (EMBED.format('<iframe src="https://v.example"></iframe><figcaption class="imageCaption">My film</figcaption>'),
         "My film\n\nx"),
        ('<div class="section-inner" data-paragraph-count="2"><figure><img src="a"></figure><figure><img src="b">'
         '<figcaption>Two <em>piers</em></figcaption></figure></div>', "Two *piers*"),
        ('<p>Thanks, <a href="https://medium.com/u/a" class="markup--user markup--p-user">Bo</a>!</p>', "Thanks, Bo!"),
        ('<p class="graf--hasDropCap"><span class="graf-dropCap">O</span>nce</p>', "Once"),
        ('<ol class="postList"><li class="graf">one<br>more</li><li>two</li></ol>', "1. one\n   more\n2. two"),
    ],
)  # fmt: skip
def test_medium_s_own_markup(body, text, pack, now, sort_out):
    name = "posts/2024-06-03_Tides-abcdef012345.html"
    with archive.opened(pack({name: page(body=SECTION.format(body))}), 10) as opened:
        (post,), _ = sort_out(medium.read_export(opened, "ann", now))
    assert post.text == text


def test_one_page_of_an_export_is_read_by_itself(tmp_path, now, sort_out):
    path = tmp_path / "2024-06-03_Tides-abcdef012345.html"
    path.write_text(page(), encoding="utf-8")
    with archive.opened(path, 10) as opened:
        (post,), _ = sort_out(medium.read_export(opened, "ann", now))
    assert (post.id, post.title) == ("medium:abcdef012345", "Tides")
