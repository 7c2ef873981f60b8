"""What links say: articles, papers, repositories, transcripts, with title, author and date; one bad link hides none."""

from __future__ import annotations

import pytest

from bench.fuzz_seeds import pdf
from twin.errors import SourceError
from twin.sources import links
from twin.sources.fetch import Fetched

TEXT = "<p>The harbour bought forty clickers of steel last week, and every deckhand has one in her pocket now.</p>" * 6
PAGE = f"""<html lang=en><head><title>Clickers</title><meta name="author" content="Ann Lee">
<meta property="article:published_time" content="2024-05-01T10:00:00Z"></head>
<body><nav>Home</nav><article><h1>Clickers</h1>{TEXT}</article></body></html>"""
ABS = """<html><head><title>[2401.00001] Tides</title><meta name="citation_title" content="On Tides">
<meta name="citation_author" content="Lee, Ann"><meta name="citation_author" content="Bo, Cy">
<meta name="citation_date" content="2024/01/02"></head><body><blockquote class="abstract">
<span class="descriptor">Abstract:</span> We count tides.</blockquote></body></html>"""
VTT = (
    "WEBVTT\nKind: captions\n\nNOTE by hand\n\n1\n00:00:00.000 --> 00:00:02.000 align:start\nThe <c>tide</c> turns\n\n"
    "00:00:02.000 --> 00:00:04.000\nThe tide turns\nat noon &amp; night\n\n00:00:09.000 --> 00:00:10.000\n[Music]\n>> Later.\n"
)


def read(url: str, pages: dict[str, tuple[str, bytes | str]]) -> links.Page:
    """The page at `url` when the network holds these addresses (kind and body) and no others."""

    def get(asked: str, **_: object) -> Fetched:
        if asked not in pages:
            raise SourceError("a link can't be read", f"{asked} answered 404", "Paste its text instead.")
        kind, body = pages[asked]
        return Fetched(asked, kind, "", body.encode() if isinstance(body, str) else body)

    (page,) = links.read_links([url], get=get)
    return page


def test_an_article_has_title_author_and_date():
    page = read("https://a.example/x", {"https://a.example/x": ("text/html", PAGE)})
    assert (page.title, page.author, page.date, page.kind) == ("Clickers", "Ann Lee", "2024-05-01", "article")
    assert "forty clickers" in page.text and page.error == ""


def test_a_pdf_is_read_with_what_it_says_of_itself():
    body = pdf("The ferry runs at noon and at seven in the even-", "ing on all days but Sunday.", "It does not wait.")
    page = read("https://a.example/t.pdf", {"https://a.example/t.pdf": ("application/pdf", body)})
    assert page.error == ""
    assert (page.title, page.author, page.date, page.kind) == ("Tide tables", "Ann Lee", "2024-03-01", "pdf")
    assert "seven in the evening on all days but Sunday." in page.text


@pytest.mark.parametrize("body", [b"%PDF-1.4 nothing", b"", pdf()[:200], pdf()])
def test_a_broken_or_wordless_pdf_says_so(body):
    page = read("https://a.example/t.pdf", {"https://a.example/t.pdf": ("application/pdf", body)})
    assert "a PDF" in page.error and page.text == ""


def test_an_arxiv_abstract_and_its_paper():
    about = {"https://arxiv.org/abs/2401.00001": ("text/html", ABS)}
    page = read("https://arxiv.org/abs/2401.00001", about)
    assert (page.title, page.author, page.date) == ("On Tides", "Lee, Ann; Bo, Cy", "2024-01-02")
    assert (page.text, page.kind) == ("We count tides.", "paper")
    paper = about | {
        "https://arxiv.org/pdf/2401.00001": ("application/pdf", pdf("We counted all the tides of the year."))
    }
    page = read("https://www.arxiv.org/pdf/2401.00001.pdf", paper)
    assert (page.title, page.kind, page.url) == ("On Tides", "paper", "https://www.arxiv.org/pdf/2401.00001.pdf")
    assert "counted all the tides" in page.text


def test_a_repository_is_its_readme():
    api = "https://api.github.com/repos/ann/tides"
    pages = {
        f"{api}/readme": ("application/vnd.github.raw+json", "# tides\n\nCounts them."),
        api: ("application/json", '{"description": "Tide tables", "pushed_at": "2024-05-01T00:00:00Z"}'),
    }
    page = read("https://github.com/ann/tides", pages)
    assert (page.title, page.author, page.date, page.kind) == (
        "ann/tides: Tide tables",
        "ann",
        "2024-05-01",
        "repository",
    )
    assert page.text == "# tides\n\nCounts them."
    raw = {"https://raw.githubusercontent.com/ann/tides/main/docs/x.md": ("text/plain", "# X\n\nSaid.")}
    assert read("https://github.com/ann/tides/blob/main/docs/x.md", raw).text == "# X\n\nSaid."


def test_a_transcript_is_running_text():
    page = read("https://a.example/t.vtt", {"https://a.example/t.vtt": ("text/vtt", VTT)})
    assert (page.text, page.kind) == ("The tide turns at noon & night\n\nLater.", "transcript")
    srt = VTT.replace("WEBVTT\nKind: captions\n\nNOTE by hand\n\n", "").replace(".000", ",000")
    assert read("https://a.example/t.srt", {"https://a.example/t.srt": ("text/plain", srt)}).text == page.text


def test_a_video_page_is_its_transcript():
    watch = '<html><head><title>Tides - YouTube</title></head><body><a href="/files/t.vtt">Transcript</a></body></html>'
    url = "https://www.youtube.com/watch?v=abc"
    page = read(url, {url: ("text/html", watch), "https://www.youtube.com/files/t.vtt": ("text/vtt", VTT)})
    assert (page.title, page.kind) == ("Tides - YouTube", "transcript")
    assert page.text.startswith("The tide turns")
    bare = read(url, {url: ("text/html", "<html><title>T</title><p>Play</p></html>")})
    assert "names no transcript" in bare.error and ".vtt" in bare.error


def test_a_bad_link_does_not_hide_a_good_one():
    pages = {"https://a.example/x": ("text/html", PAGE)}
    assert "404" in read("https://a.example/nothing", pages).error
    found = links.read_links(["http://10.0.0.1/", "https://[::1", "x" * 5000])
    assert [bool(page.error) for page in found] == [True, True, True]
