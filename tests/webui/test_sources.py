"""Sources: links and files are recognised, land in the inbox and in params.yaml, and errors stand where they belong."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from nicegui import ui
from nicegui.elements.upload_files import SmallFileUpload

from twin import params
from twin.errors import SourceError
from twin.files import write_json
from webui.client import inbox, sources
from webui.client.sources import recognise_link


@pytest.mark.parametrize(
    ("link", "entry"),
    [
        ("https://github.com/ada", {"kind": "github", "user": "ada"}),
        (" github.com/ada/engine ", {"kind": "github", "user": "ada"}),
        ("https://ada.substack.com/p/one", {"kind": "substack", "url": "https://ada.substack.com"}),
        ("https://medium.com/@ada/a-story-0123456789ab", {"kind": "medium", "user": "ada"}),
        ("ada.medium.com", {"kind": "medium", "user": "ada"}),
        ("https://ada.example/feed.xml", {"kind": "rss", "url": "https://ada.example/feed.xml"}),
        ("http://127.0.0.1:8000/feed", {"kind": "rss", "url": "http://127.0.0.1:8000/feed"}),
    ],
)
def test_a_link_is_recognised(link: str, entry: dict[str, str]) -> None:
    assert recognise_link(link).entry == entry


@pytest.mark.parametrize(
    "link",
    ["", "hello", "two words", "https://", "https://github.com", "https://medium.com/tag/tea", "javascript:alert(1)",
     "ftp://ada.example/feed", "https://de.linkedin.com/in/ada", "https://[::1", "https://ada.example:99999/"],
)  # fmt: skip
def test_a_link_that_is_no_source_is_refused_with_a_mend(link: str) -> None:
    with pytest.raises(SourceError) as refused:
        recognise_link(link)
    assert refused.value.mend


def archive(*names: str) -> bytes:
    """A ZIP with these entries."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name in names:
            made.writestr(name, "text")
    return out.getvalue()


FILES = {
    "Basic_LinkedInDataExport.zip": (archive("Shares.csv", "Profile.csv", "messages.csv"), "linkedin"),
    "medium-export.zip": (archive("README.html", "posts/2024-01-01_Tea-0123456789ab.html"), "medium"),
    "substack.zip": (archive("posts.csv", "posts/1.tea.html", "email_list.x.csv"), "substack"),
    "notes.zip": (archive("a.md", "b/c.txt"), "files"),
    "tea.md": (b"# Tea\n", "files"),
    "texts.jsonl": (b'{"text": "tea"}\n', "jsonl"),
    "outbox.json": (b'{"orderedItems": []}', "mastodon"),
    "site.wxr": (b"<rss xmlns:wp='http://wordpress.org/export/1.2/'/>", "wordpress"),
    "2024-01-01_Tea.html": (b'<section data-field="body" class="e-content"><p>a</p></section>', "files"),
}


@pytest.mark.parametrize("name", FILES)
async def test_an_upload_lands_whole_in_the_inbox_and_in_params(name: str, tmp_path: Path, world: Any) -> None:
    data, kind = FILES[name]
    work = world.project(tmp_path, params=world.PARAMS.replace("  - kind: files\n    path: texts\n", "  []\n"))
    await inbox.receive(work, SmallFileUpload(name, "", data))
    found = params.load(work.params).sources
    assert [spec.kind for spec in found] == [kind]
    landed = work.inbox / str(found[0].path)
    assert (landed / name if landed.is_dir() else landed).read_bytes() == data


@pytest.mark.parametrize(
    ("name", "data"), [("x.zip", b"PK\x03\x04 cut"), ("x.zip", archive("photo.jpg")), ("x.exe", b"MZ"), ("..", b"x")]
)
async def test_an_upload_of_another_kind_leaves_nothing_behind(
    name: str, data: bytes, tmp_path: Path, world: Any
) -> None:
    work = world.project(tmp_path)
    with pytest.raises(SourceError):
        await inbox.receive(work, SmallFileUpload(name, "", data))
    assert not work.inbox.exists() or not list(work.inbox.rglob("*"))
    assert work.params.read_text() == world.PARAMS


async def test_the_same_upload_twice_is_one_and_another_of_its_name_is_kept_beside(tmp_path: Path, world: Any) -> None:
    work = world.project(tmp_path)
    for data in (b'{"text": "a"}', b'{"text": "a"}', b'{"text": "b"}'):
        await inbox.receive(work, SmallFileUpload("../../t.jsonl", "", data))
    assert sorted(f.name for f in work.inbox.iterdir()) == ["t-2.jsonl", "t.jsonl"]
    assert [spec.path for spec in params.load(work.params).sources] == ["texts", "t.jsonl", "t-2.jsonl"]


