"""More to read: a link, a file or a pasted text, and how often all of it is read again."""

from __future__ import annotations

import time

from nicegui import events, ui

from twin.errors import TwinError
from twin.params import Params
from webui import parts
from webui.client import Client, inbox, recollect, sources

_RHYTHMS = {"never": "Never", "day": "Every day", "week": "Every week"}

# Quasar's own header has a button and a field without names: here both say what they are for.
_DROP = """
<div class="drop">
  <label>Drop an export ZIP or text files here<q-uploader-add-trigger></q-uploader-add-trigger></label>
  <q-btn flat no-caps class="quiet" icon="o_upload_file" label="Choose files" @click="props.pickFiles($event)"></q-btn>
  <q-linear-progress v-if="props.isUploading" :value="props.uploadProgress" aria-label="Uploading"></q-linear-progress>
</div>
"""


def show(client: Client, params: Params) -> None:
    """Adding a source: by link, by file, by pasting."""
    with ui.element("section").classes("card").props('aria-label="Add a source"'):
        parts.heading(2, "Add a source")
        with ui.element("div").classes("halves"):
            _by_link(client)
            _by_file(client, params)
        _by_paste(client, params)
        parts.text(
            "Add only what you wrote, or may use. For each source it is noted how and under which terms it was read.",
            "soft small",
        )


def _by_link(client: Client) -> None:
    with ui.element("div").classes("stack"):
        link = (
            ui.input("Paste a link", placeholder="https://you.substack.com")
            .props("outlined stack-label type=url autocomplete=off")
            .classes("full")
        )
        answer = ui.element("div").classes("full").props('aria-live="polite"')

        def add() -> None:
            answer.clear()
            try:
                found = sources.recognise_link(link.value or "")
                fresh = sources.add(client.settings.root / "params.yaml", found.entry)
            except TwinError as error:
                with answer:
                    parts.note("bad", str(error))
                return
            with answer:
                parts.note("good", f"{found.label} {'was added' if fresh else 'is in your list already'}.")
            link.set_value("")

        link.on("keydown.enter", add)
        with ui.element("div").classes("line"):
            parts.quiet("Add link", add, icon="o_add_link")
            parts.text("GitHub, Substack, Medium, or any feed", "soft small")


def by_itself(client: Client) -> None:
    """How often the sources are read again without being asked."""
    with ui.element("section").classes("card line apart").props('aria-label="Collect by itself"'):
        with ui.element("div").classes("stack"):
            parts.heading(2, "Collect by itself")
            said = ui.label("").classes("soft small").props("role=status")

        def tell(chosen: recollect.Rhythm) -> None:
            said.set_text(
                f"Next on {time.strftime('%d %b, %H:%M', time.localtime(chosen.next_at))}, while this server runs. "
                "New texts are read and indexed; training stays yours to start."
                if chosen.next_at
                else "The twin reads your sources when you press Collect now."
            )

        chosen = recollect.rhythm(client.settings)
        tell(chosen)
        parts.segments(
            _RHYTHMS,
            chosen.every,
            "Collect by itself",
            lambda event: tell(recollect.choose(client.settings, event.value)),
        )


def _by_paste(client: Client, params: Params) -> None:
    words = ui.textarea("Paste a text").props("outlined stack-label autogrow").classes("full")
    answer = ui.element("div").classes("full").props('aria-live="polite"')

    def add() -> None:
        answer.clear()
        with answer:
            try:
                found = inbox.paste(client.workspace(params.author.id), words.value or "")
            except TwinError as error:
                parts.note("bad", str(error))
                return
            parts.note("good", f"{found.label} was added.")
        words.set_value("")

    with ui.element("div").classes("line"):
        parts.quiet("Add text", add, icon="o_post_add")
        parts.text("Several texts: a line of ===== between them, an empty line before it", "soft small")


def _by_file(client: Client, params: Params) -> None:
    with ui.element("div").classes("stack"):
        limit = params.collect.max_archive_mb
        answer_box: list[ui.element] = []

        async def take(event: events.UploadEventArguments) -> None:
            try:
                found = await inbox.receive(client.workspace(params.author.id), event.file)
                tone, words = "good", f"{found.label} was added."
            except TwinError as error:
                tone, words = "bad", str(error)
            except OSError as error:
                tone, words = (
                    "bad",
                    f"{event.file.name} could not be written: {error.strerror}. Free some space, then drop it again.",
                )
            with answer_box[0]:
                parts.note(tone, words)

        def refuse() -> None:
            with answer_box[0]:
                parts.note(
                    "bad",
                    f"It is larger than {limit:,} MB (collect.max_archive_mb in params.yaml), or of no known kind.",
                )

        upload = ui.upload(
            multiple=True, auto_upload=True,
            max_file_size=limit * 1_000_000, on_upload=take, on_rejected=refuse,
            on_begin_upload=lambda: answer_box[0].clear(),
        )  # fmt: skip
        upload.props(f'accept="{sources.UPLOADS}" flat')
        upload.add_slot("header", _DROP)
        answer_box.append(ui.element("div").classes("stack").props('aria-live="polite"'))
