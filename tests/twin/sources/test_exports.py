"""Mastodon, WordPress and Ghost exports, Word documents and pasted text come back as they were written."""

from __future__ import annotations

import io
import json
import tarfile

import pytest

from twin.errors import SourceError
from twin.sources import archive, ghost, mastodon, paste, wordpress
from twin.sources.wordpress_markup import body_text

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
ME = "https://sea.example/users/ann"


def read(path, reader, now, sort_out, *more):
    with archive.opened(path, 10) as opened:
        return sort_out(reader(opened, "ann", now, *more))


def note(number, content, to=PUBLIC, **more):
    post = {"id": f"{ME}/statuses/{number}", "type": "Note", "content": content, "to": [to], "attributedTo": ME} | more
    return {"type": "Create", "object": post, "published": f"2024-05-0{number}T10:00:00Z"}


def test_a_mastodon_tar(tmp_path, now, sort_out):
    items = [
        note(1, '<p>One<br />two <a href="https://t.example/long"><span class="invisible">https://</span>'
                '<span class="ellipsis">t.example/lo</span><span class="invisible">ng</span></a></p>'),
        note(2, "<p>more</p>", inReplyTo=f"{ME}/statuses/1"),
        note(3, "<p>secret</p>", to=f"{ME}/followers"),
        {"type": "Announce", "object": "https://else.example/1"},
    ]  # fmt: skip
    path = tmp_path / "archive.tar.gz"
    data = json.dumps({"orderedItems": items}).encode()
    with tarfile.open(path, "w:gz") as tar:
        info = tarfile.TarInfo("outbox.json")
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("passwd.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    (thread,), skipped = read(path, mastodon.read_export, now, sort_out)
    assert thread.text == "One\ntwo https://t.example/long\n\nmore"
    assert thread.id == "mastodon:sea.example/users/ann/statuses/1"
    assert sorted(s.reason for s in skipped) == ["a boost of others' words", "not public"]


WXR = """<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<rss xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:wp="http://wordpress.org/export/1.2/"><channel><wp:wxr_version>1.2</wp:wxr_version>
<wp:base_blog_url>https://ann.example</wp:base_blog_url>{items}</channel></rss>"""
ITEM = """<item><title>{title}</title><link>https://ann.example/{n}</link><dc:creator>{who}</dc:creator>
<content:encoded><![CDATA[{text}]]></content:encoded><wp:post_id>{n}</wp:post_id>
<wp:post_date_gmt>2020-01-0{n} 10:00:00</wp:post_date_gmt><wp:status>{status}</wp:status>
<wp:post_type>post</wp:post_type></item>"""


def wxr(tmp_path, *rows):
    path = tmp_path / "site.xml"
    items = "".join(
        ITEM.format(n=n, who=who, status=status, text=text, title=f"T{n}&x;")
        for n, (who, status, text) in enumerate(rows, 1)
    )
    path.write_text(WXR.format(items=items))
    return path


def test_a_wordpress_export(tmp_path, now, sort_out):
    path = wxr(tmp_path, ("ann", "publish", "One\ntwo\n\n<b>three</b>"), ("ann", "draft", "x"))
    (post,), skipped = read(path, wordpress.read_export, now, sort_out)
    assert (post.id, post.text, post.url) == (
        "wordpress:ann.example/1", "One\ntwo\n\n**three**", "https://ann.example/1",
    )  # fmt: skip
    assert "root:" not in post.title
    assert [s.reason for s in skipped] == ["a draft"]


def test_of_several_writers_only_the_author_is_read(tmp_path, now, sort_out):
    path = wxr(tmp_path, ("ann", "publish", "mine"), ("bo", "publish", "theirs"))
    with pytest.raises(SourceError, match=r"several people wrote here.*ann, bo.*user: NAME"):
        read(path, wordpress.read_export, now, sort_out, "", "Cy")
    documents, skipped = read(path, wordpress.read_export, now, sort_out, "", "Ann")
    assert ([d.text for d in documents], [s.reason for s in skipped]) == (["mine"], ["by another writer"])


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("<!-- wp:paragraph --><p>a<br>b</p><!-- /wp:paragraph --><!-- wp:quote --><blockquote><p>q</p></blockquote>",
         "a\nb\n\n> q"),
        ('[caption id="1"]<img src="x"> A pier[/caption]\n\ntext [sic] [1] [gallery ids="1"]', "A pier\n\ntext [sic] [1]"),
        ("[code]if x &lt; 1:\n    y[/code]", "```\nif x < 1:\n    y\n```"),
        ("<blockquote>one\n\ntwo</blockquote>after", "> one\n>\n> two\n\nafter"),
        ('<pre class="wp-block-verse">a\n  b</pre><!-- wp:x -->', "a\n  b"),
    ],
)  # fmt: skip
def test_wordpress_markup(typed, text):
    assert body_text(typed) == text


