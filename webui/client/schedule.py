"""Posts that wait for their time: one file each, sent by the running server once, never late by more than an hour."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twin.errors import DataError, TwinError
from twin.files import read_json, write_json
from twin.settings import Settings
from webui.client import linkedin, names

_LOOK_SECONDS = 15.0
_LATE_SECONDS = 3600.0


def folder(settings: Settings) -> Path:
    """Where they wait."""
    return settings.private / "schedule"


def add(settings: Settings, draft_id: str, text: str, at: float) -> dict[str, Any]:
    """Let a text be posted at `at` (Unix time). Raises DataError for a time that has passed."""
    if at <= time.time():
        raise DataError("that time has passed", time.strftime("%d %b %H:%M", time.localtime(at)), "Choose a later one.")
    item = {"id": names.fresh(), "draft": draft_id, "text": text, "at": at, "state": "waiting", "said": ""}
    _save(settings, item)
    return item


def listed(settings: Settings, draft_id: str = "") -> list[dict[str, Any]]:
    """All of them (or one draft's), soonest first; a file that can't be read is left out."""
    found = []
    for file in folder(settings).glob("*.json"):
        with contextlib.suppress(OSError, ValueError):
            found.append(read_json(file))
    return sorted((item for item in found if draft_id in ("", item["draft"])), key=lambda item: item["at"])


def cancel(settings: Settings, item_id: str) -> None:
    """Take one back."""
    (folder(settings) / f"{Path(item_id).name}.json").unlink(missing_ok=True)


async def run(every: Callable[[], list[Settings]]) -> None:
    """Send what is due of every author, for ever."""
    while True:
        for settings in every():
            await send_due(settings)
        await asyncio.sleep(_LOOK_SECONDS)


async def send_due(settings: Settings) -> None:
    """Send what is due now. `sending` is written first: a server that dies meanwhile must not post a second time."""
    for item in listed(settings):
        if item["state"] != "waiting" or item["at"] > time.time():
            continue
        if time.time() - item["at"] > _LATE_SECONDS:
            _save(settings, item | {"state": "missed", "said": "The twin did not run at that time. It was not posted."})
            continue
        _save(settings, item | {"state": "sending"})
        try:
            address = await linkedin.publish(settings, item["text"])
            _save(settings, item | {"state": "sent", "said": address})
        except TwinError as error:
            _save(settings, item | {"state": "failed", "said": str(error)})


def _save(settings: Settings, item: dict[str, Any]) -> None:
    write_json(folder(settings) / f"{item['id']}.json", item)
