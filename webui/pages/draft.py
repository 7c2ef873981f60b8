"""A draft on paper: its text, where each sentence comes from, what is doubtful, and how it was written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import urlsplit

from nicegui import ui

from webui import parts
from webui.client import Client, state

# The borders by which the writing service counts sentences: a citation names its sentence by number.
_BORDER = re.compile(r"(?<=[.!?…])[\"'”’)\]*_]*\s+|\n+")
_LINKEDIN_LIMIT = 3000


def show(
    client: Client, record: dict[str, Any] | None, *, live: bool, again: Callable[[dict[str, Any]], None]
) -> ui.label | None:
    """Draw a draft's record. Returns the label to feed while it is being written, else None.

    `live` says that this server is writing it or wrote it: a record that says "writing" otherwise was interrupted.
    """
    if record is None:
        parts.empty(
            "o_edit_note",
            "Nothing written yet",
            "Say what it is about and press Draft. You can watch it being written; it is kept when you leave.",
        )
        return None
    writing = record["state"] == "writing" and live
    with ui.element("article").classes("paper").props('aria-label="Draft"'):
        _headline(client, record, writing)
        parts.text(record["order"]["brief"], "soft small pre")
        if writing:
            return ui.label(record["text"]).classes("text caret").props('aria-live="polite" aria-busy="true"')
        if record["text"]:
            _text(record)
        _troubles(record, live, again)
        if record["text"]:
            _tools(record, again)
        _citations(record)
        _how(record)
    return None


def _headline(client: Client, record: dict[str, Any], writing: bool) -> None:
    with ui.element("div").classes("line apart"):
        with ui.element("div").classes("line").style("width: auto"):
            if writing:
                ui.element("span").classes("dot live")
                ui.label("Writing…").props('role="status"')
                parts.quiet("Stop", lambda: client.desk.stop(record["id"]))
            else:
                parts.chip(who(record), "good" if trained(record) else "")
                ui.label(f"{record['seconds']:.0f} s" if record["seconds"] else "").classes("soft small nums")
        if record["text"] and not writing:
            words, letters = len(record["text"].split()), len(record["text"])
            limit = f" of {_LINKEDIN_LIMIT:,}" if record["order"]["register"] == "post" else ""
            ui.label(f"{words:,} words · {letters:,}{limit} characters").classes("soft small nums")


def trained(record: dict[str, Any]) -> bool:
    """Whether an adapter wrote it."""
    return (record["draft"] or {}).get("adapter", "base") not in ("", "base")


def who(record: dict[str, Any]) -> str:
    """Which model wrote a draft, for people."""
    if not record["draft"]:
        return "Not finished"
    _, _, version = str(record["draft"].get("adapter", "base")).partition("@")
    if not trained(record):
        return "Base model, untrained"
    return f"Trained voice, version {version}" if version else "Trained voice"


def _text(record: dict[str, Any]) -> None:
    """The draft as text, escaped; a cited sentence is underlined and ends with the number of its source."""
    cited: dict[int, list[int]] = {}
    for number, citation in enumerate((record["draft"] or {}).get("citations") or [], 1):
        cited.setdefault(int(citation.get("sentence", -1)), []).append(number)
    out = []
    for index, piece in sentences(record["text"]):
        numbers = cited.get(index, [])
        marks = "".join(f'<sup><a href="#source-{n}" aria-label="Source {n}">{n}</a></sup>' for n in numbers)
        out.append(f'<span class="cited">{escape(piece)}</span>{marks}' if numbers else escape(piece))
    ui.html("".join(out), sanitize=False).classes("text").mark("draft-text")


def sentences(text: str) -> list[tuple[int, str]]:
    """The text in pieces, each with its sentence's number or -1 (white space, lone emoji); joined they are the text."""
    pieces: list[tuple[int, str]] = []
    at = number = 0
    for start, end in [*(m.span() for m in _BORDER.finditer(text)), (len(text), len(text))]:
        # Closing quotes belong to the sentence, though the border holds them.
        stop = end - len(text[start:end].lstrip("\"'”’)]*_"))
        if re.search(r"\w", text[at:start]):
            pieces.append((number, text[at:stop]))
            number += 1
        else:
            pieces.append((-1, text[at:stop]))
        pieces.append((-1, text[stop:end]))
        at = end
    return [(index, piece) for index, piece in pieces if piece]


