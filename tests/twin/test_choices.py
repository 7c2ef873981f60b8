"""A person's word on a text: it reruns prepare and what follows alone, outlives a new collection, and is checked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twin import choices, tables
from twin.choices import Choice
from twin.cli import main
from twin.errors import DataError
from twin.files import read_json, write_text
from twin.workspace import Workspace

ROOT = Path(__file__).parents[2]
PARAMS = """\
author: {id: ann, name: Ann}
sources: [{kind: files, path: texts}]
validate: {min_words: 20}
"""


@pytest.fixture
def space(tmp_path, monkeypatch):
    monkeypatch.setenv("TWIN_ROOT", str(tmp_path))
    monkeypatch.setenv("TWIN_HOME", str(tmp_path / ".twin"))
    write_text(tmp_path / "params.yaml", PARAMS)
    made = Workspace(tmp_path, "ann")
    for n in range(4):
        words = " ".join(f"pier{n}{letter} and boat{n}{letter}" for letter in "abcdefgh")
        write_text(made.inbox / "texts" / f"{n}.md", f"# Day {n}\n\nOn this day {words} went out together.\n")
    return made


def kept(space):
    return dict(zip(*(tables.read(space.documents / tables.DOCUMENTS)[c] for c in ("id", "register")), strict=True))


def test_it_holds_in_prepare_and_after_a_new_collection(space):
    assert main(["collect"]) == 0
    assert read_json(space.choices) == {}
    choices.change(space.choices, "files:texts/1.md", provenance="ai_assisted")
    choices.change(space.choices, "files:texts/2.md", register="note")
    choices.change(space.choices, "files:texts/3.md", by="Bo Ek")
    for _ in range(2):
        assert main(["collect"]) == 0
        assert main(["prepare"]) == 0
        found = kept(space)
        assert set(found) == {"files:texts/0.md", "files:texts/2.md"}
        assert found["files:texts/2.md"] == "note"
        rejected = tables.read(space.documents / tables.REJECTED)
        assert dict(zip(rejected["id"], rejected["reason"], strict=True)) == {
            "files:texts/1.md": "provenance is ai_assisted",
            "files:texts/3.md": "written by someone else, as you said",
        }
        assert read_json(space.documents / "report.json")["decided_by_you"] == 3


def test_a_changed_choice_is_not_a_reason_to_collect_again():
    import yaml

    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    mine = "data/${author.id}/choices.json"
    assert [name for name, stage in stages.items() if mine in stage["deps"]] == ["prepare"]


def test_what_says_nothing_more_leaves_the_file(tmp_path):
    path = choices.ensure(tmp_path / "choices.json")
    choices.change(path, "a", provenance="machine", excluded=True)
    choices.change(path, "b", register="note")
    assert choices.change(path, "a", excluded=False) == Choice(provenance="machine")
    assert choices.change(path, "a", provenance=None) == Choice()
    assert json.loads(path.read_text()) == {"b": {"register": "note"}}
    assert choices.ensure(path) == path and choices.drop(path, ["b", "c"]) == 1
    assert choices.read(path) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": {"provenance": "stolen"}}', "provenance of a"),
        ('{"a": {"colour": "red"}}', "colour"),
        ('{"a": 3}', "a holds what is not known"),
        ("[]", "holds no mapping"),
        ("{", "can't be read"),
    ],
)
def test_a_file_that_makes_no_sense_names_the_place(text, words, tmp_path):
    path = tmp_path / "choices.json"
    path.write_text(text)
    with pytest.raises(DataError, match=words):
        choices.read(path)
