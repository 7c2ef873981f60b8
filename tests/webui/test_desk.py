"""The desk goes on writing where the disk takes nothing, and says so."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from webui.client import desk, drafts
from webui.client.endpoint import Order


async def test_a_draft_on_a_full_disk_is_written_shown_and_said_to_be_unsaved(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stream(url: str, order: Order, key: str) -> Any:
        for piece in ("The tide ", "was late."):
            yield piece
        yield {"text": "The tide was late.", "scores": {}}

    def full(path: Path, value: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(desk.endpoint, "stream", stream)
    with monkeypatch.context() as disk:
        disk.setattr(drafts, "write_json", full)
        table = desk.Desk()
        writing = table.start(settings, Order(author="ada-reed", register="post", brief="tides"))
        assert writing.task is not None
        await writing.task
        assert (writing.state, writing.text) == ("done", "The tide was late.")
        assert "could not be saved (No space left on device): copy it" in writing.error
        assert table.version == 2, "the page is told that it has ended"
        with pytest.raises(OSError, match="No space"):
            table.judge(settings, writing.record())
        assert table.get(writing.id) is writing, "what is nowhere else stays in memory"
    table.judge(settings, writing.record())
    assert drafts.load(settings, "ada-reed", writing.id)["text"] == "The tide was late."  # type: ignore[index]
