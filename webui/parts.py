"""Small parts that all pages are made of: headings, figures, chips, notes, empty states, stages, drawings."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any

from nicegui import run, ui

from webui.client.state import Stage, ago

_TAGS = ["p", "br", "a", "em", "strong", "b", "i", "u", "s", "del", "code", "pre", "blockquote", "ul", "ol", "li", "hr",
         "h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "sup", "sub"]  # fmt: skip

_MARKS = {
    "done": "check_circle", "running": "o_pending", "failed": "error", "lost": "error",
    "waiting": "radio_button_unchecked",
}  # fmt: skip


# The class of what a viewer may use: searching, turning pages, opening. The door hears no other event of theirs, and the
# style sheet shows them no other button.
READING = "reading"


# Ctrl or Cmd with Enter in a text box: the text goes along, its last letters may still be on their way otherwise.
CTRL_ENTER = """(e) => {
  if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) { e.preventDefault(); emit(e.target.value) }
}"""


def heading(level: int, words: str) -> ui.element:
    """A real heading element, for readers of screens too."""
    return _tag(f"h{level}", words)


def text(words: str, classes: str = "") -> ui.element:
    """A paragraph of plain text."""
    return _tag("p", words).classes(classes)


def _tag(tag: str, words: str) -> ui.element:
    element = ui.label(words)
    element.tag = tag
    return element


def section(title: str, words: str = "") -> ui.element:
    """A card with its heading; what is put `with` it lands inside."""
    card = ui.element("section").classes("card").props(f'aria-label="{escape(title)}"')
    with card, ui.element("div"):
        heading(2, title)
        if words:
            text(words, "soft small")
    return card


def chip(words: str, tone: str = "") -> ui.label:
    """A small pill; `tone` is good, warn, bad or empty."""
    return ui.label(words).classes(f"chip {tone}")


def figure(name: str, value: str, hint: str = "", interval: str = "") -> None:
    """A key figure with its interval beside it and what it means under it."""
    with ui.element("div").classes("figure"):
        ui.label(name).classes("name")
        ui.label(value).classes("value")
        if interval:
            ui.label(interval).classes("small nums").tooltip("In 95 of 100 cases the true figure lies in here")
        if hint:
            ui.label(hint).classes("hint")


def note(tone: str, words: str, title: str = "") -> ui.element:
    """A message where it belongs; returns its side, for a button."""
    icons = {"bad": "o_error", "warn": "o_info", "good": "o_check_circle"}
    role = "alert" if tone == "bad" else "note"
    with ui.element("div").classes(f"note {tone}").props(f"role={role}"):
        ui.icon(icons.get(tone, "o_info")).props('aria-hidden="true"')
        with ui.element("div").classes("body"):
            if title:
                heading(3, title)
            if words:
                text(words, "pre")
        return ui.element("div").classes("aside")


def empty(icon: str, title: str, words: str, label: str = "", target: str = "") -> None:
    """What a page shows before there is anything, with the way on."""
    with ui.element("div").classes("empty"):
        ui.icon(icon).props('aria-hidden="true"')
        heading(2, title)
        text(words)
        if label:
            go(label, lambda: ui.navigate.to(target)).style("margin-top: 0.6rem")


def go(label: str, action: Callable[[], Any], icon: str | None = None) -> ui.button:
    """The one main button of a place."""
    return ui.button(label, on_click=action, icon=icon, color=None).props("unelevated no-caps").classes("go")


def quiet(label: str, action: Callable[[], Any], icon: str | None = None) -> ui.button:
    """A second button."""
    return ui.button(label, on_click=action, icon=icon, color=None).props("flat no-caps").classes("quiet")


def bare(icon: str, name: str, action: Callable[[], Any], letter: str = "") -> ui.button:
    """A button that is an icon; `name` is said by screen readers and shown on hover, `letter` as in `key`."""
    button = ui.button(icon=icon, on_click=action, color=None).props(f'flat dense no-caps aria-label="{escape(name)}"')
    if letter:
        button.props(f'aria-keyshortcuts="Alt+{letter.upper()}"')
    return button.classes("bare").tooltip(f"{name} (Alt+{letter.upper()})" if letter else name)


def key(element: ui.element, letter: str) -> None:
    """Let Alt with a letter press it (see theme.KEYS); said on hover and to screen readers."""
    element.props(f'aria-keyshortcuts="Alt+{letter.upper()}"').tooltip(f"Alt+{letter.upper()}")


def segments(options: dict[Any, str], value: Any, name: str, action: Callable[[Any], Any]) -> ui.toggle:
    """A choice of few, side by side; `name` is said by screen readers."""
    toggle = ui.toggle(options, value=value, on_change=action).classes("segments")
    return toggle.props(f'no-caps unelevated toggle-color="" toggle-text-color=ink aria-label="{escape(name)}"')


def pages(number: int, last: int, turn: Callable[[int], Any]) -> ui.pagination:
    """The way through a long list."""
    pager = ui.pagination(1, last, value=number, direction_links=True, on_change=lambda e: turn(e.value))
    return pager.props(
        'max-pages=6 color="" active-design="unelevated" active-color="" active-text-color=ink gutter="2px"'
    )


def stage_list(found: Sequence[Stage]) -> None:
    """The pipeline's stages with how far each is."""
    with ui.element("div").classes("stack").style("gap: 0").props('role="list" aria-label="Stages"'):
        for stage in found:
            _stage(stage)