def _troubles(record: dict[str, Any], live: bool, again: Callable[[dict[str, Any]], None]) -> None:
    kind = "lost" if record["state"] == "writing" and not live else record["state"]
    if kind in ("failed", "lost", "stopped"):
        titles = {
            "failed": "The draft was not finished",
            "lost": "The draft was interrupted",
            "stopped": "You stopped here",
        }
        words = record["error"] or ("The server was restarted while it was written." if kind == "lost" else "")
        with parts.note("bad" if kind == "failed" else "warn", words, titles[kind]):
            parts.quiet("Try again", lambda: again(record), icon="o_refresh")
    for title, words in flags(record):
        parts.note("warn", words, title)


def flags(record: dict[str, Any]) -> list[tuple[str, str]]:
    """What a person should look at before posting: (title, words)."""
    doubts = _doubts(record["draft"] or {})
    loose = list(dict.fromkeys(d["text"] for d in doubts if d.get("kind") in ("number", "name")))
    copies = [d for d in doubts if d.get("kind") == "copy"]
    found = []
    if loose:
        found.append(("Not found in your texts or the brief", f"Check before you post: {', '.join(loose)}"))
    if copies:
        said = "\n".join(f"“{d['text']}”" + (f" · {d['source']}" if d.get("source") else "") for d in copies)
        found.append(("Word for word from something you published", said))
    return found


def _doubts(draft: dict[str, Any]) -> list[dict[str, Any]]:
    """The flags that the service's own check wrote down as its step's output."""
    for step in draft.get("steps") or []:
        if step.get("name") == "check":
            try:
                found = json.loads(step.get("output") or "[]")
            except ValueError:
                return []
            return [item for item in found if isinstance(item, dict) and item.get("text")]
    return []


def _tools(record: dict[str, Any], again: Callable[[dict[str, Any]], None]) -> None:
    with ui.element("div").classes("line"):

        def copy() -> None:
            ui.clipboard.write(record["text"])
            ui.notify("Copied", type="positive", timeout=1200)

        parts.go("Copy", copy, icon="o_content_copy")
        parts.quiet("Another one", lambda: again(record), icon="o_refresh")


def _citations(record: dict[str, Any]) -> None:
    found = (record["draft"] or {}).get("citations") or []
    if not found:
        return
    with ui.element("section").props('aria-label="Sources"').classes("full"):
        parts.heading(3, "Where it comes from").style("padding-bottom: 0.5rem")
        for number, citation in enumerate(found, 1):
            with ui.element("div").classes("cite").props(f"id=source-{number}"):
                ui.label(str(number)).classes("num")
                url = str(citation.get("url") or "")
                title = str(citation.get("title") or urlsplit(url).hostname or citation.get("document_id") or "A text")
                if url.startswith(("http://", "https://")):
                    ui.link(title, url, new_tab=True).props('rel="noopener noreferrer"')
                else:
                    ui.label(title).style("font-weight: 500")
                quote = ui.label(f"“{str(citation.get('quote') or '').strip()}”").classes("pre small")
                quote.tag = "blockquote"


def _how(record: dict[str, Any]) -> None:
    draft = record["draft"] or {}
    steps, scores = draft.get("steps") or [], draft.get("scores") or {}
    if not steps and not scores:
        return
    with ui.expansion("How it was written").props("dense"):
        for key, value in scores.items():
            ui.label(
                f"{key.replace('_', ' ')}: {value:.3g}" if isinstance(value, (int, float)) else f"{key}: {value}"
            ).classes("small nums")
        for step in steps:
            with ui.expansion(f"{step.get('name', 'step')} · {float(step.get('seconds') or 0):.1f} s").props("dense"):
                ui.label(str(step.get("input", ""))).classes("log")
                ui.label(str(step.get("output", ""))).classes("log")


def history_row(record: dict[str, Any], *, here: bool, live: bool, open_it: Callable[[str], None]) -> None:
    """One kept draft in the list beside the page."""
    said = {"writing": "writing…" if live else "interrupted", "failed": "not finished", "stopped": "stopped"}.get(
        record["state"], state.ago(record["started_at"])
    )
    with (
        ui.element("button")
        .classes("row-item here" if here else "row-item")
        .on("click", lambda: open_it(record["id"])),
        ui.element("span").classes("main"),
    ):
        ui.label(record["order"]["brief"]).classes("title cut")
        ui.label(f"{record['order']['register']} · {said}").classes("under")
