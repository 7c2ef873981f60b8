"""A draft on paper: its text, where each sentence comes from, what is doubtful, and how it was written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from typing import Any
from urllib.parse import urlsplit

from nicegui import ui

from twin.text.platforms import PLATFORMS
from webui import parts
from webui.client import Client, state
from webui.client.edits import written_text
from webui.client.endpoint import Order, Passed
from webui.pages import tools

# The borders by which the writing service counts sentences: a citation names its sentence by number.
_BORDER = re.compile(r"(?<=[.!?…])[\"'”’)\]*_]*\s+|\n+")


@dataclass(frozen=True)
class Desk:
    """What the page around a draft can do: begin another order, take an idea as the brief, draw the draft anew."""

    begin: Callable[[Order], None]
    take_idea: Callable[[str], None]
    redraw: Callable[[], None]

    def again(self, record: dict[str, Any], **changes: Any) -> None:
        """Write the record's order once more, changed in these fields, as a child of this draft."""
        order = Order.restored(record["order"])
        self.begin(replace(order, parent=record["id"], **changes))


def show(client: Client, record: dict[str, Any] | None, *, live: bool, desk: Desk) -> tuple[ui.label, ui.label] | None:
    """Draw a draft's record. Returns the labels of text and chain to feed while it is being written, else None.

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
            chain = ui.label(passed([], False)).classes("soft small").props('role="status"')
            return ui.label(record["text"]).classes("text caret").props('aria-live="polite" aria-busy="true"'), chain
        if found := ideas(record):
            _ideas(found, desk)
        elif record["text"]:
            text = ui.element("div").classes("full")
            with text:
                _text(record)
        _troubles(record, live, desk)
        if record["text"] and not found:
            tools.draw(client, record, text, desk)
        _citations(record)
        _how(record, desk)
    return None


_SAID = {
    "links": "Links read", "exemplars": "Voice chosen", "facts": "Facts found", "outline": "Outline made",
    "left out": "Orders left out",
}  # fmt: skip


def passed(steps: Sequence[Passed], writing: bool) -> str:
    """The chain so far in one line, and what it does now."""
    done = [f"{_SAID.get(step.name, step.name)} {step.seconds:.1f} s" for step in steps]
    return " → ".join([*done, "writing…" if writing or steps else "looking for facts…"])


def ideas(record: dict[str, Any]) -> list[dict[str, Any]]:
    """The ideas of a brainstorm, each with what it builds on; empty for a draft."""
    for step in (record["draft"] or {}).get("steps") or []:
        if step.get("name") == "ideas":
            try:
                return [item for item in json.loads(step.get("output") or "[]") if isinstance(item, dict)]
            except ValueError:
                return []
    return []


def _ideas(found: list[dict[str, Any]], desk: Desk) -> None:
    with ui.element("ol").classes("rows").style("padding: 0; margin: 0; list-style: none"):
        for number, idea in enumerate(found, 1):
            with ui.element("li").classes("cite"):
                ui.label(str(number)).classes("num")
                with ui.element("div").classes("line apart"):
                    ui.label(str(idea.get("idea", ""))).style("font-weight: 500")
                    parts.quiet("Write it", partial(desk.take_idea, str(idea.get("idea", ""))))
                sources = idea.get("builds_on") or []
                with ui.element("div").classes("line small soft").style("grid-column: 2"):
                    ui.label("Builds on")
                    for source in sources:
                        _source(source)


def _source(source: dict[str, Any]) -> None:
    url = str(source.get("url") or "")
    title = str(source.get("title") or urlsplit(url).hostname or source.get("document_id") or "a text of yours")
    if url.startswith(("http://", "https://")):
        ui.link(title, url, new_tab=True).props('rel="noopener noreferrer"')
    else:
        ui.label(title)


def _headline(client: Client, record: dict[str, Any], writing: bool) -> None:
    with ui.element("div").classes("line apart"):
        with ui.element("div").classes("line").style("width: auto"):
            if writing:
                ui.element("span").classes("dot live")
                ui.label("Writing…").props('role="status"')
                parts.quiet("Stop", lambda: client.desk.stop(record["id"]))
            else:
                parts.chip(who(record), "good" if trained(record) else "")
                if verdict := record.get("verdict"):
                    parts.chip(str(verdict).capitalize(), "good" if verdict == "accepted" else "warn")
                ui.label(f"{record['seconds']:.0f} s" if record["seconds"] else "").classes("soft small nums")
        if record["text"] and not writing:
            words, letters = len(record["text"].split()), len(record["text"])
            limit = f" of {PLATFORMS['linkedin'].limit:,}" if record["order"]["register"] == "post" else ""
            ui.label(f"{words:,} words · {letters:,}{limit} characters").classes("soft small nums")


def trained(record: dict[str, Any]) -> bool:
    """Whether an adapter wrote it."""
    return (record["draft"] or {}).get("adapter", "base") not in ("", "base")


def who(record: dict[str, Any]) -> str:
    """Which model wrote a draft, for people."""
    if not record["draft"]:
        return "Not finished"
    if record["order"].get("action") == "ideas":
        return "Ideas"
    _, _, version = str(record["draft"].get("adapter", "base")).partition("@")
    if not trained(record):
        return "Base model, untrained"
    return f"Trained voice, version {version}" if version else "Trained voice"


def _text(record: dict[str, Any]) -> None:
    """The draft as text, escaped: a cited sentence shows its source on hover, a doubtful one why it is doubted."""
    cited: dict[int, list[int]] = {}
    listed = (record["draft"] or {}).get("citations") or []
    for number, citation in enumerate(listed, 1):
        cited.setdefault(int(citation.get("sentence", -1)), []).append(number)
    doubted: dict[int, list[str]] = {}
    for doubt in _doubts(record["draft"] or {}):
        if isinstance(doubt.get("sentence"), int):
            doubted.setdefault(doubt["sentence"], []).append(_why(doubt))
    if record["text"] != written_text(record):  # a person's own wording: the numbers of sentences no longer hold
        cited, doubted = {}, {}
    out = []
    for index, piece in sentences(record["text"]):
        numbers, doubts = cited.get(index, []), doubted.get(index, [])
        marks = "".join(f'<sup><a href="#source-{n}" aria-label="Source {n}">{n}</a></sup>' for n in numbers)
        kinds = " ".join(name for name, yes in (("cited", numbers), ("doubt", doubts)) if yes)
        said = "\n".join([*(_quoted(listed[n - 1]) for n in numbers), *doubts])
        tip = f' data-tip="{escape(said, quote=True)}" tabindex="0"' if doubts or numbers else ""
        out.append(f'<span class="{kinds}"{tip}>{escape(piece)}</span>{marks}' if kinds else escape(piece))
    ui.html("".join(out), sanitize=False).classes("text").mark("draft-text")


def _quoted(citation: dict[str, Any]) -> str:
    title = citation.get("title") or urlsplit(str(citation.get("url") or "")).hostname or "One of your texts"
    return f"{title}: “{str(citation.get('quote') or '').strip()}”"


def _why(doubt: dict[str, Any]) -> str:
    """A flag in words."""
    text = str(doubt["text"])
    return {
        "copy": f"Word for word from {doubt.get('source') or 'something you published'}",
        "event": "Did this happen? Neither the brief nor your texts tell it",
    }.get(str(doubt.get("kind")), f"Not in your texts or the brief: {text}")


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


def _troubles(record: dict[str, Any], live: bool, desk: Desk) -> None:
    kind = "lost" if record["state"] == "writing" and not live else record["state"]
    if kind in ("failed", "lost", "stopped"):
        titles = {
            "failed": "The draft was not finished",
            "lost": "The draft was interrupted",
            "stopped": "You stopped here",
        }
        words = record["error"] or ("The server was restarted while it was written." if kind == "lost" else "")
        with parts.note("bad" if kind == "failed" else "warn", words, titles[kind]):
            parts.quiet("Try again", lambda: desk.again(record), icon="o_refresh")
    elif record["error"]:
        parts.note("bad", record["error"], "Not kept")
    for title, words in flags(record):
        parts.note("warn", words, title)


def flags(record: dict[str, Any]) -> list[tuple[str, str]]:
    """What a person should look at before posting: (title, words)."""
    doubts = _still(record, _doubts(record["draft"] or {}))
    loose = list(dict.fromkeys(d["text"] for d in doubts if d.get("kind") in ("number", "name")))
    copies = [d for d in doubts if d.get("kind") == "copy"]
    found = []
    if loose:
        found.append(("Not found in your texts or the brief", f"Check before you post: {', '.join(loose)}"))
    events = [d["text"] for d in doubts if d.get("kind") == "event"]
    if events:
        said = "\n".join(f"“{event}”" for event in dict.fromkeys(events))
        found.append(("Did this happen to you? No source tells it", said))
    if copies:
        said = "\n".join(f"“{d['text']}”" + (f" · {d['source']}" if d.get("source") else "") for d in copies)
        found.append(("Word for word from something you published", said))
    return found


def _still(record: dict[str, Any], doubts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The doubts about words that a person's own edit left in the text."""
    said = str(record.get("text") or "")
    if not said or said == written_text(record):
        return doubts
    return [doubt for doubt in doubts if " ".join(str(doubt["text"]).split()) in " ".join(said.split())]


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


