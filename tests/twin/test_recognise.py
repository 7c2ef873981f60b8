"""Links and files are recognised for what they are."""

import tarfile
import zipfile
from pathlib import Path

import pytest

from twin.errors import SourceError
from twin.recognise import recognise


@pytest.mark.parametrize(
    ("link", "spec"),
    [
        ("https://github.com/someone/repo", {"kind": "github", "user": "someone"}),
        ("github.com/someone", {"kind": "github", "user": "someone"}),
        ("https://name.substack.com/p/a-post", {"kind": "substack", "url": "https://name.substack.com"}),
        ("https://medium.com/@name", {"kind": "medium", "user": "name"}),
        ("https://blog.example/feed.xml", {"kind": "rss", "url": "https://blog.example/feed.xml"}),
    ],
)
def test_links(link: str, spec: dict[str, str]) -> None:
    assert recognise(link) == spec


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ("Shares_1234.csv", "linkedin"),
        ("Basic_LinkedInDataExport/Shares.csv", "linkedin"),
        ("posts/2024-01-02_A-title-0a1b2c3d4e5f.html", "medium"),
        ("posts.csv", "substack"),
        ("notes/one.md", "files"),
        ("Rich Media (1).csv", "linkedin"),
    ],
)
def test_archives_are_told_by_their_entries(tmp_path: Path, entry: str, kind: str) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, "x")
    assert recognise(str(path)) == {"kind": kind, "path": str(path)}


WXR = '<?xml version="1.0"?><rss xmlns:wp="http://wordpress.org/export/1.2/"><channel/></rss>'
GHOST = '{"db": [{"meta": {"version": "5"}, "data": {"posts": []}}]}'


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("archive/data/tweets.js", "window.YTD.tweets.part0 = []", "x"),
        ("data/js/tweets/2012_01.js", "Grailbird.data.tweets_2012_01 = []", "x"),
        ("tweet.js", "window.YTD.tweet.part0 = []", "x"),
        ("renamed.js", "window.YTD.tweets.part0 = []", "x"),
        ("outbox.json", '{"orderedItems": []}', "mastodon"),
        ("my posts.json", '{"type": "OrderedCollection", "orderedItems": []}', "mastodon"),
        ("site.WordPress.2024-05-01.xml", WXR, "wordpress"),
        ("all.wxr", WXR, "wordpress"),
        ("site.ghost.json", GHOST, "ghost"),
        (
            "moved.json",
            '{"posts": [{"url": "https://a.example/1", "data": {"title": "T", "html": "<p>a</p>"}}]}',
            "ghost",
        ),
        ("posts.json", '[{"id": 1, "content": {"rendered": "<p>a</p>"}}]', "wordpress"),
        ("rows.json", '{"posts": [{"text": "a"}]}', "jsonl"),
        ("feed.xml", "<rss version='2.0'><channel/></rss>", "rss"),
        ("feed.atom", "<feed xmlns='http://www.w3.org/2005/Atom'/>", "rss"),
        ("anything.csv", "Date,ShareLink,ShareCommentary\n", "linkedin"),
        ("one.html", '<section data-field="body" class="e-content">', "medium"),
        ("page.html", "<p>a</p>", "files"),
        ("letter.docx", "PK", "files"),
        ("paper.pdf", "%PDF-1.4", "files"),
        ("texts.tsv", "text\n", "jsonl"),
    ],
)
def test_each_kind_is_told_as_a_file_in_a_folder_and_in_a_zip(
    tmp_path: Path, name: str, content: str, kind: str
) -> None:
    file = tmp_path / "folder" / name
    file.parent.mkdir(parents=True)
    file.write_text(content, encoding="utf-8")
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(file, name)
    assert [recognise(str(place))["kind"] for place in (file, tmp_path / "folder", path)] == [kind] * 3


def test_a_table_saved_as_utf_16_and_a_tar_are_told(tmp_path: Path) -> None:
    table = tmp_path / "saved again.csv"
    table.write_text("Date\tShare Commentary\n", encoding="utf-16")
    assert recognise(str(table))["kind"] == "linkedin"
    tar = tmp_path / "archive.tar.gz"
    (tmp_path / "outbox.json").write_text('{"orderedItems": []}')
    with tarfile.open(tar, "w:gz") as archive:
        archive.add(tmp_path / "outbox.json", "outbox.json")
    assert recognise(str(tar))["kind"] == "mastodon"


def test_what_holds_no_writing_says_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.jpg", "x")
        archive.writestr("b.jpg", "x")
    with pytest.raises(SourceError, match=r"2 × \.jpg.*Hand in an export"):
        recognise(str(path))
    inner = tmp_path / "outer.zip"
    with zipfile.ZipFile(inner, "w") as archive:
        archive.write(path, "export/inner.zip")
    with pytest.raises(SourceError, match=r"Hand in export/inner\.zip by itself"):
        recognise(str(inner))


def test_platforms_that_forbid_it_are_not_scraped() -> None:
    with pytest.raises(SourceError, match="export"):
        recognise("https://www.linkedin.com/in/someone")


def test_errors_name_the_place(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"missing\.zip"):
        recognise(str(tmp_path / "missing.zip"))
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK no archive")
    with pytest.raises(SourceError, match=r"broken\.zip"):
        recognise(str(broken))


def test_exports_of_two_sites_in_one_folder_are_named(tmp_path: Path) -> None:
    for name, entry in (("a.zip", "Shares.csv"), ("b.zip", "data/tweets.js")):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr(entry, "x")
    with pytest.raises(SourceError, match=r"a\.zip: linkedin, b\.zip: x"):
        recognise(str(tmp_path))


def test_unpacked_exports_of_two_sites_in_one_folder_are_named(tmp_path: Path) -> None:
    for name in ("linkedin/Shares.csv", "medium/posts/2024-01-02_A-0a1b2c3d4e5f.html"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("x")
    with pytest.raises(SourceError, match="several sites"):
        recognise(str(tmp_path))


def test_a_medium_export_with_renamed_posts_and_its_other_pages_is_medium(tmp_path: Path) -> None:
    for name, page in (
        ("posts/one.html", '<section class="e-content" data-field="body">'),
        ("profile/profile.html", "x"),
    ):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(page)
    assert recognise(str(tmp_path))["kind"] == "medium"
