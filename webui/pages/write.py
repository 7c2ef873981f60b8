"""Write: a brief goes in, a draft comes out as it is written, with where each sentence comes from."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from nicegui import ui

from twin.params import Params
from twin.prompts import LANGUAGES
from webui import parts, theme
from webui.access.door import Door
from webui.client import Client, drafts, endpoint, library
from webui.client.endpoint import Order
from webui.pages import draft as paper

REGISTERS = {
    "post": "Post", "thread": "Thread", "article": "Article", "note": "Note", "readme": "README", "reply": "Reply",
}  # fmt: skip
MAX_FILE_BYTES = 200_000
MAX_LINKS = 5
LENGTHS = {80: "Short", 160: "Medium", 320: "Long"}


def register(door: Door) -> None:
    """Serve the page at `/write`; `?draft=` opens one of the kept drafts."""

    async def page(draft: str = "") -> None:
        client = door.enter()
        with theme.frame(client, "/write", "Write"):
            params, error = client.params_or_error()
            if params is None:
                if error:
                    parts.note("bad", error)
                parts.empty(
                    "o_edit_note",
                    "No twin to write with yet",
                    "Say whose twin it is, and give it something to read.",
                    "Begin",
                    "/",
                )
                return
            Writer(client, params, draft)

    theme.page("/write")(page)


class Writer:
    """One tab's writing page. The drafts themselves live on the desk and on disk."""

    def __init__(self, client: Client, params: Params, draft_id: str) -> None:
        self.client, self.params = client, params
        self.author = params.author.id
        current = client.desk.current(self.author)
        self.shown = draft_id or (current.id if current else "")
        self.drawn: tuple[Any, ...] = ()
        self.words: ui.label | None = None
        self.chain = ui.label("").style("display: none")
        with ui.element("div").classes("split"):
            with ui.element("div").classes("stack wide"):
                self.notices = ui.element("div").classes("stack")
                self._composer()
                self.page = ui.element("div").classes("stack wide")
            self.history = ui.element("aside").classes("stack").props('aria-label="Last drafts"')
        self._draw_history()
        self._follow()
        ui.timer(0.08, self._follow)
        ui.timer(4.0, self._notice, immediate=True)
        self.version = client.desk.version

    def _composer(self) -> None:
        with ui.element("section").classes("card raised").props('aria-label="Brief"'):
            self.brief = (
                ui.textarea(placeholder="What is it about? One line is enough.")
                .props('borderless autogrow aria-label="What is it about?"')
                .classes("brief full")
            )
            self.links = (
                ui.textarea(placeholder="https://…")
                .props('outlined autogrow dense stack-label label="Links it may draw on, one a line"')
                .classes("full")
            )
            self.links.set_visibility(False)
            self._material()
            with ui.element("div").classes("line"):
                self.register = (
                    ui.toggle(REGISTERS, value="post")
                    .props('no-caps unelevated toggle-color="" toggle-text-color=ink aria-label="Kind of text"')
                    .classes("segments")
                )
                self.length = (
                    ui.toggle(LENGTHS, value=160)
                    .props('no-caps unelevated toggle-color="" toggle-text-color=ink aria-label="Length"')
                    .classes("segments")
                )
                self.language = (
                    ui.select(LANGUAGES, value=self.params.author.language)
                    .props('dense options-dense borderless aria-label="Language"')
                    .classes("small")
                )
                self.voice = (
                    ui.select({"auto": "Newest voice"}, value="auto")
                    .props('dense options-dense borderless aria-label="Voice"')
                    .classes("small")
                )
                parts.bare("o_add_link", "Add links", lambda: self.links.set_visibility(not self.links.visible))
                parts.bare("o_attach_file", "Add files", lambda: self.upload.run_method("pickFiles"))
            with ui.element("div").classes("line apart"):
                self.problem = ui.label("").classes("small").style("color: var(--bad)").props("role=alert")
                with ui.element("div").classes("line").style("width: auto"):
                    ui.html("<kbd>Ctrl</kbd> <kbd>Enter</kbd>", sanitize=False).classes("phone-off")
                    parts.quiet("Ideas", self._ideas, icon="o_lightbulb")
                    parts.go("Draft", self._draft, icon="o_auto_awesome")
        for box in (self.brief, self.links):
            # The text goes along with the key: the last letters may still be on their way by the ordinary road.
            box.on(
                "keydown",
                self._draft_by_key,
                js_handler=parts.CTRL_ENTER,
            )

    def _draft_by_key(self, event: Any) -> None:
        if event.sender is self.brief and isinstance(event.args, str):
            self.brief.set_value(event.args)
        self._draft()

    def _material(self) -> None:
        """Text files to draw on; the picker itself stays out of sight, its button opens it."""
        self.files: dict[str, str] = {}
        self.upload = (
            ui.upload(multiple=True, auto_upload=True, max_file_size=MAX_FILE_BYTES, max_files=MAX_LINKS)
            .props('accept=".txt,.md,.markdown,.text,.csv,.json,.html"')
            .style("display: none")
        )
        self.upload.on_upload(self._take)
        self.upload.on("rejected", lambda: self.problem.set_text("Only text files up to 200 KB can be drawn on."))
        self.attached = ui.element("div").classes("line")

    async def _take(self, event: Any) -> None:
        try:
            self.files[event.file.name] = (await event.file.read()).decode("utf-8")
        except UnicodeDecodeError:
            self.problem.set_text(f"{event.file.name} is not plain text.")
        self._draw_files()

    def _draw_files(self) -> None:
        self.attached.clear()
        with self.attached:
            for name in self.files:
                parts.chip(name)
                parts.bare("o_close", f"Leave out {name}", partial(self._leave_out, name))

    def _leave_out(self, name: str) -> None:
        self.files.pop(name, None)
        self._draw_files()

    def _order(self, *, brief_needed: bool = True) -> Order | None:
        """What the composer asks for; None, with the reason on the page, when something is missing."""
        brief = (self.brief.value or "").strip()
        links = tuple(dict.fromkeys((self.links.value or "").split()))
        bad = next((link for link in links if not link.startswith(("http://", "https://"))), None)
        if (brief_needed and not brief) or bad or len(links) > MAX_LINKS:
            many = f"At most {MAX_LINKS} links" if not bad else f"Not a web address: {bad}"
            self.problem.set_text(many if brief or not brief_needed else "Say in a few words what it is about.")
            return None
        self.problem.set_text("")
        language = str(self.language.value)
        return Order(
            author=self.author, register=self.register.value, brief=brief, links=links, words=int(self.length.value),
            material=tuple(self.files.items()), adapter=str(self.voice.value),
            language="" if language == self.params.author.language else language,
        )  # fmt: skip

    def _draft(self) -> None:
        if (order := self._order()) is not None:
            self._begin(order)

    def _ideas(self) -> None:
        if (order := self._order(brief_needed=False)) is not None:
            self._begin(replace(order, action="ideas"))

    def _begin(self, order: Order) -> None:
        self._open(self.client.desk.start(self.client.settings, order).id)

    def _take_idea(self, idea: str) -> None:
        self.brief.set_value(idea)
        self.brief.run_method("focus")

    def _open(self, draft_id: str) -> None:
        self.shown, self.drawn, self.words = draft_id, (), None
        self._follow()
        self._draw_history()

    def _follow(self) -> None:
        """Draw what is new of the shown draft: while it is written only its text changes."""
        if self.client.desk.version != getattr(self, "version", self.client.desk.version):
            self.version = self.client.desk.version
            self._draw_history()
        writing = self.client.desk.get(self.shown)
        if writing is not None and writing.state == "writing" and self.words is not None:
            if self.words.text != writing.text:
                self.words.set_text(writing.text)
            if (passed := paper.passed(writing.steps, bool(writing.text))) != self.chain.text:
                self.chain.set_text(passed)
            return
        stamp = (self.shown, writing.state if writing else "")
        if stamp == self.drawn:
            return
        self.drawn = stamp
        record = (
            writing.record()
            if writing
            else drafts.load(self.client.settings, self.author, self.shown)
            if self.shown
            else None
        )
        self.page.clear()
        with self.page:
            desk = paper.Desk(begin=self._begin, take_idea=self._take_idea, redraw=self._redraw)
            shown = paper.show(self.client, record, live=writing is not None, desk=desk)
            self.words, self.chain = shown if shown else (None, self.chain)

    def _redraw(self) -> None:
        self.drawn = ()
        self._follow()
        self._draw_history()

    def _draw_history(self) -> None:
        kept = drafts.recent(self.client.settings, self.author)
        self.history.clear()
        with self.history:
            parts.heading(2, "Drafts")
            if not kept:
                parts.text("What you draft is kept here.", "soft small")
                return
            with ui.element("div").classes("rows"):
                for record in kept:
                    paper.history_row(
                        record,
                        here=record["id"] == self.shown,
                        live=self.client.desk.get(record["id"]) is not None,
                        open_it=self._open,
                    )

    async def _offer_voices(self) -> None:
        settings = self.client.settings
        found = await endpoint.versions(settings.endpoint_url, settings.api_key, self.author)
        newest = found.get(self.author, "")
        named = {"auto": f"Newest voice (version {newest})" if newest else "Newest voice"}
        named |= {f"{self.author}@{v}": f"Version {v}" for model, v in found.items() if model != self.author}
        named["base"] = "Base model, untrained"
        if named != self.voice.options:
            self.voice.set_options(named, value=self.voice.value if self.voice.value in named else "auto")

    async def _notice(self) -> None:
        answer = await endpoint.ready(self.client.settings.endpoint_url)
        if answer == "ready":
            await self._offer_voices()
        if answer == getattr(self, "answer", None):
            return
        self.answer = answer
        self.notices.clear()
        with self.notices:
            if answer == "away":
                parts.note(
                    "bad",
                    "Start it with `make up`. This page notices when it is there.",
                    "The writing service is not running",
                )
            elif answer == "loading":
                parts.note(
                    "warn",
                    "It needs up to a minute after a start. This page notices when it is ready.",
                    "The model is still loading",
                )
            elif library.documents(self.client.workspace(self.author)) is None:
                parts.note(
                    "warn",
                    "A draft will be the plain base model’s. Add a source and collect, and it will sound like you.",
                    "The twin has read nothing yet",
                )
