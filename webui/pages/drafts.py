"""Drafts: everything that was written, each text's versions side by side, and the edits that the twin learns from."""

from __future__ import annotations

import time
from datetime import datetime
from functools import partial
from typing import Any

from nicegui import run, ui

from twin.errors import TwinError
from webui import parts, theme
from webui.access.door import Door
from webui.client import Client, drafts, edits, state, versions
from webui.client.versions import Version
from webui.pages.draft import trained, who
from webui.pages.tools import difference

PER_PAGE = 20
MOST = 2000
VERDICTS = {"": "All", "accepted": "Accepted", "rejected": "Rejected", "open": "Open"}


def register(door: Door) -> None:
    """Serve the page at `/drafts`; `?draft=` opens one text with its versions, `?show=edits` the accepted edits."""

    async def page(draft: str = "", show: str = "") -> None:
        client = door.enter()
        with theme.frame(client, "/drafts", "Drafts", "What was written, what you made of it, and what that teaches."):
            params, error = client.params_or_error()
            if params is None:
                if error:
                    parts.note("bad", error)
                parts.empty("o_history_edu", "No drafts yet", "Say whose twin it is first.", "Begin", "/")
                return
            kept = await run.io_bound(drafts.recent, client.settings, params.author.id, MOST)
            if draft:
                Text(client, kept, draft).show()
            else:
                await Shelf(client, params.author.id, kept).show(show)

    theme.page("/drafts")(page)


