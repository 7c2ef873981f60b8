"""Preference pairs keep their rules: whole training texts, like lengths, no degenerate side, the person's own edits."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from twin.errors import DataError
from twin.files import write_text
from twin.training.preference_pairs import EDIT, Found, Pair, Rules, take_edits, wanted

CHOSEN = "the pager rang at two and nobody knew why it did"
EDITED = {"brief": "the pager", "register": "post", "rejected": "A pager is a device.", "chosen": CHOSEN, "at": "1"}


def words(text: str) -> int:
    return len(text.split())


RULES = Rules(size=words, loops=lambda text: "again again" in text, copied=lambda text: "stolen" in text)


def pair(chosen: str, rejected: str) -> Pair:
    return Pair(document_id="files:1", source="base", messages=[], chosen=chosen, rejected=rejected)


@pytest.mark.parametrize(
    ("rejected", "ended", "reason"),
    [
        ("a text of eleven words that says nothing of the boat", True, ""),
        ("a text of nine words, which is near enough", True, ""),
        (" \n", True, "empty"),
        ("a text of eleven words that was cut off in the", False, "length"),
        ("far too short", True, "length"),
        ("this one goes on and on and on for more words than it may have beside the other", True, "length"),
        ("it is said again again and again again and so on", True, "loops"),
        ("a text of eleven words of which some have been stolen", True, "copied"),
    ],
)
def test_what_may_stand_against_a_text(rejected: str, ended: bool, reason: str) -> None:
    found, why = RULES.against(pair(CHOSEN, rejected), ended)
    assert why == reason and found.ends and found.chosen == CHOSEN
    assert RULES.most(CHOSEN) == 13


LINES = "The pager rang at two.\n\nNobody knew why it did. We slept again, badly. Then it rang."


def test_texts_of_unlike_length_are_cut_at_a_sentence() -> None:
    broken_off = "A pager is a thing. It rings at night for some. And then it"
    found, why = RULES.against(pair(LINES, broken_off), ended=False)
    assert (why, found.ends) == ("", False)
    assert found.chosen == "The pager rang at two.\n\nNobody knew why it did."
    assert found.rejected == "A pager is a thing. It rings at night for some."
    fitting = "A pager is a thing that rings. It rings at night. It is loud and small."
    found, why = RULES.against(pair(LINES, fitting + " It rings again." * 6), ended=True)
    assert (why, found.chosen, found.rejected, found.ends) == ("", LINES, fitting, False)


def test_too_little_left_is_no_pair() -> None:
    assert RULES.against(pair(LINES, "A pager is a thing. It rings at night for no"), ended=False)[1] == "length"


def test_only_whole_training_texts_are_asked_for_again() -> None:
    rows = [
        {"document_id": f"files:{n}", "split": split, "kind": kind, "ends": ends, "completion": f"text {n}",
         "messages": json.dumps([{"role": "user", "content": f"About: {n}"}])}
        for n, (split, kind, ends) in enumerate(
            [("train", "brief", True)] * 6
            + [("train", "brief", False), ("train", "facts", True), ("validation", "brief", True), ("test", "brief", True)]
        )
    ]  # fmt: skip
    found = wanted(pd.DataFrame(rows), 100, 7)
    assert [one.text for one in found] == [f"text {n}" for n in range(6)]
    few = wanted(pd.DataFrame(rows), 3, 7)
    assert len(few) == 3 and few == wanted(pd.DataFrame(rows), 3, 7)
    assert few[0].messages[0]["content"].startswith("About: ")


def edits(path: Path, *found: dict[str, str]) -> Found:
    write_text(path, "".join(json.dumps(edit) + "\n" for edit in found))
    taken = Found()
    take_edits(path, "Ann", taken, held_out=lambda t: "newest" in t, personal=lambda t: "@" in t)
    return taken


def test_a_draft_gives_way_to_what_was_made_of_it(tmp_path: Path) -> None:
    found = edits(
        tmp_path / "pairs.jsonl",
        EDITED,
        {**EDITED, "at": "2", "chosen": "my newest post, word for word"},
        {**EDITED, "at": "3", "chosen": "write to ann@wren.example"},
        {**EDITED, "at": "4", "chosen": EDITED["rejected"] + "\n"},
        {**EDITED, "at": "5", "rejected": " "},
    )
    (pair,) = found.pairs
    assert (pair.chosen, pair.rejected, pair.source, pair.document_id) == (CHOSEN, EDITED["rejected"], EDIT, "edit:1")
    assert "You are Ann" in pair.messages[0]["content"] and "About: the pager" in pair.messages[-1]["content"]
    assert found.counts == {
        "edit_kept": 1, "edit_held_out": 1, "edit_personal": 1, "edit_unchanged": 1, "edit_empty": 1,
    }  # fmt: skip


def test_no_edits_and_a_broken_line(tmp_path: Path) -> None:
    found = Found()
    take_edits(tmp_path / "none.jsonl", "Ann", found, held_out=lambda _: False, personal=lambda _: False)
    assert not found.pairs and not found.counts
    with pytest.raises(DataError, match=r"edits can't be read.*poem"):
        edits(tmp_path / "pairs.jsonl", {**EDITED, "register": "poem"})
