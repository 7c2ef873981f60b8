"""Home: the twin at a glance, and the one thing to do next."""

from __future__ import annotations

from dataclasses import dataclass

from nicegui import ui

from twin.errors import TwinError
from twin.params import Params
from twin.workspace import Workspace
from webui import parts, theme
from webui.access.door import Door
from webui.client import Client, drafts, evaluation, jobs, library, sources, state
from webui.pages import working


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """Everything Home shows, read in one go."""

    params: Params | None
    error: str
    voice: state.Voice | None = None
    next: state.Next | None = None
    words: int = 0
    documents: int = 0
    registers: tuple[tuple[str, int], ...] = ()
    score: evaluation.Figure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was written: words by month, and the last drafts as (id, brief, when)."""

    months: tuple[tuple[str, int], ...] = ()
    drafts: tuple[tuple[str, str, str], ...] = ()


def register(door: Door) -> None:
    """Serve Home at `/`."""

    async def home() -> None:
        client = door.enter()
        params, _ = client.params_or_error()
        title = f"{params.author.name}’s twin" if params else "Your twin"
        with theme.frame(client, "/", title):
            await parts.live(lambda: glance(client), lambda seen: _show(client, seen))
            if params is None:
                return
            work = client.workspace(params.author.id)
            with ui.element("div").classes("halves"):
                # Apart from the rest: while a stage runs, only its own card is drawn again and again.
                await parts.live(lambda: working.look(client, work), lambda seen: working.card(client, seen))
                await parts.live(lambda: past(client, work), _past, every=4.0)

    theme.page("/")(home)


def glance(client: Client) -> Glance:
    """Read the state of the twin from files."""
    params, error = client.params_or_error()
    if params is None:
        return Glance(params=None, error=error)
    work = client.workspace(params.author.id)
    at_work = working.look(client, work)
    try:
        frame = library.documents(work)
    except TwinError as problem:
        frame, error = None, str(problem)
    drafted = bool(drafts.recent(client.settings, work.author, 1))
    return Glance(
        params=params, error=error, voice=state.voice(client.settings, work),
        next=state.next_thing(params, work, list(at_work.stages), at_work.busy, drafted),
        words=int(frame["words"].sum()) if frame is not None else 0,
        documents=len(frame) if frame is not None else 0,
        registers=tuple(library.counts(frame, "register")) if frame is not None else (),
        score=evaluation.headline(work),
    )  # fmt: skip


def past(client: Client, work: Workspace) -> Past:
    """Read what was written."""
    try:
        frame = library.documents(work)
    except TwinError:
        frame = None  # Said above.
    kept = drafts.recent(client.settings, work.author, 4)
    return Past(
        months=tuple(library.months(frame)) if frame is not None else (),
        drafts=tuple((d["id"], d["order"]["brief"], state.ago(d["started_at"])) for d in kept),
    )


def _show(client: Client, seen: Glance) -> None:
    if seen.error:
        parts.note("bad", seen.error)
    if seen.params is None:
        begin_card(client, first=not seen.error)
        return
    assert seen.next is not None and seen.voice is not None
    if seen.params.author.fictional:
        _sample(client, seen.params)
    _next(client, seen.next)
    _figures(seen, seen.voice)


def _sample(client: Client, params: Params) -> None:
    name = params.author.name
    with parts.note(
        "warn",
        f"{name} is invented, and so is everything {name.split()[0]} wrote. Look around, then begin your own.",
    ):
        parts.quiet("Start with my own writing", lambda: begin_dialog(client))


def _next(client: Client, thing: state.Next) -> None:
    with ui.element("section").classes("card next").props('aria-label="What to do next"'):
        with ui.element("div").classes("grow").style("min-width: 220px"):
            parts.heading(2, thing.title)
            parts.text(thing.text, "soft")
        if thing.action == "train":
            parts.go(thing.label, lambda: working.start(client, jobs.PIPELINE))
        else:
            parts.go(thing.label, lambda: ui.navigate.to(thing.action))


def _figures(seen: Glance, voice: state.Voice) -> None:
    kinds = " · ".join(f"{count} {kind}{'s' if count != 1 else ''}" for kind, count in seen.registers[:2])
    with ui.element("section").classes("figures").props('aria-label="Key figures"'):
        parts.figure("Words", f"{seen.words:,}", "of your own writing" if seen.words else "nothing collected yet")
        parts.figure("Texts", f"{seen.documents:,}", kinds)
        hint = {"passed": "passed its gate", "held": "the newest was held back"}.get(voice.verdict, "not trained yet")
        parts.figure("Who writes", f"Version {voice.version}" if voice.trained else "Base model", hint)
        if seen.score:
            parts.figure(seen.score.name, seen.score.value, seen.score.hint)


def _past(seen: Past) -> None:
    if seen.months:
        with ui.element("section").classes("card"):
            parts.heading(2, "Words by month")
            parts.bars(seen.months, "words", "Words written each month")
    if seen.drafts:
        with ui.element("section").classes("card"):
            parts.heading(2, "Last drafts")
            with ui.element("div").classes("stack").style("gap: 0.2rem"):
                for name, brief, when in seen.drafts:
                    with ui.element("div").classes("line nowrap apart"):
                        ui.link(brief or "Untitled", f"/write?draft={name}").classes("cut").style("color: var(--ink)")
                        ui.label(when).classes("soft small").style("flex: none")


def begin_card(client: Client, *, first: bool) -> None:
    """Asks for a name and makes params.yaml from it."""
    with ui.element("section").classes("card raised").style("max-width: 560px"):
        parts.heading(2, "Whose twin is it?" if first else "Begin anew")
        parts.text("The name you write under. You can then add what you wrote, step by step.", "soft")
        name = ui.input("Your name").props("outlined").classes("full")
        problem = ui.element("div").classes("full")

        def begin() -> None:
            problem.clear()
            try:
                sources.begin(client.settings.root / "params.yaml", name.value or "")
            except TwinError as error:
                with problem:
                    parts.note("bad", str(error))
                return
            ui.navigate.to("/sources")

        name.on("keydown.enter", begin)
        with ui.element("div").classes("line"):
            parts.go("Begin", begin)


def begin_dialog(client: Client) -> None:
    """The same in a dialog, for leaving the sample author."""
    with parts.dialog() as dialog:
        begin_card(client, first=True)
        parts.text("The sample's files stay where they are; nothing is deleted.", "soft small")
        parts.quiet("Not now", dialog.close)