def test_ghost_editors(tmp_path, now, sort_out):
    words = [{"type": "extended-text", "text": "a", "format": 1}, {"type": "linebreak"}, {"type": "text", "text": "b"}]
    lexical = {
        "root": {"children": [{"type": "paragraph", "children": words}, {"type": "markdown", "markdown": "* raw"}]}
    }
    mobiledoc = {"markups": [["em"]], "atoms": [["soft-return", "", {}]], "cards": [],
                 "sections": [[1, "p", [[0, [0], 1, "c"], [1, [], 0, 0], [0, [], 0, "d"]]]]}  # fmt: skip
    posts = [
        {"id": 1, "uuid": "u1", "title": "L", "status": "published", "lexical": json.dumps(lexical)},
        {"id": 2, "uuid": "u2", "title": "M", "status": "published", "mobiledoc": json.dumps(mobiledoc)},
        {"id": 3, "uuid": "u3", "title": "H", "status": "published", "html": "<p>e</p>"},
        {"id": 4, "uuid": "u4", "title": "D", "status": "draft", "html": "<p>f</p>"},
    ]
    path = tmp_path / "ghost.json"
    path.write_text(json.dumps({"db": [{"meta": {}, "data": {"posts": posts, "users": []}}]}))
    documents, skipped = read(path, ghost.read_export, now, sort_out)
    assert [(d.id, d.text) for d in documents] == [
        ("ghost:u1", "**a**\nb\n\n* raw"), ("ghost:u2", "*c*\nd"), ("ghost:u3", "e"),
    ]  # fmt: skip
    assert [s.reason for s in skipped] == ["a draft"]


def test_pasted_texts_are_parted_by_a_line(tmp_path, now, sort_out):
    path = tmp_path / "pasted.txt"
    path.write_text("One\n\ntwo 🎉\n\n=====\n# Title\n\nBody\n")
    documents, _ = read(path, paste.read_paste, now, sort_out)
    assert [(d.title, d.text, d.register) for d in documents] == [
        ("", "One\n\ntwo 🎉", "post"), ("Title", "Body", "article"),
    ]  # fmt: skip


def test_a_post_from_wordpress_api_and_its_export_is_one_document(tmp_path, now, sort_out):
    answer = {
        "id": 1, "date_gmt": "2020-01-01T10:00:00", "link": "https://ann.example/1", "status": "publish",
        "type": "post", "title": {"rendered": "Caf&#233;"}, "author": 7, "format": "standard",
        "content": {"rendered": "<p>One<br />\ntwo.</p>\n<p>Three.</p>\n", "protected": False},
    }  # fmt: skip
    secret = answer | {"id": 2, "content": {"rendered": "", "protected": True}}
    writer = "<wp:author><wp:author_id>7</wp:author_id><wp:author_login>ann</wp:author_login></wp:author>"
    item = ITEM.format(title="Café", n=1, who="ann", text="One\ntwo.\n\nThree.", status="publish")
    (tmp_path / "site.xml").write_text(WXR.format(items=writer + item), encoding="utf-8")
    (tmp_path / "posts.json").write_text(json.dumps([answer, secret]))
    (tmp_path / "about.json").write_text(json.dumps(answer | {"id": 3, "type": "page"}))
    documents, skipped = read(tmp_path, wordpress.read_export, now, sort_out)
    assert [d.id for d in documents] == [f"wordpress:ann.example/{n}" for n in (1, 3, 1)]
    assert {(d.title, d.text, d.published_at.day) for d in documents} == {("Café", "One\ntwo.\n\nThree.", 1)}
    assert [s.reason for s in skipped] == ["a post behind a password"]


def test_others_posts_in_wordpress_answers_are_left_out(tmp_path, now, sort_out):
    people = [{"id": 1, "name": "Ann Ek", "slug": "ann"}, {"id": 2, "name": "Bo", "slug": "bo"}]
    posts = [
        {"id": n, "link": f"https://a.example/{n}", "title": {"raw": "T"}, "content": {"raw": f"by {person['name']}"},
         "author": person["id"], "_embedded": {"author": [person]}}
        for n, person in enumerate(people)
    ]  # fmt: skip
    (tmp_path / "posts.json").write_text(json.dumps(posts))
    documents, skipped = read(tmp_path, wordpress.read_export, now, sort_out, "", "Ann Ek")
    assert [d.text for d in documents] == ["by Ann Ek"]
    assert [s.reason for s in skipped] == ["by another writer"]


def test_a_renamed_outbox_is_found_and_a_quoted_address_is_not_the_authors(tmp_path, now, sort_out):
    words = '<p class="quote-inline">RE: <a href="https://else.example/1">else</a></p><p>Genau.</p>'
    (tmp_path / "outbox (1).json").write_text(json.dumps({"orderedItems": [note(1, words)]}))
    (tmp_path / "likes.json").write_text(json.dumps({"orderedItems": ["https://else.example/1"]}))
    documents, skipped = read(tmp_path, mastodon.read_export, now, sort_out)
    assert [d.text for d in documents] == ["Genau."]
    assert skipped == []
