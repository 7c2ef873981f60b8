"""Edits become preference pairs; posts go to LinkedIn's own interface, now or when their time has come."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from twin.errors import DataError, NetworkError
from twin.settings import Settings
from twin.workspace import Workspace
from webui.client import edits, linkedin, schedule


def record(**more: Any) -> dict[str, Any]:
    draft = {"text": "One two three.", "adapter": "ada-reed@2"}
    return {
        "id": "d1", "text": "One two three.", "draft": draft, "order": {"brief": "numbers", "register": "post"}, **more,
    }  # fmt: skip


def pairs(space: Workspace) -> list[dict[str, Any]]:
    file = space.edits / edits.PAIRS
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def test_an_accepted_edit_is_one_pair_however_often_it_is_edited(settings: Settings) -> None:
    space, kept = Workspace(settings.root, "ada-reed"), record()
    assert not edits.accept(space, kept, "One two three.") and pairs(space) == []
    assert edits.accept(space, kept, "One. Two. Three.")
    assert edits.accept(space, kept, "1. 2. 3.")
    (pair,) = pairs(space)
    assert set(pair) == {"brief", "register", "rejected", "chosen", "adapter", "at", "draft"}
    assert (pair["rejected"], pair["chosen"], pair["adapter"]) == ("One two three.", "1. 2. 3.", "ada-reed@2")
    assert kept["verdict"] == "accepted" and kept["text"] == "1. 2. 3."
    edits.reject(space, kept)
    assert pairs(space) == [] and kept["verdict"] == "rejected"
    with pytest.raises(DataError, match="no text to accept"):
        edits.accept(space, kept, "  ")


def test_differences_are_in_words() -> None:
    found = edits.differences("the old tea", "the new tea")
    assert found == [("same", "the "), ("gone", "old"), ("new", "new"), ("same", " tea")]


async def test_a_post_goes_out_in_the_persons_name(settings: Settings, site: Any) -> None:
    settings = replace(settings, linkedin_url=site.url)
    with pytest.raises(NetworkError, match="no LinkedIn token"):
        await linkedin.publish(settings, "Tea")
    linkedin.keep_token(settings, " good ")
    kept = settings.home / "tokens.json"
    assert kept.stat().st_mode & 0o077 == 0 and "good" not in kept.read_text()
    address = await linkedin.publish(settings, "**Tea** (hot) #tea")
    assert address == "https://www.linkedin.com/feed/update/urn:li:share:7/"
    path, headers, body = site.asked[0]
    assert (path, headers["X-Restli-Protocol-Version"]) == ("/rest/posts", "2.0.0") and headers["LinkedIn-Version"]
    assert body["author"] == "urn:li:person:abc" and body["commentary"] == r"Tea \(hot\) #tea"
    with pytest.raises(NetworkError, match="this is 1 over"):
        await linkedin.publish(settings, "a" * 3001)
    linkedin.keep_token(settings, "bad")
    with pytest.raises(NetworkError, match="refuses the token"):
        await linkedin.publish(settings, "Tea")


async def test_a_scheduled_post_is_sent_once_and_a_missed_one_never(settings: Settings, site: Any) -> None:
    settings = replace(settings, linkedin_url=site.url)
    linkedin.keep_token(settings, "good")
    with pytest.raises(DataError, match="has passed"):
        schedule.add(settings, "d1", "Tea", time.time() - 5)
    due = schedule.add(settings, "d1", "Tea", time.time() + 0.05)
    late = schedule.add(settings, "d1", "Coffee", time.time() + 0.05)
    schedule.add(settings, "d2", "Later", time.time() + 999)
    schedule._save(settings, late | {"at": time.time() - 7200})
    time.sleep(0.1)
    await schedule.send_due(settings)
    await schedule.send_due(settings)
    states = {item["text"]: item["state"] for item in schedule.listed(settings)}
    assert states == {"Tea": "sent", "Coffee": "missed", "Later": "waiting"}
    assert [body["commentary"] for _, _, body in site.asked] == ["Tea"]
    schedule.cancel(settings, due["id"])
    assert len(schedule.listed(settings)) == 2
