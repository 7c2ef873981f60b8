"""`twin init` writes params.yaml and an inbox, for the sample author or for a real one."""

import io
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from twin import params
from twin.cli import main
from twin.errors import ParamsError, SourceError
from twin.local.init import init_author, init_sample, slug
from twin.records import Document
from twin.settings import Settings
from twin.sources import archive, paste

ROOT = Path(__file__).parents[3]


@pytest.fixture
def project(settings: Settings, tmp_path: Path) -> Settings:
    """A fresh clone's files that `twin init` looks at."""
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "params.yaml")
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    return settings


def test_a_real_author_from_a_folder_and_a_link(project: Settings, tmp_path: Path) -> None:
    texts = tmp_path / "my texts"
    texts.mkdir()
    (texts / "one.md").write_text("# One\n\nhello 🫠\n")
    init_author(project, "Zoë Ångström", None, "sv", "note", [str(texts), "https://zoe.substack.com"])
    written = params.load(tmp_path / "params.yaml")
    assert (written.author.id, written.author.name, written.author.language) == ("zoe-angstrom", "Zoë Ångström", "sv")
    assert not written.author.fictional and not written.collect.sample_site
    files, substack = written.sources
    assert (files.kind, files.path, files.register_as) == ("files", "my texts", "note")
    assert (substack.kind, substack.url) == ("substack", "https://zoe.substack.com")
    assert (tmp_path / "data" / "zoe-angstrom" / "inbox" / "my texts" / "one.md").read_text() == "# One\n\nhello 🫠\n"
    assert "# the choices" in (tmp_path / "params.yaml").read_text().lower()
    assert params.load(tmp_path / "params.previous.yaml").author.id == "juno-marsh"


def test_the_sample_comes_back(project: Settings, tmp_path: Path) -> None:
    texts = tmp_path / "a.jsonl"
    texts.write_text('{"text": "hello"}\n')
    init_author(project, "Someone", None, "en", None, [str(texts)])
    init_sample(project)
    assert params.load(tmp_path / "params.yaml").author.fictional
    names = sorted(p.name for p in (tmp_path / "data" / "juno-marsh" / "inbox").iterdir())
    assert names == ["linkedin_export.zip", "medium_export.zip"]


def test_nothing_is_changed_by_a_place_that_is_not_there(project: Settings, tmp_path: Path) -> None:
    before = (tmp_path / "params.yaml").read_text()
    with pytest.raises(SourceError, match=r"nowhere\.zip"):
        init_author(project, "Someone", None, "en", None, [str(tmp_path / "nowhere.zip")])
    assert (tmp_path / "params.yaml").read_text() == before
    assert not (tmp_path / "data").exists() or not list((tmp_path / "data").rglob("*.*"))


def test_what_cannot_be_copied_is_named_and_changes_nothing(project: Settings, tmp_path: Path) -> None:
    before = (tmp_path / "params.yaml").read_text()
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "one.md").write_text("hello")
    (texts / "gone.md").symlink_to(tmp_path / "nowhere.md")  # a link that leads nowhere holds no text
    os.mkfifo(texts / "pipe")
    with pytest.raises(SourceError, match="pipe"):
        init_author(project, "Someone", None, "en", None, [str(texts)])
    assert (tmp_path / "params.yaml").read_text() == before
    (texts / "pipe").unlink()
    init_author(project, "Someone", None, "en", None, [str(texts)])
    assert [p.name for p in (tmp_path / "data" / "someone" / "inbox" / "texts").iterdir()] == ["one.md"]


def test_a_name_without_letters_needs_an_id(project: Settings) -> None:
    with pytest.raises(ParamsError, match="--id"):
        slug("李白")


def test_the_command_line_says_what_is_missing(project: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--author", "Only A Name"]) == 2
    assert "--from" in capsys.readouterr().err
    assert replace(project).root.exists()


def test_pasted_text_is_a_source(project: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("One, two 🎉\n\n=====\n# Three\n\nFour\n"))
    assert main(["init", "--author", "Ann Lee", "--from", "-"]) == 0
    (source,) = params.load(tmp_path / "params.yaml").sources
    assert source.kind == "paste"
    with archive.opened(tmp_path / "data" / "ann-lee" / "inbox" / str(source.path), 1) as opened:
        texts = [item for item in paste.read_paste(opened, "ann-lee", datetime.now(UTC)) if isinstance(item, Document)]
    assert [(text.title, text.text) for text in texts] == [("", "One, two 🎉"), ("Three", "Four")]


def test_nothing_pasted_changes_nothing(project: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (tmp_path / "params.yaml").read_text()
    monkeypatch.setattr("sys.stdin", io.StringIO(" \n"))
    assert main(["init", "--author", "Ann Lee", "--from", "-"]) == 2
    assert (tmp_path / "params.yaml").read_text() == before