def _stage(stage: Stage) -> None:
    with ui.element("div").classes(f"stage {stage.state}").props('role="listitem"'):
        ui.icon(_MARKS[stage.state]).classes("mark").props('aria-hidden="true"')
        ui.label(stage.name).classes("title")
        ui.label(_when(stage)).classes("when nums")
        if stage.state == "running":
            more = " · ".join(part for part in (stage.step, stage.detail) if part)
            if more:
                ui.label(more).classes("more")
            bar = ui.linear_progress(value=stage.share or 0, show_value=False).style("grid-column: 2 / -1")
            bar.props(f'{"indeterminate" if stage.share is None else ""} aria-label="{escape(stage.name)}"')
        elif stage.error:
            ui.label(stage.error).classes("more pre")


def _when(stage: Stage) -> str:
    if stage.state == "running":
        left = "" if stage.eta is None else f", about {_span(stage.eta)} left"
        return (f"{stage.share:.0%}" if stage.share is not None else "working") + left
    return {"waiting": "not yet", "lost": "interrupted", "failed": "failed"}.get(stage.state, ago(stage.when))


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


@contextmanager
def dialog() -> Iterator[ui.dialog]:
    """An open dialog that belongs to the page, not to the part that opened it: that may be built anew meanwhile."""
    with ui.context.client.content, ui.dialog(value=True) as opened, ui.card():
        yield opened
    opened.on("hide", opened.delete)


async def live(
    snapshot: Callable[[], Any], build: Callable[[Any], Awaitable[None] | None], every: float = 1.5
) -> Callable[[], Awaitable[None]]:
    """A part of the page that is built again when `snapshot` (run in a thread) says something new.

    Returns a function that looks at once.
    """
    box = ui.element("div").classes("stack wide")
    last: list[Any] = []

    async def look() -> None:
        value = await run.io_bound(snapshot)
        if value is None or (last and last[0] == value):  # None: the server is stopping.
            return
        last[:] = [value]
        box.clear()
        with box:
            built = build(value)
            if built is not None:
                await built

    await look()
    ui.timer(every, look, immediate=False)
    return look


def markdown(words: str) -> ui.html:
    """Somebody's Markdown, rendered without scripts, styles, forms, frames or remote images."""
    return ui.html(safe_html(words), sanitize=False).classes("reader")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A plain table under its headings; the first cell of a row names the row."""
    with ui.element("table").classes("plain nums"):
        if head:
            row(head, "th")
        for words in rows:
            with ui.element("tr"):
                for n, said in enumerate(words):
                    _tag("td" if n else "th", said)


def row(words: Sequence[str], tag: str = "td") -> None:
    """One row of a table."""
    with ui.element("tr"):
        for said in words:
            _tag(tag, said)


def scroll(name: str) -> ui.element:
    """A place for something wide that is scrolled sideways, by keyboard too; `name` is said by screen readers."""
    return ui.element("div").classes("scroll").props(f'tabindex=0 role=region aria-label="{escape(name)}"')


def cell(tag: str = "td") -> ui.element:
    """A cell for more than words."""
    return ui.element(tag)


def safe_html(words: str, *, literal: bool = False) -> str:
    """Markdown to HTML in which only plain formatting and web links are left; `literal` keeps tags and line ends as typed."""
    import bleach
    from markdown_it import MarkdownIt

    render = MarkdownIt("commonmark", {"html": not literal, "breaks": literal}).enable(["table", "strikethrough"])
    # A picture is fetched by whoever opens the page, which tells its host: it becomes a link.
    html = render.render(re.sub(r"!\[([^\]]*)\]\(", r"[\1](", words))
    clean = bleach.clean(
        html, tags=_TAGS, attributes={"a": ["href", "title"]}, protocols=["http", "https", "mailto"], strip=True
    )
    return str(clean).replace("<a ", '<a target="_blank" rel="noopener noreferrer nofollow" ')


def bars(values: Sequence[tuple[str, int]], unit: str, name: str) -> None:
    """A bar for each (label, value), with the first and last label under it."""
    top, width = max((v for _, v in values), default=1) or 1, 600 / max(len(values), 1)
    drawn = ""
    for index, (label, value) in enumerate(values):
        high = max(100 * value / top, 1.5 if value else 0)
        box = f'x="{(index + 0.12) * width:.1f}" y="{100 - high:.1f}" width="{width * 0.76:.1f}" height="{high:.1f}"'
        drawn += f"<rect {box}><title>{escape(label)}: {value:,} {escape(unit)}</title></rect>"
    _drawing(drawn + '<line x1="0" y1="100" x2="600" y2="100"/>', 100, name)
    _ends(values[0][0], values[-1][0])


def _drawing(inside: str, height: int, name: str) -> None:
    view = f'viewBox="0 0 600 {height}" preserveAspectRatio="none" role="img" aria-label="{escape(name)}"'
    ui.html(f'<svg class="bars {"tall" if height > 100 else ""}" {view}>{inside}</svg>', sanitize=False).classes("full")


def _ends(left: str, right: str) -> None:
    with ui.element("div").classes("line apart soft small nums").props('aria-hidden="true"'):
        ui.label(left)
        ui.label(right)


def report_frame(path: str, title: str) -> None:
    """A stored report, boxed in and folded up: it may run its own scripts and reach nothing else."""
    with (
        ui.element("section").classes("card").style("padding-top: 0.2rem; padding-bottom: 0.2rem"),
        ui.expansion(title).style("border: 0").classes(READING),
        ui.element("div").classes("stack"),
    ):
        ui.link("Open it in its own tab", path, new_tab=True).classes("small")
        ui.element("iframe").classes("frame").props(
            f'src="{path}" title="{escape(title)}" sandbox="allow-scripts" loading="lazy"'
        )
