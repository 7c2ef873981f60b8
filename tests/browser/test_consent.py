"""A real Chromium on a person's word: a source forgotten for good, a text tagged and the tag kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from twin import choices
from twin.cli import main
from twin.files import write_text

pytestmark = pytest.mark.browser


def test_a_source_is_forgotten_after_a_look_at_what_goes(
    serve: Any, tab: Any, world: Any, tmp_path: Any, monkeypatch: Any
) -> None:
    settings = world.settings_for(tmp_path)
    work = world.project(tmp_path, params=world.PARAMS + "  - kind: jsonl\n    path: notes.jsonl\n")
    monkeypatch.setenv("TWIN_ROOT", str(tmp_path))
    monkeypatch.setenv("TWIN_HOME", str(settings.home))
    write_text(work.inbox / "texts" / "kettle.md", "# Kettle\n\nThe kettle broke again, and nobody had tea.\n")
    write_text(work.inbox / "notes.jsonl", json.dumps({"id": "n", "text": "The harbour master sleeps at noon."}))
    assert main(["collect"]) == 0
    page = tab()
    page.goto(f"{serve(settings).url}/sources")
    page.locator("button[aria-label^='Consent and forgetting'][aria-label$='notes.jsonl']").click()
    page.get_by_role("button", name="Forget this source").click()
    page.get_by_text("data/ada-reed/inbox/notes.jsonl: the file you handed in").wait_for(timeout=60_000)
    assert (work.inbox / "notes.jsonl").exists()
    page.get_by_role("button", name="Forget it").click()
    page.get_by_text("1 source", exact=True).wait_for(timeout=60_000)
    assert not (work.inbox / "notes.jsonl").exists()
    assert (work.inbox / "texts" / "kettle.md").exists()


def test_a_text_tagged_as_written_with_an_ai_stays_so(serve: Any, tab: Any, world: Any, tmp_path: Any) -> None:
    work = world.project(tmp_path, documents=3)
    page = tab()
    page.goto(f"{serve(world.settings_for(tmp_path)).url}/library")
    for tagged in (False, True):
        page.get_by_role("button", name="Text number 1.").click()
        page.get_by_text("What this text is").click()
        if tagged:
            page.get_by_role("dialog").get_by_text("Written with an AI's help").wait_for()
            break
        page.get_by_label("Whose words").click()
        page.get_by_role("option", name="Written with an AI's help").click()
        page.get_by_text("Noted. It counts from the next run on.").wait_for()
        page.reload()
    assert choices.read(work.choices)["files:1"].provenance == "ai_assisted"


def test_a_text_and_then_its_author_are_forgotten(
    serve: Any, tab: Any, world: Any, tmp_path: Any, monkeypatch: Any
) -> None:
    settings = world.settings_for(tmp_path)
    sources = "  - kind: jsonl\n    path: notes.jsonl\nvalidate: {min_words: 10}\n"
    work = world.project(tmp_path, params=world.PARAMS + sources)
    monkeypatch.setenv("TWIN_ROOT", str(tmp_path))
    monkeypatch.setenv("TWIN_HOME", str(settings.home))
    words = "The kettle of flat nineteen broke again, and nobody had tea before the inspector came to look at the lift."
    write_text(work.inbox / "texts" / "kettle.md", f"# Kettle\n\n{words}\n")
    write_text(work.inbox / "texts" / "lift.md", f"# Lift\n\n{words.replace('e', 'o')}\n")
    write_text(work.inbox / "notes.jsonl", json.dumps({"id": "n", "text": words}))
    assert main(["collect"]) == 0
    assert main(["prepare"]) == 0
    page, url = tab(), serve(settings).url
    page.set_default_timeout(60_000)
    page.goto(f"{url}/library")
    page.get_by_role("button", name="Duplicates · 1").click()
    page.get_by_role("button", name="A near-duplicate of “Kettle” · files").click()
    page.get_by_role("button", name="Read the one that was kept").click()
    page.get_by_text("Its copies were merged into it:").wait_for()
    # The copy's own page may still be fading out below the one that was asked for.
    page.get_by_role("button", name="Forget this text").last.click()
    page.get_by_text("data/ada-reed/inbox/texts/kettle.md: the file you handed in").wait_for()
    assert (work.inbox / "texts" / "kettle.md").exists()
    page.get_by_role("button", name="Forget it").click()
    page.get_by_role("button", name="Duplicates · 1").wait_for(state="detached")
    page.get_by_text("1–1 of 1").wait_for()
    assert not (work.inbox / "texts" / "kettle.md").exists()
    # What the page leaves behind does not name it.
    assert not [p for p in (settings.home / "jobs").iterdir() if "kettle" in p.read_text().casefold()]
    page.goto(f"{url}/sources")
    page.get_by_role("button", name="Forget Ada Reed").click()
    page.get_by_text("all of data/ada-reed").wait_for()
    assert page.get_by_role("button", name="Forget it").is_disabled()
    page.get_by_label("Type ada-reed to go on").fill("ada-reed")
    page.get_by_role("button", name="Forget it").click()
    page.get_by_text("2 sources", exact=True).wait_for()
    page.get_by_role("button", name="Forget Ada Reed").wait_for(state="detached")
    assert not work.raw.parent.exists()