class Shelf:
    """One tab's list of drafts, and of the edits that were accepted."""

    def __init__(self, client: Client, author: str, kept: list[dict[str, Any]]) -> None:
        self.client, self.kept, self.space = client, kept, client.workspace(author)
        self.words, self.verdict, self.number = "", "", 1

    async def show(self, first: str) -> None:
        """Draw the two lists and the switch between them."""
        try:
            self.pairs = edits.pairs(self.space)
        except TwinError as error:
            self.pairs = []
            parts.note("bad", str(error))
        names = {"drafts": f"Drafts · {len(self.kept):,}", "edits": f"Edits to learn from · {len(self.pairs):,}"}
        which = "edits" if first == "edits" else "drafts"
        parts.segments(names, which, "What is shown", lambda e: self._draw(e.value)).classes(parts.READING)
        self.box = ui.element("div").classes("stack wide").classes(parts.READING)
        self._draw(which)

    def _draw(self, which: str) -> None:
        self.box.clear()
        with self.box:
            if which == "edits":
                self._edits()
            elif not self.kept:
                parts.empty("o_history_edu", "No drafts yet", "What you draft is kept here.", "Write one", "/write")
            else:
                self._controls()

    def _controls(self) -> None:
        with ui.element("div").classes("line").props("role=search"):
            search = ui.input(placeholder="Search briefs and texts").classes("grow").style("min-width: 220px")
            search.props('outlined dense clearable debounce=60 aria-label="Search drafts"')
            with search.add_slot("prepend"):
                ui.icon("o_search").props('aria-hidden="true"')
            search.on_value_change(lambda e: self._set(words=e.value or ""))
            parts.segments(VERDICTS, "", "What became of it", lambda e: self._set(verdict=e.value))
        self.count = ui.label().classes("soft small nums").props('role="status"')
        self.rows = ui.element("div").classes("rows")
        self.pager = ui.element("div").classes("line").style("justify-content: center")
        self._list()

    def _set(self, **changes: Any) -> None:
        self.number = 1
        for key, value in changes.items():
            setattr(self, key, value)
        self._list()

    def _turn(self, number: int) -> None:
        self.number = number
        self._list()
        ui.run_javascript("window.scrollTo({top: 0})")

    def _list(self) -> None:
        found = versions.matching(self.kept, self.words, self.verdict)
        start = (self.number - 1) * PER_PAGE
        shown = found[start : start + PER_PAGE]
        span = f"{start + 1:,}–{start + len(shown):,} of {len(found):,}"
        self.count.set_text(span if found else "Nothing matches. Try fewer words.")
        self.rows.clear()
        self.rows.set_visibility(bool(found))
        with self.rows:
            for record in shown:
                _row(record)
        self.pager.clear()
        if len(found) > PER_PAGE:
            with self.pager:
                parts.pages(self.number, -(-len(found) // PER_PAGE), self._turn)

    def _edits(self) -> None:
        if not self.pairs:
            parts.empty(
                "o_edit", "No edits yet", "Change a draft and accept it: the next training can learn from what you changed.",
                "To the writing page", "/write",
            )  # fmt: skip
            return
        parts.text("Each shows what the twin wrote and what you made of it. You can take one back.", "soft")
        for pair in self.pairs:
            self._pair(pair)

    def _pair(self, pair: dict[str, Any]) -> None:
        pieces = edits.differences(str(pair["rejected"]), str(pair["chosen"]))
        gone, new = versions.change(pieces)
        with ui.element("article").classes("card") as card:
            with ui.element("div").classes("line apart"):
                parts.heading(2, str(pair["brief"])).classes("grow")
                ui.label(f"{_day(str(pair['at']))} · −{gone} +{new} words").classes("soft small nums")
            difference(str(pair["rejected"]), str(pair["chosen"]))
            if self.client.visitor.may("editor"):
                with ui.element("div").classes("line"):
                    parts.quiet("Take it back", partial(self._take_back, pair, card), icon="o_undo")

    def _take_back(self, pair: dict[str, Any], card: ui.element) -> None:
        if not self.client.visitor.may("editor"):
            return
        edits.take_back(self.space, str(pair["at"]))
        self.pairs.remove(pair)
        card.delete()
        ui.notify("Taken back: the next training does not see it.", timeout=2500)


def _row(record: dict[str, Any]) -> None:
    verdict = str(record.get("verdict") or "")
    with ui.link(target=f"/drafts?draft={record['id']}").classes("row-item"):
        with ui.element("span").classes("main"):
            ui.label(record["order"]["brief"] or "Untitled").classes("title cut")
            opening = " ".join(record["text"].split())[:140] or record["error"] or "Nothing was written"
            ui.label(opening).classes("under cut")
        with ui.element("span").classes("side"):
            if verdict:
                parts.chip(verdict.capitalize(), "good" if verdict == "accepted" else "warn")
            ui.label(record["order"]["register"].capitalize()).classes("phone-off")
            ui.label(state.ago(record["started_at"])).classes("nums")


class Text:
    """One text with all its versions; any two are compared."""

    def __init__(self, client: Client, kept: list[dict[str, Any]], draft_id: str) -> None:
        self.client, self.kept, self.id = client, kept, draft_id
        self.record = next((record for record in kept if record["id"] == draft_id), None)
        self.versions = versions.family(kept, draft_id)

    def show(self) -> None:
        """Draw it, with the newest version held against the one before."""
        self._way()
        if self.record is None:
            parts.empty("o_history_edu", "There is no such draft", "It may have been deleted.", "All drafts", "/drafts")
            return
        with ui.element("article").classes("paper").props('aria-label="Draft"'):
            self._head(self.record)
            if len(self.versions) > 1:
                self._compare()
            ui.label(self.record["text"] or self.record["error"]).classes("text").mark("draft-text")
            self._buttons(self.record)

    def _way(self) -> None:
        """Back to the list, and on to the draft before and after."""
        with ui.element("nav").classes("line apart small").props('aria-label="Drafts"'):
            ui.link("← All drafts", "/drafts")
            ids = [record["id"] for record in self.kept]
            at = ids.index(self.id) if self.id in ids else None
            with ui.element("div").classes("line").style("width: auto"):
                for label, step, letter in (("Newer", -1, "p"), ("Older", 1, "n")):
                    if at is not None and 0 <= at + step < len(ids):
                        parts.key(ui.link(label, f"/drafts?draft={ids[at + step]}"), letter)

    def _head(self, record: dict[str, Any]) -> None:
        parts.heading(2, record["order"]["brief"] or "Untitled").classes("pre")
        with ui.element("div").classes("line"):
            parts.chip(who(record), "good" if trained(record) else "")
            if verdict := str(record.get("verdict") or ""):
                parts.chip(verdict.capitalize(), "good" if verdict == "accepted" else "warn")
            when = time.strftime("%d %b %Y, %H:%M", time.localtime(record["started_at"]))
            ui.label(f"{when} · {len(record['text'].split()):,} words").classes("soft small nums")

    def _compare(self) -> None:
        names = {v.key: f"{n}. {v.label} · {len(v.text.split())} words" for n, v in enumerate(self.versions, 1)}
        here = [v.key for v in self.versions if v.key.rstrip("+") == self.id]
        right = here[-1] if here and here[-1] != self.versions[0].key else self.versions[-1].key
        left = self.versions[max(0, [v.key for v in self.versions].index(right) - 1)].key
        with ui.element("section").classes("stack").props('aria-label="Versions"').classes(parts.READING):
            with ui.element("div").classes("line"):
                before, after = (
                    ui.select(names, value=value, label=label)
                    .props("outlined dense options-dense")
                    .classes("grow roomy")
                    for label, value in (("From", left), ("To", right))
                )
            said = ui.label().classes("soft small nums").props('role="status"')
            shown = ui.element("div").classes("full")

            def draw() -> None:
                old, new = self._version(before.value).text, self._version(after.value).text
                gone, came = versions.change(edits.differences(old, new))
                said.set_text(f"{gone} words gone, {came} new" if old != new else "No difference")
                shown.clear()
                with shown:
                    difference(old, new)

            before.on_value_change(draw)
            after.on_value_change(draw)
            draw()
            parts.heading(3, "The text as it stands").style("margin-top: 0.6rem")

    def _version(self, key: Any) -> Version:
        return next(version for version in self.versions if version.key == key)

    def _buttons(self, record: dict[str, Any]) -> None:
        def copy() -> None:
            ui.clipboard.write(record["text"])
            ui.notify("Copied", type="positive", timeout=1200)

        with ui.element("div").classes("line"):
            with ui.element("span").classes(parts.READING):
                parts.go("Copy", copy, icon="o_content_copy")
            if self.client.visitor.may("editor"):
                parts.quiet(
                    "Open on the writing page", lambda: ui.navigate.to(f"/write?draft={record['id']}"), "o_edit"
                )
                parts.quiet("Delete", self._ask, icon="o_delete")

    def _ask(self) -> None:
        with parts.dialog() as box:
            parts.heading(2, "Delete this draft?")
            parts.text(
                "An edit of it that you accepted stays with what your twin learns from, until you take it back there."
            )
            with ui.element("div").classes("line"):
                parts.go("Delete it", self._delete)
                parts.quiet("Keep it", box.close)

    def _delete(self) -> None:
        assert self.record is not None
        drafts.delete(self.client.settings, self.record["order"]["author"], self.id)
        ui.navigate.to("/drafts")


def _day(moment: str) -> str:
    try:
        return datetime.fromisoformat(moment).strftime("%d %b %Y")
    except ValueError:
        return moment
