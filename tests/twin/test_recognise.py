"""Links and files are recognised for what they are."""

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
    ],
)
def test_archives_are_told_by_their_entries(tmp_path: Path, entry: str, kind: str) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, "x")
    assert recognise(str(path)) == {"kind": kind, "path": str(path)}


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
