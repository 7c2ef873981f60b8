"""Folders of texts: bodies exact, front matter read, what is no text counted."""

from __future__ import annotations

import pytest

from twin.errors import SourceError
from twin.sources import archive, files

BODY = "  indented 🎉\n\n* a\n* b  \n\n---\nnot front matter\n"


def read(path, now, sort_out):
    with archive.opened(path, 10) as opened:
        return sort_out(files.read_files(opened, "ann", now, "blog"))


def test_front_matter_of_both_kinds_and_the_body_exactly(pack, now, sort_out):
    yaml = f"---\ntitle: 'Ann: tides'\ndate: 2024-05-01\nurl: https://a/1\n---\n{BODY}"
    toml = f'+++\ntitle = "T"\ndate = 2024-05-02T10:00:00Z\n+++\n\n{BODY}'
    (one, two), _ = read(pack({"a.md": yaml.replace("\n", "\r\n"), "b/c.md": toml}), now, sort_out)
    assert (one.id, one.title, one.text, one.url) == ("files:blog/a.md", "Ann: tides", BODY, "https://a/1")
    assert str(one.published_at) == "2024-05-01 00:00:00+00:00"
    assert (two.id, two.text, str(two.published_at)) == ("files:blog/b/c.md", BODY, "2024-05-02 10:00:00+00:00")


def test_a_text_without_title_is_a_post_dated_by_its_name(pack, now, sort_out):
    (post,), _ = read(pack({"2023-11-08-lines.md": BODY}), now, sort_out)
    assert (post.register, post.title, post.text) == ("post", "", BODY)
    assert str(post.published_at) == "2023-11-08 00:00:00+00:00"


def test_html_gives_its_main_part(pack, now, sort_out):
    article = "<article><h1>Tides</h1><p>One<br>two</p><script>x()</script></article>"
    page = f"<html><title>t</title><nav>menu</nav>{article}</html>"
    (article,), _ = read(pack({"a.html": page}), now, sort_out)
    assert (article.title, article.text, article.register) == ("Tides", "One\ntwo", "article")


def test_drafts_empty_binary_and_other_files_are_counted(pack, now, sort_out):
    names = {
        "a.md": "---\ndraft: true\n---\nx",
        "b.md": " \n",
        "c.txt": b"\x00\x01" + b"\xff" * 99,
        "d.png": "x",
        "e.md": "ok",
    }
    documents, skipped = read(pack(names), now, sort_out)
    assert [d.text for d in documents] == ["ok"]
    assert sorted(s.reason for s in skipped) == [
        "a draft", "a file without words", "not a text file (.png)", "unreadable: a file's text can't be read",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["---\n: [\n---\nx", "---\njust words\n---\nx", "---\nnever closed"])
def test_what_only_looks_like_front_matter_stays_in_the_text(text):
    assert files.front_matter(text) == ({}, text)


def test_old_encodings_are_read(pack, now, sort_out):
    names = {
        "a.txt": "café “x”".encode("cp1252"),
        "b.txt": "Zürich".encode("utf-16-le"),
        "c.txt": "ok".encode("utf-8-sig"),
    }
    documents, _ = read(pack(names), now, sort_out)
    assert [d.text for d in documents] == ["café “x”", "Zürich", "ok"]


def test_a_folder_without_texts_says_so(pack, now, sort_out):
    with pytest.raises(SourceError, match="no text files"):
        read(pack({"a.png": "x"}), now, sort_out)
