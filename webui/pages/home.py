"""Home: the twin at a glance, and the one thing to do next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from nicegui import ui

from twin.errors import TwinError
from twin.params import Params
from twin.workspace import Workspace
from webui import parts, plots, theme
from webui.access.door import Door
from webui.client import Client, drafts, evaluation, jobs, library, sample, sources, state
from webui.pages import welcome, working


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """Everything the upper half of Home shows, read in one go."""

    params: Params | None
    error: str
    voice: state.Voice | None = None
    next: state.Next | None = None
    words: int = 0
    documents: int = 0
    registers: tuple[tuple[str, int], ...] = ()
    score: evaluation.Figure | None = None
    trained: float | None = None
    drafted: bool = False
    outside: bool = False
    left_behind: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was written: words by day and by source, and the last drafts as (id, brief, when)."""

    days: tuple[tuple[date, int], ...] = ()
    sources: tuple[tuple[str, int], ...] = ()
    drafts: tuple[tuple[str, str, str], ...] = ()


def register(door: Door) -> None:
    """Serve Home at `/`."""

    async def home() -> None:
        client = door.enter()
        params, _ = client.params_or_error()
        title = f"{params.author.name}’s twin" if params else "Your twin"
        lead = "" if params else "It learns from what you wrote and drafts the way you do."
        with theme.frame(client, "/", title, lead):
            await parts.live(lambda: glance(client), lambda seen: _show(client, seen))
            if params is None:
                return
            work = client.workspace(params.author.id)
            with ui.element("div").classes("halves"):
                # Apart from the rest: while a stage runs, only its own card is drawn again and again.
                await parts.live(lambda: working.look(client, work), lambda seen: pipeline(client, seen))
                await parts.live(lambda: past(client, work), lambda seen: _past(client, seen), every=4.0)

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
    made = work.adapter / "train.json"
    return Glance(
        params=params, error=error, voice=state.voice(client.settings, work),
        next=state.next_thing(params, work, list(at_work.stages), at_work.busy, drafted),
        words=int(frame["words"].sum()) if frame is not None else 0,
        documents=len(frame) if frame is not None else 0,
        registers=tuple(library.counts(frame, "register")) if frame is not None else (),
        score=evaluation.voice_score(work), trained=made.stat().st_mtime if made.exists() else None, drafted=drafted,
        outside=at_work.outside, left_behind=sample.left_behind(client.settings, work.author),
    )  # fmt: skip


def past(client: Client, work: Workspace) -> Past:
    """Read what was written."""
    try:
        frame = library.documents(work)
    except TwinError:
        frame = None  # Said above.
    kept = drafts.recent(client.settings, work.author, 4)
    return Past(
        days=tuple(library.by_day(frame).items()) if frame is not None else (),
        sources=tuple(library.by_source(frame)) if frame is not None else (),
        drafts=tuple((d["id"], d["order"]["brief"], state.ago(d["started_at"])) for d in kept),
    )


def _show(client: Client, seen: Glance) -> None:
    if seen.error:
        parts.note("bad", seen.error)
    if not client.visitor.may("editor"):
        _looked_at(seen)
        return
    if seen.params is None:
        if not seen.error:
            welcome.steps(0)
        begin_card(client, first=not seen.error)
        if not seen.error:
            welcome.try_sample(client)
        return
    assert seen.next is not None and seen.voice is not None
    if seen.params.author.fictional:
        welcome.sample_note(client, seen.params.author.name, seen.outside, lambda: begin_dialog(client))
    elif seen.left_behind:
        welcome.left_behind(client)
    if not seen.drafted and not seen.voice.trained:
        welcome.steps(2 if seen.documents else 1)
    _next(client, seen.next)
    if seen.documents or seen.trained:
        _figures(seen, seen.voice)


def _looked_at(seen: Glance) -> None:
    """The same for somebody who only looks: no steps to take."""
    if seen.voice and (seen.documents or seen.trained):
        _figures(seen, seen.voice)
    elif not seen.error:
        parts.empty("o_hourglass_empty", "Nothing here yet", "It begins when an editor or owner adds a source.")


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
        parts.figure("Words", f"{seen.words:,}", "of your own writing")
        parts.figure("Texts", f"{seen.documents:,}", kinds)
        hint = {"passed": "passed its gate", "held": "the newest was held back"}.get(voice.verdict, "not measured yet")
        if seen.trained is None and not voice.trained:
            parts.figure("Last training", "None yet", "the base model writes")
        else:
            writes = f"Version {voice.version}" if voice.trained else "Base model"
            parts.figure("Last training", state.ago(seen.trained).capitalize() or "Elsewhere", f"{writes} · {hint}")
        if seen.score:
            parts.figure(seen.score.name, seen.score.value, seen.score.hint, seen.score.interval)


def pipeline(client: Client, seen: working.Work) -> None:
    """The stages with their buttons, once there is something for them to work on."""
    # Seven stages that wait for a first text would only be in the way.
    params, _ = client.params_or_error()
    if seen.job or (params and params.sources) or any(stage.state != "waiting" for stage in seen.stages):
        working.card(client, seen)


def _past(client: Client, seen: Past) -> None:
    opens = "write" if client.visitor.may("editor") else "drafts"
    if seen.days:
        with ui.element("section").classes("card"):
            parts.heading(2, "When you wrote")
            plots.calendar(dict(seen.days), "Writing in")
    if len(seen.sources) > 1:
        with ui.element("section").classes("card"):
            parts.heading(2, "Words by source")
            named = [(sources.NAMES.get(source, source), words) for source, words in seen.sources]
            plots.shares(named, "words", "Words by source")
    if seen.drafts:
        with ui.element("section").classes("card"):
            parts.heading(2, "Last drafts")
            with ui.element("div").classes("stack").style("gap: 0.2rem"):
                for name, brief, when in seen.drafts:
                    with ui.element("div").classes("line nowrap apart"):
                        ui.link(brief or "Untitled", f"/{opens}?draft={name}").classes("cut").style("color: var(--ink)")
                        ui.label(when).classes("soft small").style("flex: none")


def begin_card(client: Client, *, first: bool) -> None:
    """Asks for a name and makes params.yaml from it."""
    with ui.element("section").classes("card raised").style("max-width: 560px"):
        parts.heading(2, "Whose twin is it?" if first else "Begin anew")
        parts.text("You can then add what you wrote, step by step.", "soft")
        name = ui.input("Your name").props("outlined autofocus").classes("full")
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
