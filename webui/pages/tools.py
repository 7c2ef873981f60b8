"""What a person does with a draft: copy, download, edit, accept, reject, rework, compare, publish."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

from nicegui import ui

from twin.errors import TwinError
from twin.text.platforms import title_of
from webui import parts
from webui.client import Client, drafts, edits
from webui.pages import publish

if TYPE_CHECKING:
    from webui.pages.draft import Desk

REWORKS = {
    "shorter": "Shorter", "longer": "Longer", "hook": "Another hook", "voice": "More like me", "post": "As a post",
    "article": "As an article", "thread": "As a thread",
}  # fmt: skip
_KINDS = ("post", "article", "thread")


def draw(client: Client, record: dict[str, Any], text: ui.element, desk: Desk) -> None:
    """The buttons below a finished draft; `text` is where it stands and is edited."""
    with ui.element("div").classes("line"):

        def copy() -> None:
            ui.clipboard.write(record["text"])
            ui.notify("Copied", type="positive", timeout=1200)

        parts.go("Copy", copy, icon="o_content_copy")
        parts.key(parts.quiet("Another one", lambda: desk.again(record), icon="o_refresh"), "n")
        parts.quiet("Edit", lambda: _edit(client, record, text, desk), icon="o_edit")
        with ui.button("Rework", color=None).classes("quiet").props("flat no-caps icon-right=o_expand_more"), ui.menu():
            for action, label in REWORKS.items():
                if action != record["order"]["register"]:
                    ui.menu_item(label, partial(_rework, record, action, desk))
        parts.quiet("Publish", lambda: publish.ask(client, record), icon="o_send")
        parts.bare("o_thumb_up", "Accept as it is", lambda: _accept(client, record, record["text"], desk), "a")
        parts.bare("o_thumb_down", "Reject", lambda: _reject(client, record, desk), "r")
        with parts.bare("o_download", "Download", lambda: None), ui.menu():
            ui.menu_item("Markdown", lambda: ui.download.content(record["text"].encode(), f"{_name(record)}.md"))
            ui.menu_item("HTML", lambda: ui.download.content(_page(record).encode(), f"{_name(record)}.html"))
    former = _former(client, record)
    if former and former != record["text"]:
        with ui.expansion("What changed").props("dense"):
            difference(former, record["text"])


def _rework(record: dict[str, Any], action: str, desk: Desk) -> None:
    register = action if action in _KINDS else record["order"]["register"]
    desk.again(record, action=action, text=record["text"], register=register, draft=None, outline=None)


def _edit(client: Client, record: dict[str, Any], text: ui.element, desk: Desk) -> None:
    """The text becomes a box in its own place."""
    text.clear()
    with text, ui.element("div").classes("stack full"):
        box = ui.textarea(value=record["text"]).classes("full")
        box.props('outlined autogrow autofocus aria-label="Edit the draft" aria-keyshortcuts="Control+Enter"')
        box.on("keydown", lambda e: _accept(client, record, str(e.args), desk), js_handler=parts.CTRL_ENTER)
        with ui.element("div").classes("line"):
            parts.go("Accept", lambda: _accept(client, record, box.value or "", desk), icon="o_check")
            parts.quiet("Check again", lambda: desk.again(record, draft=box.value or None, action="draft"))
            parts.quiet("Cancel", desk.redraw)


def _accept(client: Client, record: dict[str, Any], text: str, desk: Desk) -> None:
    author = record["order"]["author"]
    try:
        learned = edits.accept(client.workspace(author), record, text)
        client.desk.judge(client.settings, record)
    except (TwinError, OSError, ValueError) as error:
        ui.notify(str(error), type="negative")
        return
    # Said before the draft is drawn anew: that removes the button that this belongs to.
    ui.notify("Kept. Your twin can learn from this edit." if learned else "Accepted", type="positive", timeout=2000)
    desk.redraw()


def _reject(client: Client, record: dict[str, Any], desk: Desk) -> None:
    try:
        edits.reject(client.workspace(record["order"]["author"]), record)
        client.desk.judge(client.settings, record)
    except (OSError, ValueError) as error:
        ui.notify(str(error), type="negative")
        return
    desk.redraw()


def _former(client: Client, record: dict[str, Any]) -> str:
    """What this text is to be compared with: the draft it was edited from, or the one it began from."""
    written = edits.written_text(record)
    if written != record["text"]:
        return written
    parent = record["order"].get("parent")
    kept = drafts.load(client.settings, record["order"]["author"], parent) if parent else None
    return str(kept["text"]) if kept else ""


def difference(old: str, new: str) -> None:
    """Both texts in one, with what went and what came marked."""
    tags = {"same": "span", "gone": "del", "new": "ins"}
    marked = [
        f'<{tags[kind]} class="{kind}">{escape(text)}</{tags[kind]}>' for kind, text in edits.differences(old, new)
    ]
    ui.html("".join(marked), sanitize=False).classes("text diff").mark("difference")


def _name(record: dict[str, Any]) -> str:
    words = "".join(c if c.isalnum() else " " for c in record["order"]["brief"].lower()).split()
    return "-".join(words[:6]) or "draft"


def _page(record: dict[str, Any]) -> str:
    """The draft as a page of its own."""
    title = escape(title_of(record["text"])[0][:120])
    body = parts.safe_html(record["text"], literal=True)
    return f'<!doctype html>\n<html>\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n</head>\n<body>\n{body}\n</body>\n</html>\n'
