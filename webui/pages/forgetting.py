"""Forgetting from a page: what would go is shown before anything is touched, and what has learned from it is named."""

from __future__ import annotations

from nicegui import run, ui

from twin.errors import TwinError
from webui import parts
from webui.client import Client, jobs

_LOOK_SECONDS = 1.0


def dialog(client: Client, kind: str, identity: str, title: str, typed: str = "") -> None:
    """Ask in a dialog whether to forget a document, a source or an author; `typed` must be typed in first, if given."""
    with parts.dialog() as box:
        parts.heading(2, title)
        place = ui.element("div").classes("stack full").props('aria-live="polite"')
        with ui.element("div").classes("line"):
            parts.quiet("Keep it", box.close)
        ui.timer(0.05, lambda: plan(client, kind, identity, place, box, typed), once=True)


async def plan(client: Client, kind: str, identity: str, place: ui.element, box: ui.dialog, typed: str = "") -> None:
    """Fill `place` with what would go, and with the button that lets it go; `box` closes when that has begun."""
    place.clear()
    with place:
        parts.text("Looking at what there is of it …", "soft small")
    known, words = await run.io_bound(jobs.forget_preview, client.settings, kind, identity)
    place.clear()
    with place:
        parts.note("warn" if known else "bad", words, "This goes for good" if known else "")
        if not known:
            return
        adapters = None
        if kind != "author":
            adapters = ui.checkbox("Remove the adapters, too, that have learned from it")

        def forget() -> None:
            try:
                job = jobs.forget(client.settings, kind, identity, bool(adapters and adapters.value))
            except TwinError as error:
                ui.notify(str(error), type="warning")
            else:
                ui.notify("Forgetting has begun.")
                _watch(client, job)
            box.close()

        if typed:
            said = ui.input(f"Type {typed} to go on").props("outlined dense autocomplete=off").classes("full")
        button = parts.go("Forget it", forget, icon="o_delete_forever")
        if typed:
            button.bind_enabled_from(said, "value", lambda value: (value or "").strip() == typed)


def _watch(client: Client, job: jobs.Job) -> None:
    """Say how it ended, and show the page anew: what it lists may be gone."""

    def look() -> None:
        now = jobs.latest(client.settings, jobs.FORGET)
        if now is None or now.id != job.id or now.state == "running":
            return
        timer.cancel()
        if now.state == "done":
            ui.run_javascript("window.location.reload()")
        else:
            ui.notify(f"It was not forgotten: {jobs.tail(now, 1) or now.state}", type="warning", timeout=0)

    with ui.context.client.content:
        timer = ui.timer(_LOOK_SECONDS, look)
