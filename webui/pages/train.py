"""Train: what it would learn that is new, how far it is, and what earlier trainings came to."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

from nicegui import run, ui

from twin.errors import TwinError
from twin.workspace import Workspace
from webui import parts, plots, theme
from webui.access.door import Door
from webui.client import Client, cluster, evaluation, jobs, state, training
from webui.client.training import Changes, Run
from webui.pages import working

_MEANING = "Lower is better. When the held-out line turns up, it stops: from there on it would learn by heart."
_STAGES = ("collect", "prepare", "features", "dataset", "train", "evaluate", "register")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the upper half shows, read in one go."""

    work: working.Work
    changes: Changes
    error: str = ""
    resume: int = 0
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Earlier trainings, here and on the cluster."""

    runs: tuple[Run, ...] = ()
    error: str = ""
    submitted: tuple[cluster.Submitted, ...] = ()


def register(door: Door) -> None:
    """Serve the page at `/train`."""

    async def page() -> None:
        client = door.enter()
        with theme.frame(client, "/train", "Train", "The twin learns from your texts, then proves that it did."):
            params, error = client.params_or_error()
            if params is None:
                if error:
                    parts.note("bad", error)
                parts.empty("o_school", "Nobody to learn from yet", "Begin with a name and a source.", "Begin", "/")
                return
            work = client.workspace(params.author.id)
            await parts.live(lambda: _look(client, work), lambda seen: _show(client, seen))
            with ui.element("section").classes("card") as card:
                parts.heading(2, "How it learns")
                await _curve(client, work, card)
            await parts.live(lambda: _past(client, work), lambda seen: _runs(client, seen), every=5.0)

    theme.page("/train")(page)


def _look(client: Client, work: Workspace) -> Seen:
    at_work = working.look(client, work)
    error, found = "", Changes()
    try:
        found = training.changes(client.settings, work)
    except TwinError as problem:
        error = str(problem)
    voice = state.voice(client.settings, work)
    resume = 0 if at_work.busy else training.checkpoint(client.settings, work.author)
    return Seen(work=at_work, changes=found, error=error, resume=resume, version=voice.version)


def _past(client: Client, work: Workspace) -> Past:
    found, error = training.runs(client.settings, work)
    params, _ = client.params_or_error()
    submitted = cluster.submitted(client.settings, params) if params else ()
    return Past(runs=found, error=error, submitted=submitted)


def _show(client: Client, seen: Seen) -> None:
    if seen.error:
        parts.note("bad", seen.error)
    if seen.work.busy:
        _progress(client, seen.work)
    elif not (seen.changes.documents or seen.changes.handed_in or seen.changes.trained_at):
        parts.empty(
            "o_school",
            "Nothing to learn from yet",
            "Hand over some of your writing first. A few dozen texts are enough to begin with.",
            "Add a source",
            "/sources",
        )
        return
    else:
        _ask(client, seen)
    _differences(seen.changes)


def _progress(client: Client, work: working.Work) -> None:
    now = next((stage for stage in work.stages if stage.state == "running"), None)
    with ui.element("section").classes("card raised").props('aria-label="At work"'):
        with ui.element("div").classes("line apart"):
            parts.heading(2, now.name if now else (work.job.title if work.job else "At work"))
            with ui.element("span").classes("chip good"):
                ui.element("span").classes("dot live")
                ui.label(f"step {_STAGES.index(now.key) + 1} of {len(_STAGES)}" if now else "starting")
        bar = ui.linear_progress(value=(now.share if now else None) or 0, show_value=False)
        bar.props(f'{"" if now and now.share is not None else "indeterminate"} aria-label="Progress"')
        if now:
            parts.text(
                " · ".join(p for p in (working.left(now), now.step, now.detail) if p), "soft nums"
            )  # fmt: skip
        with ui.element("div").classes("line"):
            if work.job and work.job.state == "running":
                parts.quiet("Cancel", lambda: working.confirm_stop(client), icon="o_stop")
                parts.quiet("Log", partial(working.log, work.job), icon="o_notes")
                parts.text("Goes on when you close this tab.", "soft small")
            else:
                parts.text("Started outside this page, at a terminal: stop it there.", "soft small")


def _ask(client: Client, seen: Seen) -> None:
    found, job = seen.changes, seen.work.job
    stopped = job is not None and job.state in ("stopped", "failed", "lost") and job.kind in jobs.STAGES
    title, words = _pitch(seen, stopped)
    with ui.element("section").classes("card next").props('aria-label="What to do next"'):
        with ui.element("div").classes("grow").style("min-width: 220px"):
            parts.heading(2, title)
            parts.text(words, "soft")
        with ui.element("div").classes("line choices"):
            if stopped:
                parts.go("Resume", lambda: working.start(client, jobs.TRAIN), icon="o_play_arrow")
            elif found.any or found.trained_at is None:
                parts.go("Train", lambda: working.start(client, jobs.TRAIN), icon="o_play_arrow")
            else:
                parts.quiet("Train again", lambda: working.start(client, jobs.AGAIN), icon="o_refresh")
            parts.quiet("On the cluster…", lambda: _cluster(client), icon="o_cloud_upload")
            if job:
                parts.bare("o_notes", "Log of the last run", partial(working.log, job))
    if stopped and job is not None and job.state == "failed":
        broken = next((stage for stage in seen.work.stages if stage.error), None)
        parts.note("bad", broken.error if broken else jobs.tail(job, 6), f"{job.title}: stopped with an error")


def _pitch(seen: Seen, stopped: bool) -> tuple[str, str]:
    found = seen.changes
    if stopped:
        step = f" Learning goes on from step {seen.resume}." if seen.resume else ""
        return "It was interrupted", f"What was finished is kept.{step}"
    if found.trained_at is None:
        return "Ready to learn your voice", f"{found.documents:,} texts, {found.words:,} words. It takes some minutes."
    if not found.any:
        return "Nothing new to learn", f"It last learned {state.ago(found.trained_at)}, and nothing has changed since."
    said = [
        f"{found.new:,} new text{_s(found.new)}" if found.new else "",
        f"{found.changed:,} changed" if found.changed else "",
        f"{found.gone:,} gone" if found.gone else "",
        f"{len(found.params)} choice{_s(len(found.params))} changed" if found.params else "",
        f"{found.handed_in} file{_s(found.handed_in)} not read yet" if found.handed_in else "",
        "" if found.known else "what the last training learned from is not known",
    ]
    words = " · ".join(part for part in said if part)
    return (
        "There is something new to learn",
        f"{words[:1].upper()}{words[1:]}. It last learned {state.ago(found.trained_at)}.",
    )


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _differences(found: Changes) -> None:
    if found.trained_at is None or not (found.titles or found.params):
        return
    with ui.element("div").classes("halves"):
        if found.titles:
            with ui.element("section").classes("card"):
                parts.heading(2, "New or changed texts")
                with ui.element("div").classes("stack").style("gap: 0.25rem").props("role=list"):
                    for title in found.titles:
                        parts.text(title, "cut").props("role=listitem")
                more = found.new + found.changed - len(found.titles)
                tail = f"and {more:,} more · " if more > 0 else ""
                parts.text(f"{tail}{found.fresh_words:,} words in all", "soft small")
        if found.params:
            with ui.element("section").classes("card"):
                parts.heading(2, "Changed choices")
                with parts.scroll("Changed choices"):
                    parts.table(("Choice", "Then", "Now"), found.params)


async def _curve(client: Client, work: Workspace, card: ui.element) -> None:
    """The losses, drawn once and moved on while a training runs."""

    def read() -> training.Curves:
        stages = {stage.key: stage for stage in working.look(client, work).stages}
        learning = stages["train"] if stages["train"].state == "running" else None
        return training.curve(client.settings, work, learning)

    found = await run.io_bound(read) or ()
    shown, show = [found], plots.curves(found, "step", "Loss while learning", _MEANING, "quiet")
    card.set_visibility(bool(found))

    async def look() -> None:
        newer = await run.io_bound(read)
        if newer and newer != shown[0]:
            shown[0] = newer
            show(newer)
            card.set_visibility(True)

    ui.timer(2.0, look, immediate=False)


def _runs(client: Client, seen: Past) -> None:
    if seen.error:
        parts.note("warn", seen.error, "The list of versions could not be read anew")
    if seen.submitted:
        _submitted(seen.submitted)
    if not seen.runs:
        return
    with ui.element("section").classes("card"):
        parts.heading(2, "Versions")
        head = (
            "Version",
            "When",
            "Verdict",
            "Easier to predict",
            "Style gap closed",
            "Held-out loss",
            "Learning took",
            "",
        )
        with parts.scroll("Versions"), ui.element("table").classes("plain nums versions"):
            parts.row(head, "th")
            for version in seen.runs:
                _run(client, version)
        if not client.settings.mlflow_uri.startswith("http"):
            command = f"mlflow ui --backend-store-uri {client.settings.mlflow_uri}"
            with ui.element("div").classes("line soft small"):
                parts.text("Look into every run with MLflow:", "soft small")
                ui.label(command).classes("cut").style("font-family: ui-monospace, monospace; max-width: 60ch")
                parts.bare("o_content_copy", "Copy the command", partial(ui.clipboard.write, command))


def _run(client: Client, version: Run) -> None:
    gain, gap = version.figure("bits_per_byte_gain"), version.figure("style_gap_closure_lora")
    loss, seconds = version.figure("train.validation_loss"), version.figure("train.seconds")
    with ui.element("tr"):
        with parts.cell("th"):
            ui.label(version.version)
        with parts.cell():
            ui.label(state.ago(version.at)).tooltip(time.strftime("%d %b %Y %H:%M", time.localtime(version.at)))
        with parts.cell(), ui.element("span").classes("line nowrap").style("gap: 0.35rem"):
            if version.champion:
                parts.chip("writes now", "good")
            elif version.verdict:
                parts.chip("let through" if version.verdict == "passed" else "held back")
        for value, shape in ((gain, "%"), (gap, "%"), (loss, "")):
            with parts.cell():
                ui.label("" if value is None else evaluation.write(value, shape))
        with parts.cell():
            ui.label("" if seconds is None else working.span(seconds))
        with parts.cell():
            link = training.mlflow_link(client.settings, version)
            if link:
                ui.link("MLflow", link, new_tab=True).props(f'aria-label="Version {version.version} in MLflow"')


def _submitted(found: tuple[cluster.Submitted, ...]) -> None:
    with ui.element("section").classes("card"):
        parts.heading(2, "On the cluster")
        with ui.element("div").classes("stack").style("gap: 0.4rem"):
            for run_ in found:
                with ui.element("div").classes("line"):
                    tone, words = {
                        "running": ("", "handing over"), "done": ("good", "taken"), "stopped": ("", "cancelled"),
                    }.get(run_.state, ("bad", "refused"))  # fmt: skip
                    parts.chip(words, tone)
                    ui.label(state.ago(run_.at)).classes("soft small")
                    if run_.link:
                        ui.link("Follow it in Kubeflow", run_.link, new_tab=True)
                    elif run_.state not in ("running", "stopped"):
                        parts.text(run_.said, "small pre").style("color: var(--bad)")


def _cluster(client: Client) -> None:
    params, error = client.params_or_error()
    if params is None:
        ui.notify(error, type="negative")
        return
    known = cluster.last_order(client.settings, params)
    with parts.dialog() as dialog:
        parts.heading(2, "Train on the cluster")
        parts.text("It learns from what the feature pipeline stored there, and is promoted there, too.", "soft")
        host = ui.input("Pipelines’ server", value=known.host).props("outlined").classes("full")
        documents = ui.input("Documents", value=known.documents, placeholder="s3://twin/documents")
        features = ui.input("Features", value=known.features, placeholder="s3://twin/features")
        for field in (documents, features):
            field.props("outlined stack-label").classes("full")
        problem = ui.element("div").classes("full")

        def submit() -> None:
            order = cluster.Order(
                host=(host.value or "").strip(), documents=(documents.value or "").strip(),
                features=(features.value or "").strip(),
            )  # fmt: skip
            problem.clear()
            try:
                cluster.submit(client.settings, order)
            except TwinError as refused:
                with problem:
                    parts.note("bad", str(refused))
                return
            dialog.close()
            ui.notify("Handed to the cluster. Its answer appears on this page.", type="positive")

        features.on("keydown.enter", submit)
        with ui.element("div").classes("line"):
            parts.go("Hand it over", submit, icon="o_cloud_upload")
            parts.quiet("Not now", dialog.close)
