"""The first visit: three steps, each with an example, and the sample author to try and to take away."""

from __future__ import annotations

from collections.abc import Callable

from nicegui import run, ui

from twin.errors import TwinError
from webui import parts
from webui.client import Client, sample

_STEPS = (
    ("Say who writes", "The name you write under.", "Ada Reed"),
    ("Hand over your writing", "A link, an export, or pasted text.", "https://ada.substack.com\nBasic_LinkedInDataExport.zip"),
    ("Ask for a draft", "A line on what it is about.", "Why I stopped planning more than two weeks ahead"),
)  # fmt: skip


def steps(now: int) -> None:
    """The three steps; those before `now` (from 0) are done."""
    with ui.element("ol").classes("steps").props('aria-label="Three steps to a draft"'):
        for number, (title, words, example) in enumerate(_STEPS):
            done = number < now
            with ui.element("li").classes("now" if number == now else "done" if done else "") as item:
                if number == now:
                    item.props("aria-current=step")
                parts.heading(2, f"{title} ✓" if done else title)
                if not done:
                    parts.text(words, "soft")
                    with ui.element("div").classes("example"):
                        ui.label(example)


def try_sample(client: Client) -> None:
    """The other way in: somebody else's texts, invented for this."""
    box = ui.element("div").classes("full")

    async def begin() -> None:
        button.props("loading")
        try:
            await run.io_bound(sample.begin, client.settings)
        except TwinError as error:
            button.props(remove="loading")
            box.clear()
            with box:
                parts.note("bad", str(error))
            return
        ui.navigate.to("/")

    with ui.element("div").classes("line"):
        parts.text("Only looking?", "soft")
        button = parts.quiet("Try the sample author", begin, icon="o_science")


def sample_note(client: Client, name: str, outside: bool, own: Callable[[], None]) -> None:
    """Says that the author is invented, with the two ways on."""
    first = name.split()[0]
    with (
        parts.note(
            "warn", f"{name} is invented, and so is everything {first} wrote. Look around, then begin your own."
        ),
        ui.element("div").classes("line"),
    ):
        parts.quiet("Start with my own writing", own)
        _remove(client, f"Remove {first}", outside)


def left_behind(client: Client) -> None:
    """The sample's files are still here though the twin is somebody's own now."""
    with parts.note("", "The sample author’s texts and models are still on this machine."):
        _remove(client, "Remove the sample", False)


def _remove(client: Client, label: str, outside: bool) -> None:
    async def remove() -> None:
        button.props("loading")
        try:
            await sample.remove(client.settings)
        except TwinError as error:
            button.props(remove="loading")
            ui.notify(str(error), type="warning", multi_line=True)
            return
        ui.navigate.to("/")

    button = parts.quiet(label, remove, icon="o_delete_sweep")
    if outside:
        button.disable()
        button.tooltip("Possible as soon as the work at the terminal has ended")
