"""Uploads: each is checked, lands whole in the author's inbox and is put into params.yaml."""

from __future__ import annotations

import filecmp
from pathlib import Path
from typing import Any, Protocol

from twin.files import replacing, write_text
from twin.workspace import Workspace
from webui.client import sources, state
from webui.client.sources import Found


class Upload(Protocol):
    """What NiceGUI hands over: a file in memory or on disk."""

    name: str

    async def save(self, path: str | Path) -> None:
        """Write the upload's bytes."""


class _SameFile(Exception):
    """The very same bytes are in the inbox already."""


async def receive(work: Workspace, upload: Upload) -> Found:
    """Take an upload in; raises SourceError with the mend when it can't be a source, and then leaves nothing behind."""
    first = sources.landing(work.inbox, upload.name)
    target = sources.free_name(first)
    try:
        with replacing(target) as fresh:
            await upload.save(fresh)
            found = sources.recognise_file(fresh, upload.name)
            if first.exists() and filecmp.cmp(fresh, first, shallow=False):
                raise _SameFile
    except _SameFile:
        target = first
        found = sources.recognise_file(first, upload.name)
    sources.add(work.params, found.entry)
    return found


def paste(work: Workspace, text: str) -> Found:
    """Put a pasted text into the inbox and the list; raises SourceError when there are no words in it."""
    name, found = sources.pasted(text)
    write_text(work.inbox / name, text)
    sources.add(work.params, found.entry)
    return found


def found_last(work: Workspace) -> dict[str, dict[str, Any]]:
    """What the last collection wrote about each source in `sources.json`, by its id; empty when there was none."""
    records = state.read(work.raw / "sources.json").get("sources")
    return {str(r.get("id")): r for r in records if isinstance(r, dict)} if isinstance(records, list) else {}
