"""Accepted edits: one a draft, also when the server died between the pair and the record."""

from __future__ import annotations

from typing import Any

from twin.workspace import Workspace
from webui.client import edits


def test_a_draft_accepted_again_after_a_kill_holds_one_pair(settings: Any) -> None:
    space = Workspace(settings.root, "ada-reed")
    record = {"id": "d1", "text": "As written.", "order": {"brief": "tea", "register": "post"}, "draft": {}}
    edits.accept(space, dict(record), "As I say it.")  # its record was never kept
    edits.accept(space, {**record, "id": "d2"}, "Another draft, with the same words.")
    edits.accept(space, dict(record), "As I say it now.")
    assert sorted(pair["chosen"] for pair in edits.pairs(space)) == [
        "Another draft, with the same words.",
        "As I say it now.",
    ]
