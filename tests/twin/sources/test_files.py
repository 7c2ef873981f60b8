"""Folders of texts: bodies exact, front matter read, what is no text counted."""

from __future__ import annotations

import io
import zipfile

import pytest

from bench.fuzz_seeds import pdf
from twin.errors import SourceError
from twin.sources import archive, files

BODY = "  indented 🎉\n\n* a\n* b  \n\n---\nnot front matter\n"


def read(path, now, sort_out):
    with archive.opened(path, 10) as opened:
        return sort_out(files.read_files(opened, "ann", now, "blog"))


def test_front_matter_says_whose_words_it_is_and_unknown_kinds_are_passed_over(pack, now, sort_out):
    pages = {
        "a.md": "---\nregister: note\nprovenance: quoted\n---\nx",
        "b.md": "---\nregister: formal\nprovenance: me\n---\nx",
    }
    (one, two), _ = read(pack(pages), now, sort_out)
    assert (one.register, one.provenance) == ("note", "quoted")
    assert (two.register, two.provenance) == ("post", "own")


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


def docx(body: str) -> bytes:
    """A Word document with this body."""
    out = io.BytesIO()
    office = "http://schemas.openxmlformats.org"
    with zipfile.ZipFile(out, "w") as parts:
        parts.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{office}/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/>'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>',
        )
        parts.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{office}/package/2006/relationships"><Relationship Id="r1" '
            f'Type="{office}/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>',
        )
        parts.writestr(
            "docProps/core.xml",
            '<c xmlns:dcterms="http://purl.org/dc/terms/"><dcterms:created>2024-05-01T10:00:00Z</dcterms:created></c>',
        )
        parts.writestr(
            "word/document.xml",
            f'<w:document xmlns:w="{office}/wordprocessingml/2006/main"><w:body>{body}</w:body></w:document>',
        )
    return out.getvalue()


def words(text: str, style: str = "", marks: str = "") -> str:
    styled = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f'<w:p>{styled}<w:r><w:rPr>{marks}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


def test_a_word_document_gives_its_words_breaks_and_emphasis(pack, now, sort_out):
    deleted = (
        "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:ins><w:r><w:t>put in</w:t></w:r></w:ins></w:p>"
    )
    body = (
        words("Tides", "Heading1") + words("One 🎉 2 * 3 _x_") + words("bold", marks="<w:b/>") + deleted
        + "<w:p><w:r><w:t>a</w:t><w:br/><w:t>b</w:t></w:r></w:p>"
    )  # fmt: skip
    (letter,), _ = read(pack({"letter.docx": docx(body)}), now, sort_out)
    assert letter.text == "One 🎉 2 * 3 _x_\n\n**bold**\n\nput in\n\na\nb"
    assert (letter.title, letter.register, letter.id) == ("Tides", "article", "files:blog/letter.docx")
    assert str(letter.published_at) == "2024-05-01 10:00:00+00:00"


def test_a_pdf_gives_its_paragraphs_with_title_and_date(pack, now, sort_out):
    data = pdf("The ferry runs at noon and at seven in the even-", "ing on all days but Sunday.", "It does not wait.")
    (paper,), _ = read(pack({"tides.pdf": data}), now, sort_out)
    assert "seven in the evening on all days but Sunday." in paper.text
    assert (paper.title, paper.register, str(paper.published_at)) == (
        "Tide tables",
        "article",
        "2024-03-01 00:00:00+00:00",
    )


def test_a_damaged_document_spoils_no_other(pack, now, sort_out):
    bomb = docx(words("x")).replace(b"<w:document", b"<!ENTITY a>")
    names = {"a.docx": b"PK nothing", "b.pdf": b"%PDF-1.4 nothing", "c.docx": bomb, "d.md": "ok"}
    documents, skipped = read(pack(names), now, sort_out)
    assert [d.text for d in documents] == ["ok"]
    assert [s.what for s in skipped] == ["a.docx", "b.pdf", "c.docx"]
    assert all(s.reason.startswith("unreadable: a") for s in skipped)


SAVED = """<html><head><title>Mein Text – Blog</title></head><body><header>Blog</header><div><article><header>
<h1>Mein Text</h1></header><div><p>Erste<br />
zweite.</p><aside>Am Rand: meins.</aside></div></article><div id="comments"><h2>2 Gedanken</h2><ol class="comment-list">
<li><article><p>Fremd.</p></article></li></ol></div></div><aside>Archiv</aside></body></html>"""
GOOGLE = """<html><body><p class="c2 title"><span>Plan</span></p><p>Eins<sup><a href="#cmnt1" id="cmnt_ref1">[a]</a></sup>.</p>
<div class="c6"><p><a href="#cmnt_ref1" id="cmnt1">[a]</a><span>Fremd.</span></p></div></body></html>"""


@pytest.mark.parametrize(
    ("page", "title", "text"),
    [(SAVED, "Mein Text", "Erste\nzweite.\n\nAm Rand: meins."), (GOOGLE, "Plan", "Eins.")],
)
def test_readers_comments_on_a_saved_page_are_not_the_authors(page, title, text, tmp_path, now, sort_out):
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    with archive.opened(tmp_path, 10) as opened:
        (document,), _ = sort_out(files.read_files(opened, "ann", now, "in"))
    assert (document.title, document.text) == (title, text)


def test_a_blogs_folder_of_drafts_is_left_alone(tmp_path, now, sort_out):
    for folder in ("_posts", "_drafts"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "2020-01-02-tide.md").write_text(folder)
    with archive.opened(tmp_path, 10) as opened:
        documents, skipped = sort_out(files.read_files(opened, "ann", now, "in"))
    assert [(d.text, d.published_at.year) for d in documents] == [("_posts", 2020)]
    assert [s.reason for s in skipped] == ["a draft"]
