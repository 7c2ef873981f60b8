"""Library: every text the twin has read, to search, filter and read; and those left out, with the reason."""

from __future__ import annotations

from functools import partial
from typing import Any

from nicegui import run, ui

from twin import choices
from twin.errors import TwinError
from twin.records import REGISTERS
from twin.workspace import Workspace
from webui import parts, theme
from webui.access.door import Door
from webui.client import Client, library
from webui.client.library import Query
from webui.client.sources import NAMES
from webui.pages import forgetting

PER_PAGE = 25
_SHELVES = {"kept": "Kept", "left": "Left out", "copies": "Duplicates"}
_REGISTERS = {"readme": "README"}
ORDERS = {
    "published_at": "Newest first",
    "-published_at": "Oldest first",
    "words": "Longest first",
    "-title": "By title",
}


def register(door: Door) -> None:
    """Serve the page at `/library`."""

    async def page() -> None:
        client = door.enter()
        with theme.frame(client, "/library", "Library", "Everything the twin knows of your writing, word for word."):
            params, error = client.params_or_error()
            if error:
                parts.note("bad", error)
            work = client.workspace(params.author.id) if params else None
            try:
                frames = await run.io_bound(library.shelves, work) if work else {}
            except TwinError as problem:
                parts.note("bad", str(problem))
                return
            if work is None or not frames:
                parts.empty(
                    "o_auto_stories",
                    "No texts yet",
                    "Add a source and collect it: every text will be here to read.",
                    "To the sources",
                    "/sources",
                )
                return
            await Shelf(client, work, frames).show()

    theme.page("/library")(page)


