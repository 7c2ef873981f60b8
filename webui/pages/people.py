"""The settings' people: the authors of this house, and the accounts that may open it."""

from __future__ import annotations

from functools import partial
from typing import Any

from nicegui import run, ui

from twin import accounts as twin_accounts
from twin.accounts import MIN_PASSWORD, Account
from twin.errors import TwinError
from webui import parts
from webui.access.door import Door
from webui.client import Client
from webui.client import authors as houses

_ROLES = {"owner": "Owner: everything", "editor": "Editor: writes, collects, trains", "viewer": "Viewer: only looks"}


def authors(client: Client) -> None:
    """The card of authors."""
    with parts.section("Authors", "Each has sources, library, drafts and adapters apart from the others'."):
        with ui.element("div").classes("rows"):
            for name, place in client.authors().items():
                with ui.element("div").classes("row-item"):
                    with ui.element("div").classes("main"):
                        ui.label(houses.name_of(place)).classes("title")
                        ui.label(name or "no params.yaml yet").classes("under")
                    if name == client.visitor.author:
                        parts.chip("Shown now", "good")
        with ui.element("div").classes("line"):
            name = ui.input("Name of another author").props("outlined dense").classes("grow roomy")

            def add() -> None:
                try:
                    made = houses.add(client.house or client.settings, name.value or "")
                except (TwinError, OSError) as error:
                    ui.notify(str(error), type="negative", multi_line=True)
                    return
                ui.notify(f"{made} is here: choose it in the menu.", type="positive")
                ui.navigate.to("/settings")

            parts.quiet("Add the author", add, icon="o_person_add")


def accounts(client: Client, door: Door) -> None:
    """The card of accounts."""
    with parts.section("People", "Who may open this interface."):
        box = ui.element("div").classes("stack")

    def draw() -> None:
        box.clear()
        with box:
            _list(client, door.accounts() or {}, draw)
            _adding(client, draw, first=not door.login)

    draw()


def _list(client: Client, known: dict[str, Account], draw: Any) -> None:
    if not known:
        parts.text("No login is asked: only this machine can open it. The first account changes that.", "soft")
        return
    with ui.element("div").classes("rows"):
        for account in known.values():
            with ui.element("div").classes("row-item wraps"):
                with ui.element("div").classes("main"):
                    ui.label(account.name).classes("title")
                    whose = ", ".join(account.authors) or "every author"
                    ui.label(f"{account.email} · {whose}" if account.email else whose).classes("under")
                with ui.element("div").classes("side"):
                    _account(client, account, draw)


def _account(client: Client, account: Account, draw: Any) -> None:
    file = client.settings.accounts

    async def do(action: Any, *given: Any, **named: Any) -> None:
        try:
            await run.io_bound(action, file, *given, **named)
        except (TwinError, OSError) as error:
            ui.notify(str(error), type="negative", multi_line=True)
        draw()

    async def set_role(event: Any) -> None:
        await do(twin_accounts.change, account.name, role=event.value)

    role = ui.select({key: key.capitalize() for key in _ROLES}, value=account.role, on_change=set_role)
    role.props(f'outlined dense options-dense aria-label="Role of {account.name}"')
    parts.bare("o_password", f"Another password for {account.name}", partial(_ask_password, account.name, do))
    parts.bare("o_close", f"Remove {account.name}", partial(_ask_removal, account.name, do))


def _ask_password(name: str, do: Any) -> None:
    with parts.dialog() as box:
        parts.heading(2, f"Another password for {name}")
        parts.text("Every browser that is signed in with the old one is signed out.", "soft")
        field = ui.input(f"New password, at least {MIN_PASSWORD} characters", password=True)
        field.props("outlined autocomplete=new-password").classes("full")

        async def keep() -> None:
            box.close()
            await do(twin_accounts.change, name, password=field.value or " ")

        with ui.element("div").classes("line"):
            parts.go("Change it", keep)
            parts.quiet("Cancel", box.close)


def _ask_removal(name: str, do: Any) -> None:
    with parts.dialog() as box:
        parts.heading(2, f"Remove {name}?")
        parts.text("The account can't sign in any more. No text, draft or adapter goes with it.")

        async def remove() -> None:
            box.close()
            await do(twin_accounts.remove, name)

        with ui.element("div").classes("line"):
            parts.go("Remove", remove)
            parts.quiet("Cancel", box.close)


def _adding(client: Client, draw: Any, *, first: bool) -> None:
    known = {key: houses.name_of(place) for key, place in client.authors().items() if key}
    title = "Make the first account, an owner's" if first else "Add somebody"
    with ui.expansion(title, icon="o_person_add").props("dense").classes("full"), ui.element("div").classes("stack"):
        name = ui.input("Name").props("outlined dense autocomplete=off").classes("full")
        roles = {"owner": _ROLES["owner"]} if first else _ROLES
        role = (
            ui.select(roles, value="owner" if first else "editor", label="Role").props("outlined dense").classes("full")
        )
        whose = ui.select(known, multiple=True, value=[], label="Whose twin (none chosen: every author's)")
        whose.props("outlined dense use-chips").classes("full").set_visibility(not first and len(known) > 1)
        password = ui.input(f"Password, at least {MIN_PASSWORD} characters", password=True)
        password.props("outlined dense autocomplete=new-password").classes("full")
        email = (
            ui.input("Address for single sign-on (optional)").props("outlined dense autocomplete=off").classes("full")
        )

        async def add() -> None:
            given = (name.value or "", role.value, password.value or "", tuple(whose.value or ()), email.value or "")
            try:
                await run.io_bound(twin_accounts.add, client.settings.accounts, *given)
            except (TwinError, OSError) as error:
                ui.notify(str(error), type="negative", multi_line=True)
                return
            if first:
                ui.navigate.to("/login")
                return
            draw()

        with ui.element("div").classes("line"):
            parts.go("Make the account", add)