def _how(record: dict[str, Any], desk: Desk) -> None:
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
                _step(record, step, desk)


def _step(record: dict[str, Any], step: dict[str, Any], desk: Desk) -> None:
    """One step as it ran; outline and facts can be changed, and the text written again from there."""
    name, output = step.get("name"), str(step.get("output", ""))
    ui.label(str(step.get("input", ""))).classes("log")
    ids = [line.partition(": ")[0] for line in output.splitlines() if ": " in line]
    if name == "outline":
        # Not autogrow: it measures a box that is folded away, and finds one line.
        rows = min(12, output.count("\n") + 2)
        box = ui.textarea(value=output).props(f'outlined dense rows={rows} aria-label="Outline"').classes("full")

        def restart() -> None:
            lines = [line.strip().lstrip("-• ").strip() for line in (box.value or "").splitlines()]
            points = tuple(line for line in lines if line and not line.startswith("Angle:"))
            desk.again(record, outline=points, facts=_facts(record), draft=None, action="draft")

        parts.quiet("Write again from this outline", restart, icon="o_restart_alt")
    elif name == "facts" and ids:
        boxes = {
            fact: ui.checkbox(line, value=True).props("dense")
            for fact, line in zip(ids, output.splitlines(), strict=False)
        }

        def choose() -> None:
            chosen = tuple(fact for fact, box in boxes.items() if box.value)
            desk.again(record, facts=chosen, outline=None, draft=None, action="draft")

        parts.quiet("Write again with these facts", choose, icon="o_restart_alt")
    else:
        ui.label(output).classes("log")


def _facts(record: dict[str, Any]) -> tuple[str, ...] | None:
    """The ids of the draft's facts."""
    for step in (record["draft"] or {}).get("steps") or []:
        if step.get("name") == "facts":
            return tuple(line.partition(": ")[0] for line in str(step.get("output", "")).splitlines() if ": " in line)
    return None


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