class Shelf:
    """One tab's view of the library: what is asked for, and the page of rows that answers."""

    def __init__(self, client: Client, work: Workspace, frames: dict[str, Any]) -> None:
        self.client, self.work, self.frames = client, work, frames
        self.which, self.order, self.number = next(iter(frames)), "published_at", 1
        self.text = self.source = self.register = self.provenance = ""

    async def show(self) -> None:
        """Draw the controls and the first page."""
        frames = self.frames.values()
        sources, registers, provenances = (
            sorted({str(value) for rows in frames for value in rows[column].unique()})
            for column in ("source", "register", "provenance")
        )
        with ui.element("div").classes("line").props("role=search").classes(parts.READING):
            search = (
                ui.input(placeholder="Search titles and texts")
                .props('outlined dense clearable debounce=60 aria-label="Search"')
                .classes("grow")
                .style("min-width: 220px")
            )
            with search.add_slot("prepend"):
                ui.icon("o_search").props('aria-hidden="true"')
            search.on_value_change(lambda e: self._set(text=e.value or ""))
            self._select("Source", "source", ["", *sources], "All sources", NAMES)
            self._select("Kind", "register", ["", *registers], "All kinds", _REGISTERS)
            if len(provenances) > 1:
                self._select("Whose words", "provenance", ["", *provenances], "Anyone's words", _PROVENANCES)
            ui.select(ORDERS, value="published_at", on_change=lambda e: self._set(order=e.value)).props(
                'outlined dense options-dense aria-label="Order"'
            )
        if len(self.frames) > 1:
            names = {name: f"{_SHELVES[name]} · {len(rows):,}" for name, rows in self.frames.items()}
            ui.toggle(names, value=self.which, on_change=lambda e: self._set(which=e.value)).props(
                'no-caps unelevated toggle-color="" toggle-text-color=ink'
            ).classes("segments").classes(parts.READING)
        self.count = ui.label().classes("soft small nums").props('role="status"')
        self.rows = ui.element("div").classes("rows").classes(parts.READING)
        self.pager = ui.element("div").classes("line").style("justify-content: center").classes(parts.READING)
        await self._draw()

    def _select(
        self, name: str, key: str, values: list[str], everything: str, names: dict[str, str] | None = None
    ) -> None:
        options = {value: (names or {}).get(value, value.capitalize()) if value else everything for value in values}
        ui.select(options, value="", on_change=lambda e: self._set(**{key: e.value})).props(
            f'outlined dense options-dense aria-label="{name}"'
        )

    async def _set(self, **changes: Any) -> None:
        self.number = 1
        for key, value in changes.items():
            setattr(self, key, value)
        await self._draw()

    async def _turn(self, number: int) -> None:
        self.number = number
        await self._draw()
        ui.run_javascript("window.scrollTo({top: 0})")

    async def _draw(self) -> None:
        query = Query(
            text=self.text, source=self.source, register=self.register, provenance=self.provenance, order=self.order.removeprefix("-"),
            descending=not self.order.startswith("-"), start=(self.number - 1) * PER_PAGE, count=PER_PAGE,
        )  # fmt: skip
        rows, total = await run.io_bound(library.search, self.frames[self.which], query)
        first = min(query.start + 1, total)
        self.count.set_text(
            f"{first:,}–{query.start + len(rows):,} of {total:,}" if total else "Nothing matches. Try fewer words."
        )
        self.rows.clear()
        self.rows.set_visibility(total > 0)
        with self.rows:
            for row in rows:
                self._row(row)
        self.pager.clear()
        pages = -(-total // PER_PAGE)
        if pages > 1:
            with self.pager:
                parts.pages(self.number, pages, self._turn)

    def _row(self, row: dict[str, Any]) -> None:
        with ui.element("button").classes("row-item").on("click", lambda: read(self.client, self.work, row["id"])):
            with ui.element("span").classes("main"):
                ui.label(row["shown"]).classes("title cut")
                ui.label(row.get("reason") or row["opening"]).classes("under cut")
            with ui.element("span").classes("side nums"):
                ui.label(_REGISTERS.get(row["register"], row["register"].capitalize())).classes("w-kind phone-off")
                ui.label(NAMES.get(row["source"], row["source"])).classes("w-source phone-off")
                ui.label(f"{row['words']:,} words").classes("w-words phone-off")
                ui.label(row["published_at"] or "no date").classes("w-date")


def read(client: Client, work: Workspace, document_id: str) -> None:
    """Open the reader on one text."""
    found = library.one(work, document_id)
    with parts.dialog() as dialog:
        with ui.element("div").classes("line apart nowrap").style("align-items: start"):
            with ui.element("div").classes("grow"):
                parts.heading(2, found["shown"] if found else "Not found")
                if found:
                    facts = (
                        found["published_at"],
                        NAMES.get(found["source"], found["source"]),
                        found["register"],
                        f"{found['words']:,} words",
                        found["provenance"],
                    )
                    parts.text(" · ".join(str(fact) for fact in facts if fact), "soft small nums")
            parts.bare("o_close", "Close", dialog.close).classes(parts.READING)
        if found is None:
            parts.note("warn", "This text is no longer there: the library was made anew. Reload the page.")
            return
        _merged(client, work, document_id, found, dialog)
        if client.visitor.may("editor"):
            _word_on_it(work, document_id, found)
        if str(found["url"]).startswith(("http://", "https://")):
            ui.link(found["url"], found["url"], new_tab=True).classes("small cut full").props(
                'rel="noopener noreferrer"'
            )
        if found["register"] in ("article", "readme"):
            parts.markdown(found["text"])
        else:
            ui.label(found["text"]).classes("reader pre")
        if client.visitor.may("editor"):
            _way_out(client, document_id, found, dialog)


def _merged(client: Client, work: Workspace, document_id: str, found: dict[str, Any], dialog: ui.dialog) -> None:
    """Why a text was left out, and the way between a text and its copies."""

    def turn(other: str) -> None:
        dialog.close()
        read(client, work, other)

    if best := found.get("copy_of"):
        with parts.note("warn", str(found["reason"]), "A copy").classes(parts.READING):
            parts.quiet("Read the one that was kept", lambda: turn(str(best)))
    elif found.get("reason"):
        parts.note("warn", str(found["reason"]), "Left out")
    elif copies := library.copies(work, document_id):
        with ui.element("div").classes("line").classes(parts.READING):
            parts.text("Its copies were merged into it:", "soft small")
            for copy in copies:
                parts.quiet(copy, partial(turn, copy))


def _way_out(client: Client, document_id: str, found: dict[str, Any], dialog: ui.dialog) -> None:
    def ask() -> None:
        dialog.close()
        forgetting.dialog(client, "document", document_id, f"Forget “{found['shown']}”?")

    with ui.element("div").classes("line"):
        parts.quiet("Forget this text …", ask, icon="o_delete_forever")


_PROVENANCES = {"": "As collected", "own": "My own words", "quoted": "Someone else's words",
                "ai_assisted": "Written with an AI's help", "machine": "Made by a machine"}  # fmt: skip


def _word_on_it(work: Workspace, document_id: str, found: dict[str, Any]) -> None:
    """What the person says of this text: kept beside the inbox, and it wins over what the source says."""
    said = choices.read(work.choices).get(document_id, choices.Choice())
    registers = {"": f"As collected ({found['register']})", **{name: name.capitalize() for name in REGISTERS}}
    with ui.expansion("What this text is", icon="o_sell").classes("full"):

        def keep(**changes: Any) -> None:
            try:
                choices.change(work.choices, document_id, **changes)
            except (TwinError, OSError) as problem:
                ui.notify(str(problem), type="warning")
                return
            answer.set_text("Noted. It counts from the next run on.")

        with ui.element("div").classes("line"):
            ui.select(
                _PROVENANCES,
                value=said.provenance or "",
                label="Whose words",
                on_change=lambda e: keep(provenance=e.value or None),
            ).props("outlined dense options-dense").classes("grow")
            ui.select(
                registers, value=said.register or "", label="Kind", on_change=lambda e: keep(register=e.value or None)
            ).props("outlined dense options-dense").classes("grow")
        ui.input(
            "Written by someone else? Their name", value=said.by, on_change=lambda e: keep(by=e.value or "")
        ).props("outlined dense debounce=400").classes("full")
        ui.switch(
            "Leave it out: nothing learns from it", value=said.excluded, on_change=lambda e: keep(excluded=e.value)
        )
        answer = ui.label().classes("soft small").props('role="status"')
