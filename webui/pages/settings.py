"""Settings: the model and its adapters, privacy, tokens and keys; for the house's owner its authors and people, too."""

from __future__ import annotations

from functools import partial
from typing import Any

from nicegui import run, ui

from twin.errors import TwinError
from twin.params import Params
from twin.workspace import Workspace
from webui import parts, theme
from webui.access.door import Door
from webui.client import Client, adapters, commands, jobs, sources
from webui.client.adapters import EXPORTS, Adapters
from webui.pages import people, secrets

_MASKS = {
    "email": "Mail addresses", "phone": "Telephone numbers", "iban": "Bank accounts", "credit_card": "Credit cards",
    "ip": "Internet addresses", "secret": "Passwords and keys",
}  # fmt: skip
_PROVENANCES = {
    "own": "Your own words", "ai_assisted": "Written with an AI's help", "quoted": "Other people's words",
    "machine": "Made by a machine",
}  # fmt: skip
_CUTS = {"drop": "Leave it out", "mark": "Leave a mark […]", "keep": "Keep it"}


def register(door: Door) -> None:
    """Serve the page at `/settings`."""

    async def page() -> None:
        client = door.enter()
        with theme.frame(client, "/settings", "Settings", "What holds for this twin, and who may use it."):
            params, error = client.params_or_error()
            if error:
                parts.note("bad", error)
            if params is not None:
                work = client.workspace(params.author.id)
                _model(client, params)
                with parts.section("Adapters", "Each training makes a version. One of them writes."):
                    await parts.live(lambda: _look(client, work), lambda seen: _adapters(client, *seen), every=3.0)
                _privacy(client, params)
                secrets.tokens(client)
                if client.visitor.keeps_house:
                    secrets.keys(client)
            if client.visitor.keeps_house:
                people.authors(client)
                people.accounts(client, door)

    theme.page("/settings")(page)


def change(client: Client, values: dict[str, Any], done: str) -> bool:
    """Write choices into params.yaml and say so; False, with the reason on the page, when they can't be."""
    try:
        sources.change(client.settings.root / "params.yaml", values)
    except (TwinError, OSError) as error:
        ui.notify(str(error), type="negative", multi_line=True)
        return False
    ui.notify(done, type="positive", timeout=2500)
    return True


def _model(client: Client, params: Params) -> None:
    with parts.section("Base model", "What the twin's voice is laid over. Another one means training anew."):
        box = ui.input("Base model", value=params.train.base_model).props("outlined dense").classes("full")
        box.props('hint="bundled, a folder on this machine, or a Hugging Face id such as Qwen/Qwen2.5-0.5B-Instruct"')

        def save() -> None:
            name = (box.value or "").strip()
            if name:
                change(client, {"train.base_model": name}, "Kept. The next training begins from it.")

        with ui.element("div").classes("line").style("margin-top: 0.5rem"):
            parts.quiet("Save the base model", save)


def _look(client: Client, work: Workspace) -> tuple[Adapters, bool]:
    return adapters.look(client.settings, work), jobs.running(client.settings) is not None


def _adapters(client: Client, seen: Adapters, busy: bool) -> None:
    if not seen.writing and not seen.held:
        parts.text("None yet: the base model writes. The first training makes version 1.", "soft")
        return
    with ui.element("div").classes("rows"):
        if seen.held:
            words = " ".join(seen.reasons[:2]) or "It was not better than what writes now."
            with _version(f"Version {seen.held}", f"Held back by its gate. {words}"):
                parts.quiet("Promote it all the same", partial(_ask_promote, client, seen.held))
        if seen.writing:
            with _version(f"Version {seen.writing}", "Writes now"):
                parts.chip("Writes", "good")
        for version in seen.earlier:
            with _version(f"Version {version}", "Wrote before; its files are here"):
                parts.quiet("Let it write again", partial(_command, client, "rollback", "--version", version))
    with ui.element("div").classes("line"):
        button = ui.button("Export", color=None).classes("quiet").props("flat no-caps icon-right=o_expand_more")
        with button, ui.menu():
            for kind, words in EXPORTS.items():
                ui.menu_item(words, partial(_export, client, kind))
        button.set_enabled(not busy)
        if busy:
            ui.label("A job is running; see Home.").classes("soft small").props('role="status"')
    for kind, folder, size in seen.exported:
        parts.text(f"{kind}: {folder} ({size / 1e6:,.0f} MB)", "soft small pre")


def _version(title: str, words: str) -> ui.element:
    with ui.element("div").classes("row-item wraps"):
        with ui.element("div").classes("main"):
            ui.label(title).classes("title")
            ui.label(words).classes("under")
        return ui.element("div").classes("side")


def _ask_promote(client: Client, version: str) -> None:
    with parts.dialog() as box:
        parts.heading(2, f"Let version {version} write?")
        parts.text("Its gate found it no better, or worse, than what writes now. You can always go back.")
        with ui.element("div").classes("line"):

            async def go() -> None:
                box.close()
                await _command(client, "promote")

            parts.go("Promote it", go)
            parts.quiet("Not now", box.close)


async def _command(client: Client, *arguments: str) -> None:
    said = ui.notification("One moment…", spinner=True, timeout=None)
    try:
        words = await run.io_bound(commands.twin, client.settings, *arguments)
    except TwinError as error:
        said.dismiss()
        ui.notify(str(error), type="negative", multi_line=True)
        return
    said.dismiss()
    ui.notify(words or "Done", type="positive", timeout=3000)


def _export(client: Client, kind: str) -> None:
    try:
        jobs.export(client.settings, kind)
    except TwinError as error:
        ui.notify(str(error), type="warning")
        return
    ui.notify("Exporting. The folder is named here when it is done.", timeout=3000)


def _privacy(client: Client, params: Params) -> None:
    prepare = params.prepare
    with parts.section("Privacy", "What is taken out of your texts before anything learns from them."):
        parts.heading(3, "Masked wherever it stands")
        with ui.element("div").classes("line"):
            masks = {key: ui.checkbox(words, value=key in prepare.mask) for key, words in _MASKS.items()}
        parts.heading(3, "Learned from")
        with ui.element("div").classes("line"):
            whose = {key: ui.checkbox(words, value=key in prepare.provenances) for key, words in _PROVENANCES.items()}
        with ui.element("div").classes("line"):
            quotes = (
                ui.select(_CUTS, value=prepare.quotes, label="Quoted words").props("outlined dense").classes("grow")
            )
            code = ui.select(_CUTS, value=prepare.code, label="Code").props("outlined dense").classes("grow")
        contacts = ui.textarea("Never masked", value="\n".join(prepare.own_contacts)).classes("full")
        contacts.props('outlined autogrow hint="Your own public addresses and numbers, one a line"')
        prune = ui.switch("Forget what was deleted at its source", value=params.collect.prune)

        def save() -> None:
            learned = [key for key, box in whose.items() if box.value]
            if not learned:
                ui.notify("Something must be learned from: choose at least one.", type="warning")
                return
            values = {
                "prepare.mask": [key for key, box in masks.items() if box.value], "prepare.provenances": learned,
                "prepare.quotes": quotes.value, "prepare.code": code.value, "collect.prune": bool(prune.value),
                "prepare.own_contacts": [line.strip() for line in (contacts.value or "").splitlines() if line.strip()],
            }  # fmt: skip
            change(client, values, "Kept. It counts from the next run on.")

        with ui.element("div").classes("line"):
            parts.quiet("Save the privacy choices", save)
