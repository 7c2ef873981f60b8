"""The look and the frame around every page: style sheet, sidebar, top bar on a phone, and what answers now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path

from nicegui import ui

from webui import parts
from webui.access import rules
from webui.client import Client, authors, endpoint, state

PAGES = (
    ("/", "Home", "o_home"),
    ("/sources", "Sources", "o_inventory_2"),
    ("/write", "Write", "o_edit_note"),
    ("/drafts", "Drafts", "o_history_edu"),
    ("/library", "Library", "o_auto_stories"),
    ("/train", "Train", "o_school"),
    ("/evaluation", "Evaluation", "o_insights"),
    ("/monitoring", "Monitoring", "o_monitor_heart"),
    ("/settings", "Settings", "o_tune"),
)

MARK = (
    '<svg viewBox="0 0 32 32" fill="none" xmlns="http://www.w3.org/2000/svg" aria-hidden="true">'
    '<circle cx="12" cy="16" r="9.5" stroke="currentColor" stroke-width="2.5"/>'
    '<circle cx="20" cy="16" r="9.5" fill="currentColor" fill-opacity=".28" stroke="currentColor" stroke-width="2.5"/>'
    "</svg>"
)
FAVICON = MARK.replace("currentColor", "#1f6650").replace(' aria-hidden="true"', "")


# Alt with a letter presses what names it in aria-keyshortcuts. A Mac composes letters with Alt while somebody types:
# there the key's place counts, and only outside of text boxes.
KEYS = """document.addEventListener('keydown', (e) => {
  if (!e.altKey || e.ctrlKey || e.metaKey || e.shiftKey) return;
  const plain = /^[a-z]$/i.test(e.key), typing = e.target.matches('input, textarea, [contenteditable]');
  if (!plain && (typing || !e.code.startsWith('Key'))) return;
  const letter = (plain ? e.key : e.code.slice(3)).toUpperCase();
  const found = document.querySelector(`[aria-keyshortcuts="Alt+${letter}"]`);
  if (found && found.checkVisibility()) { e.preventDefault(); found.click(); }
});"""

# What somebody does before the page is connected waits inside NiceGUI and is then sent in no certain order: a name
# could arrive after the Enter that hands it in. So an early press of a button or of Enter waits until the rest is sent.
EARLY = """for (const kind of ['click', 'keydown']) addEventListener(kind, (e) => {
  const presses = kind === 'click' ? e.target.closest('button, [role=button]') : e.key === 'Enter' && e.target.matches('input');
  if (window.did_handshake || !e.isTrusted || !presses) return;
  e.preventDefault(); e.stopImmediatePropagation();
  const again = () => setTimeout(() => {
    window.did_handshake ? setTimeout(() => e.target.dispatchEvent(new e.constructor(kind, e)), 50) : again();
  }, 10);
  again();
}, true);"""

# Tells scripts that come after it that this page is being left; for two seconds, for a download leaves no page.
GOING = """addEventListener('beforeunload', () => {
  window.going = true;
  setTimeout(() => { window.going = false; }, 2000);
});"""


def install() -> None:
    """Put the style sheet, the keys, the wait for the connection and the word of leaving on every page; called once, when the pages are registered."""
    css = "".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in ("theme.css", "plots.css"))
    ui.add_head_html(f"<style>{css}</style><script>{KEYS}{EARLY}{GOING}</script>", shared=True)


def page(path: str) -> ui.page:
    """Serve a page; a busy machine (training, first look at a large library) may take its time to build it."""
    return ui.page(path, response_timeout=60.0)


@contextmanager
def frame(client: Client, path: str, title: str, lead: str = "") -> Iterator[None]:
    """The page around `with frame(...)`: everything inside lands in its main column."""
    ui.page_title(f"{title} · Twin")
    # Without a value of its own the drawer asks each browser for one, and logs an error when that takes a second.
    drawer = ui.left_drawer(value=False, fixed=True, top_corner=True, bottom_corner=True).classes(parts.READING)
    drawer.props('show-if-above width=236 aria-label="Main menu"')
    with drawer:
        look = _sidebar(client, path)
    with ui.element("div").classes("topbar").classes(parts.READING):
        ui.button(icon="o_menu", on_click=drawer.toggle, color=None).props(
            'flat round dense aria-label="Open the menu"'
        )
        ui.label("Twin")
    # Quasar makes the page itself the main landmark.
    main = ui.element("div").classes("page" if client.visitor.may("editor") else "page viewer")
    ui.skip_link("Skip to the page", target=main)
    with main:
        with ui.element("header"):
            parts.heading(1, title)
            if lead:
                parts.text(lead, "lead")
        yield
    # A timer waits for the browser, and the page is sent as soon as something does: so it comes after the content.
    ui.timer(5.0, look, immediate=True)


def _sidebar(client: Client, path: str) -> Callable[[], Awaitable[None]]:
    with ui.link(target="/").classes("brand"):
        ui.html(MARK, sanitize=False)
        ui.label("Twin")
    for target, name, icon in PAGES:
        if not client.visitor.may(rules.needed(target)):
            continue
        here = target == path
        with ui.link(target=target).classes("nav here" if here else "nav").props('aria-current="page"' if here else ""):
            ui.icon(icon).props('aria-hidden="true"')
            ui.label(name)
    with ui.column().classes("foot"):
        look = _answering(client)
        _visitor(client)
    return look


def _visitor(client: Client) -> None:
    """Whose twin is shown, where there are several, and who is signed in: plain forms, which set cookies."""
    mine = {name: place for name, place in client.authors().items() if client.visitor.sees(name)}
    if len(mine) > 1:
        options = "".join(
            f'<option value="{escape(name)}" {"selected" if name == client.visitor.author else ""}>'
            f"{escape(authors.name_of(place))}</option>"
            for name, place in mine.items()
        )
        ui.html(
            '<form method="post" action="/author"><select name="author" aria-label="Whose twin" class="field" '
            f'onchange="this.form.submit()">{options}</select></form>', sanitize=False,
        ).classes("full")  # fmt: skip
    if client.visitor.login:
        ui.html(
            f'<form method="post" action="/logout" class="line apart"><span>{escape(client.visitor.name)} · '
            f'{client.visitor.role}</span><button class="button quiet small">Sign out</button></form>'
            '<a href="/password">Change the password</a>', sanitize=False,
        ).classes("full")  # fmt: skip
        if not client.visitor.may("editor"):
            ui.label("You can look, not change: what editors press is left out. An owner can change your role.")


def _answering(client: Client) -> Callable[[], Awaitable[None]]:
    params, _ = client.params_or_error()
    if params is not None:
        ui.label(params.author.name).style("color: var(--ink); font-weight: 500")
        if params.author.fictional:
            parts.chip("Fictional sample", "warn")
    line = ui.row().classes("line nowrap").style("gap: 0.5rem")
    with line:
        dot = ui.element("span").classes("dot")
        words = ui.label("Looking for the writing service…").props('role="status"')

    async def look() -> None:
        answer = await endpoint.ready(client.settings.endpoint_url)
        voice = state.voice(client.settings, client.workspace(params.author.id)) if params else None
        who = f"Trained voice, version {voice.version}" if voice and voice.trained else "Base model, untrained"
        tone, said = {"ready": ("good", who), "loading": ("warn", "The model is loading…")}.get(
            answer, ("bad", "The writing service is away")
        )
        dot.classes(replace=f"dot {tone}")
        words.set_text(said)

    return look
