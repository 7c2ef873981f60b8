"""Sources: what the twin reads, adding more by link or file, and collecting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nicegui import ui

from twin.errors import TwinError
from twin.params import Params
from webui import parts, theme
from webui.access.door import Door
from webui.client import Client, inbox, jobs, sources
from webui.pages import adding, forgetting, guide, home, working

_ICONS = {
    "linkedin": "o_work_outline", "medium": "o_article", "substack": "o_mark_email_read", "github": "o_code",
    "rss": "o_rss_feed", "blog": "o_language", "files": "o_description", "jsonl": "o_data_object",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the page shows, read in one go."""

    params: Params | None
    error: str
    found: dict[str, dict[str, Any]] | None = None
    busy: bool = False
    failed: str = ""


def register(door: Door) -> None:
    """Serve the page at `/sources`."""

    async def page() -> None:
        client = door.enter()
        with theme.frame(
            client, "/sources", "Sources", "Where your writing comes from. Only what you hand over is read."
        ):
            params, error = client.params_or_error()
            if params is None:
                if error:
                    parts.note("bad", error)
                home.begin_card(client, first=not error)
                return
            work = client.workspace(params.author.id)
            with ui.element("div").classes("halves"):
                await parts.live(lambda: _look(client), lambda seen: _listing(client, seen))
                await parts.live(lambda: working.look(client, work), lambda seen: home.pipeline(client, seen))
            if params.author.fictional:
                _not_with_the_sample(client, params)
            else:
                adding.show(client, params)
                adding.by_itself(client)
            guide.show()
            if client.visitor.may("owner") and (work.inbox.exists() or work.raw.exists()):
                _forgetting_all(client, params)

    theme.page("/sources")(page)


def _look(client: Client) -> Seen:
    params, error = client.params_or_error()
    if params is None:
        return Seen(params=None, error=error)
    work = client.workspace(params.author.id)
    now = working.look(client, work)
    failed = next((stage.error for stage in now.stages if stage.key == "collect"), "")
    return Seen(params=params, error="", found=inbox.found_last(work), busy=now.busy, failed=failed)


def _listing(client: Client, seen: Seen) -> None:
    if seen.params is None:
        parts.note("bad", seen.error)
        return
    entries = sources.raw_entries(client.settings.root / "params.yaml")
    if not entries:
        parts.empty(
            "o_inventory_2",
            "Nothing to read yet",
            "Paste a link or drop an export below. A handful of posts is enough to begin with.",
        )
        return
    with ui.element("section").classes("stack"):
        with ui.element("div").classes("line apart"):
            parts.heading(2, f"{len(entries)} source{'s' if len(entries) != 1 else ''}")
            _collect_buttons(client, seen.busy)
        with ui.element("div").classes("rows"):
            for index, entry in enumerate(entries):
                _row(client, index, entry, seen)


def _collect_buttons(client: Client, busy: bool) -> None:
    with ui.element("div").classes("line").style("width: auto"):
        only = parts.quiet("Collect only", lambda: working.start(client, jobs.COLLECT))
        only.tooltip("Read the sources and index them, without training")
        both = parts.go("Collect now", lambda: working.start(client, jobs.PIPELINE), icon="o_download")
        both.tooltip("Read the sources, then learn from what is new")
    for button in (only, both):
        button.set_enabled(not busy)


def _row(client: Client, index: int, entry: dict[str, Any], seen: Seen) -> None:
    kind = str(entry.get("kind", ""))
    found = (seen.found or {}).get(sources.record_id(entry))
    error = _error(index, seen)
    with ui.element("div").classes("row-item"):
        with ui.element("span").classes("kind"):
            ui.icon(_ICONS.get(kind, "o_description")).props('aria-hidden="true"')
        with ui.element("div").classes("main"):
            ui.label(sources.NAMES.get(kind, kind)).classes("title")
            ui.label(place(entry)).classes("under cut").tooltip(place(entry))
            for words in [error] if error else (found or {}).get("errors") or []:
                ui.label(str(words)).classes("small pre").style("color: var(--bad)").props("role=alert")
        with ui.element("div").classes("side nums"):
            ui.label("failed" if error else _said(found)).tooltip(_skipped(found))
            if found is not None:
                record = found
                label = f"Consent and forgetting: {sources.NAMES.get(kind, kind)} {place(entry)}"
                parts.bare("o_policy", label, lambda: _consent(client, record))
            name = f"Remove {sources.NAMES.get(kind, kind)} {place(entry)}"
            parts.bare("o_close", name, lambda: _confirm_remove(client, index, entry))


