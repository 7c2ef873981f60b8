"""The settings' secrets: platform tokens, which are kept encrypted, and clients' keys to the endpoint."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from nicegui import run, ui

from twin import vault
from twin.errors import TwinError
from webui import parts
from webui.client import Client, commands, state

_TOKENS = {
    "github": ("GitHub", "GITHUB_TOKEN", "Reads discussions and comments, and more an hour; no scope is needed."),
    "linkedin": ("LinkedIn, reading", "LINKEDIN_TOKEN", "Reads your own data by the Member Snapshot API (r_dma_portability_self_serve)."),
    "linkedin_post": ("LinkedIn, posting", "LINKEDIN_POST_TOKEN", "Posts a draft when you say so (openid, profile, w_member_social)."),
}  # fmt: skip
OWN_CLIENT = "web-interface"


def tokens(client: Client) -> None:
    """The card of platform tokens: they are written, never shown again."""
    with parts.section(
        "Platform tokens", "Kept encrypted on this machine. A token is never shown again, only replaced."
    ):
        box = ui.element("div").classes("rows")

    def draw() -> None:
        box.clear()
        try:
            kept = vault.kept(client.settings)
        except TwinError as error:
            with box:
                parts.note("bad", str(error))
            return
        with box:
            for name, (title, variable, words) in _TOKENS.items():
                _token(client, name, title, variable, words, name in kept, draw)

    draw()


def _token(client: Client, name: str, title: str, variable: str, words: str, kept: bool, draw: Any) -> None:
    def keep(value: str) -> None:
        try:
            vault.keep(client.settings, name, value)
        except (TwinError, OSError) as error:
            ui.notify(str(error), type="negative", multi_line=True)
            return
        draw()

    with ui.element("div").classes("row-item wraps"):
        with ui.element("div").classes("main"):
            ui.label(title).classes("title")
            ui.label(words).classes("under")
        with ui.element("div").classes("side"):
            if os.environ.get(variable):
                parts.chip(f"From {variable}", "good")
            elif kept:
                parts.chip("Kept", "good")
                parts.quiet("Forget", lambda: keep("")).props(f'aria-label="Forget the token: {title}"')
            else:
                field = ui.input(password=True).props(
                    f'outlined dense aria-label="Token: {title}" autocomplete=off placeholder="Paste it here"'
                )
                parts.quiet("Keep", lambda: keep(field.value or "")).props(f'aria-label="Keep the token: {title}"')


def keys(client: Client) -> None:
    """The card of the endpoint's keys."""
    words = "For programs that ask the twin themselves. From the first key on, nobody is answered without one."
    with parts.section("API keys", words):
        box = ui.element("div").classes("stack")
        with ui.element("div").classes("line"):
            name = ui.input("Who gets it").props("outlined dense").classes("grow roomy")
            only = ui.checkbox("For this author's twin alone", value=True)
            parts.quiet("Make a key", lambda: make(), icon="o_key")

    def draw() -> None:
        box.clear()
        found = state.read(client.settings.api_keys).get("keys") or []
        with box:
            if not found:
                parts.text("None: whoever reaches the endpoint is answered. It listens on this machine alone.", "soft")
                return
            with ui.element("div").classes("rows"):
                for who, whose in {str(e.get("client")): e.get("authors") or [] for e in found}.items():
                    _key(who, whose)

    def _key(who: str, whose: list[str]) -> None:
        with ui.element("div").classes("row-item"):
            with ui.element("div").classes("main"):
                ui.label(who).classes("title")
                ui.label(", ".join(whose) or "Every author").classes("under")
            if who == OWN_CLIENT:
                parts.chip("This interface")
            else:
                parts.quiet("Take it back", partial(revoke, who)).props(f'aria-label="Take back the key of {who}"')

    async def make() -> None:
        who = (name.value or "").strip()
        if not who or who.startswith("-") or who == OWN_CLIENT:
            ui.notify("Say who gets the key.", type="warning")
            return
        try:
            if not client.settings.api_keys.exists() and not client.settings.api_key:
                # From now on the endpoint asks this interface, too.
                own = await run.io_bound(commands.twin, client.settings, "key", OWN_CLIENT)
                vault.keep(client.house or client.settings, "endpoint", str(own))
            whose = ["--author", client.visitor.author] if only.value and client.visitor.author else []
            key = await run.io_bound(commands.twin, client.settings, "key", who, *whose)
        except TwinError as error:
            ui.notify(str(error), type="negative", multi_line=True)
            return
        draw()
        _show_once(who, str(key))

    async def revoke(who: str) -> None:
        try:
            await run.io_bound(commands.twin, client.settings, "key", who, "--revoke")
        except TwinError as error:
            ui.notify(str(error), type="negative", multi_line=True)
        draw()

    draw()


def _show_once(who: str, key: str) -> None:
    def copy() -> None:
        ui.clipboard.write(key)
        ui.notify("Copied", type="positive", timeout=1200)

    with parts.dialog() as box:
        parts.heading(2, f"The key of {who}")
        parts.text("This is the only time that it is shown.")
        ui.label(key).classes("log").mark("new-key")
        with ui.element("div").classes("line"):
            parts.go("Copy", copy, icon="o_content_copy")
            parts.quiet("Done", box.close)