def test_comments_in_params_are_kept_and_nothing_is_added_twice(tmp_path: Path, world: Any) -> None:
    work = world.project(tmp_path)
    entry = {"kind": "github", "user": "ada"}
    assert sources.add(work.params, entry) and not sources.add(work.params, entry)
    text = work.params.read_text()
    assert text.startswith(world.PARAMS) and text.endswith("  - kind: github\n    user: ada\n")
    sources.remove(work.params, 1, entry)
    assert work.params.read_text() == world.PARAMS
    with pytest.raises(SourceError, match="changed meanwhile"):
        sources.remove(work.params, 0, entry)


async def test_a_pasted_link_is_added_and_a_wrong_one_explained(settings: Any, world: Any, visit: Any) -> None:
    work = world.project(settings.root)
    user = await visit(settings)
    await user.open("/sources")
    user.find("Paste a link").type("https://www.linkedin.com/in/ada")
    user.find("Add link").click()
    await user.should_see("LinkedIn's terms forbid")
    user.find("Paste a link").clear().type("github.com/ada")
    user.find("Add link").click()
    await user.should_see("GitHub · ada was added.")
    assert params.load(work.params).sources[-1].user == "ada"


async def test_an_upload_through_the_page_is_answered(settings: Any, world: Any, visit: Any) -> None:
    work = world.project(settings.root)
    user = await visit(settings)
    await user.open("/sources")
    upload = next(iter(user.find(ui.upload).elements))
    await upload.handle_uploads([SmallFileUpload("li.zip", "", FILES["Basic_LinkedInDataExport.zip"][0])])
    await user.should_see("LinkedIn · li.zip was added.")
    await upload.handle_uploads([SmallFileUpload("photo.png", "", b"x")])
    await user.should_see("Nothing readable was found: photo.png (it holds 1 × .png)")
    assert (work.inbox / "li.zip").exists()


async def test_a_pasted_text_is_added(settings: Any, world: Any, visit: Any) -> None:
    work = world.project(settings.root)
    user = await visit(settings)
    await user.open("/sources")
    user.find("Add text").click()
    await user.should_see("There is no text yet")
    user.find("Paste a text").type("One 🎉\n\ntwo")
    user.find("Add text").click()
    await user.should_see("Pasted text was added.")
    source = params.load(work.params).sources[-1]
    assert source.kind == "paste"
    assert (work.inbox / str(source.path)).read_text(encoding="utf-8") == "One 🎉\n\ntwo"


async def test_what_was_found_and_what_failed_stand_at_the_source(settings: Any, world: Any, visit: Any) -> None:
    work = world.project(settings.root)
    sources.add(work.params, {"kind": "rss", "url": "https://ada.example/feed"})
    write_json(work.raw / "sources.json", {"sources": [{"id": "files:texts", "kept": 12, "skipped": {"a draft": 2}}]})
    world.say(
        settings, "collect", "failed", error="source 2 (rss https://ada.example/feed): no answer: 30 s. Check it."
    )
    user = await visit(settings)
    await user.open("/sources")
    await user.should_see("12 texts")
    await user.should_see("Set aside: 2 × a draft")
    await user.should_see("no answer: 30 s. Check it.")


async def test_nobody_can_mix_their_texts_with_the_sample(settings: Any, world: Any, visit: Any) -> None:
    world.project(settings.root, params=world.PARAMS.replace("name: Ada Reed", "name: Ada Reed\n  fictional: true"))
    user = await visit(settings)
    await user.open("/sources")
    await user.should_see("must not mix")
    await user.should_not_see("Paste a link")


def test_beginning_keeps_every_other_choice(tmp_path: Path, world: Any) -> None:
    world.project(
        tmp_path, params=world.PARAMS + "collect:\n  sample_site: true  # only for the sample\n  delay_seconds: 3\n"
    )
    made = sources.begin(tmp_path / "params.yaml", "Møller, J.")
    assert (made.author.name, made.author.fictional, made.sources) == ("Møller, J.", False, ())
    assert made.collect.sample_site is False and made.collect.delay_seconds == 3
    assert "# only for the sample" in (tmp_path / "params.yaml").read_text()
    assert json.dumps(made.as_dict())
