"""The desk: drafts that are being written belong to the server, not to a tab, so a reload finds them again."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from twin.errors import TwinError
from twin.settings import Settings
from webui.client import drafts, endpoint, names
from webui.client.endpoint import Order, Passed

_SAVE_SECONDS = 1.0


@dataclass(slots=True)
class Writing:
    """A draft on its way. `state`: writing, done, failed, stopped. `draft` is the service's record at the end."""

    id: str
    order: Order
    state: str = "writing"
    text: str = ""
    steps: list[Passed] = field(default_factory=list)
    error: str = ""
    draft: dict[str, Any] = field(default_factory=dict)
    started_at: float = field(default_factory=time.time)
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    task: asyncio.Task[None] | None = None

    def record(self) -> dict[str, Any]:
        """What is kept on disk."""
        return {
            "id": self.id, "order": asdict(self.order), "state": self.state, "text": self.text, "error": self.error,
            "draft": self.draft, "started_at": self.started_at, "seconds": self.seconds,
        }  # fmt: skip


class Desk:
    """All drafts being written by this server; `version` changes when one begins or ends."""

    def __init__(self) -> None:
        self.version = 0
        self._writings: dict[str, Writing] = {}

    def start(self, settings: Settings, order: Order) -> Writing:
        """Begin a draft in the background; needs a running event loop."""
        name = names.fresh()
        writing = Writing(id=name, order=order)
        self._writings[name] = writing
        self._keep(settings, writing)
        writing.task = asyncio.get_running_loop().create_task(self._write(settings, writing))
        self.version += 1
        return writing

    def get(self, draft_id: str) -> Writing | None:
        """A draft that this server is writing or wrote a moment ago."""
        return self._writings.get(draft_id)

    def current(self, author: str) -> Writing | None:
        """The author's newest draft that is still being written."""
        mine = [w for w in self._writings.values() if w.order.author == author and w.state == "writing"]
        return mine[-1] if mine else None

    def judge(self, settings: Settings, record: dict[str, Any]) -> None:
        """Keep a finished draft's record as a person changed it; what this server still holds of it is let go."""
        drafts.save(settings, record["order"]["author"], record)
        self._writings.pop(record["id"], None)
        self.version += 1

    def stop(self, draft_id: str) -> None:
        """Stop writing; what is there is kept."""
        writing = self._writings.get(draft_id)
        if writing and writing.task and writing.state == "writing":
            writing.task.cancel()

    async def _write(self, settings: Settings, writing: Writing) -> None:
        saved = time.monotonic()
        try:
            async for piece in endpoint.stream(settings.endpoint_url, writing.order, settings.api_key):
                if isinstance(piece, str):
                    writing.text += piece
                elif isinstance(piece, Passed):
                    writing.steps.append(piece)
                else:
                    writing.draft = piece
                    writing.text = str(piece.get("text") or writing.text)
                if time.monotonic() - saved > _SAVE_SECONDS:
                    saved = time.monotonic()
                    self._keep(settings, writing)
            writing.state = "done" if writing.text.strip() else "failed"
            writing.error = "" if writing.text.strip() else "The model wrote nothing. Say a little more in the brief."
        except asyncio.CancelledError:
            writing.state = "stopped"
        except TwinError as error:
            writing.state, writing.error = "failed", str(error)
        except Exception as error:  # Whatever it was, the page must say so: no one waits on this task.
            writing.state, writing.error = "failed", f"{type(error).__name__}: {error}"
        finally:
            writing.seconds = time.monotonic() - writing.began
            if lost := self._keep(settings, writing):
                writing.error = f"{writing.error} {lost}".strip()
            self.version += 1
            self._forget_old()

    def _keep(self, settings: Settings, writing: Writing) -> str:
        """Save what is there; where the disk takes nothing, the writing goes on and this says what is lost."""
        try:
            drafts.save(settings, writing.order.author, writing.record())
        except OSError as error:
            return f"It could not be saved ({error.strerror}): copy it before you leave. Free some space."
        return ""

    def _forget_old(self) -> None:
        done = [name for name, w in self._writings.items() if w.state != "writing"]
        for name in done[:-20]:
            del self._writings[name]