def place(entry: dict[str, Any]) -> str:
    """Where a source is, for people."""
    return str(entry.get("url") or entry.get("user") or entry.get("path") or "").replace("{sample_site}", "sample site")


def _said(found: dict[str, Any] | None) -> str:
    if found is None:
        return "not read yet"
    count = int(found.get("kept") or 0)
    return f"{count:,} text{'s' if count != 1 else ''}"


def _skipped(found: dict[str, Any] | None) -> str:
    skipped = (found or {}).get("skipped") or {}
    if not skipped:
        return "Nothing was set aside" if found else "Collect to read it"
    return "Set aside: " + ", ".join(f"{count:,} × {reason}" for reason, count in skipped.items())


def _error(index: int, seen: Seen) -> str:
    """What the last collection said went wrong with this source: the whole stage stops at the first that fails."""
    return seen.failed if seen.failed.startswith(f"source {index + 1} (") else ""


def _consent(client: Client, record: dict[str, Any]) -> None:
    """What was collected, when, under which terms and from which bytes; and the way to have it forgotten."""
    with parts.dialog() as dialog:
        parts.heading(2, "What was collected, and under which terms")
        facts = (
            ("Source", record.get("place") or record.get("id")), ("Texts kept", f"{int(record.get('kept') or 0):,}"),
            ("Collected", _moment(record.get("collected_at"))), ("Terms", record.get("terms")),
            ("SHA-256 of the file", record.get("sha256")),
        )  # fmt: skip
        parts.table((), [(name, str(value)) for name, value in facts if value])
        box = ui.element("div").classes("stack full").props('aria-live="polite"')

        async def ask() -> None:
            first.set_visibility(False)
            await forgetting.plan(client, "source", str(record.get("id")), box, dialog)

        with ui.element("div").classes("line"):
            first = parts.quiet("Forget this source …", ask)
            parts.quiet("Close", dialog.close)


def _moment(value: Any) -> str:
    """An ISO time for people: 2026-11-25 10:48 UTC."""
    words = str(value or "")
    return f"{words[:10]} {words[11:16]} UTC" if words.endswith("+00:00") else words


def _confirm_remove(client: Client, index: int, entry: dict[str, Any]) -> None:
    with parts.dialog() as dialog:
        parts.heading(2, "Stop reading this source?")
        parts.text(place(entry), "pre")
        parts.text(
            "It leaves the list; an uploaded file stays in the inbox. Collect again, and the twin forgets its texts.",
            "soft",
        )

        def remove() -> None:
            try:
                sources.remove(client.settings.root / "params.yaml", index, entry)
            except TwinError as error:
                ui.notify(str(error), type="warning")
            dialog.close()

        with ui.element("div").classes("line"):
            parts.go("Remove", remove)
            parts.quiet("Keep it", dialog.close)


def _forgetting_all(client: Client, params: Params) -> None:
    author = params.author
    with ui.element("section").classes("line apart").props('aria-label="Forget everything"'):
        parts.text(
            f"Everything of {author.name} can go at once: texts, files handed in, adapters, reports and drafts.",
            "soft small",
        )
        title = f"Forget everything of {author.name}?"
        parts.quiet(
            f"Forget {author.name} …",
            lambda: forgetting.dialog(client, "author", author.id, title, typed=author.id),
            icon="o_delete_forever",
        )


def _not_with_the_sample(client: Client, params: Params) -> None:
    words = f"Your texts and those of {params.author.name}, who is invented, must not mix. Begin your own twin first."
    with parts.note("warn", words, "Add your own writing"):
        parts.go("Start with my own writing", lambda: home.begin_dialog(client))
