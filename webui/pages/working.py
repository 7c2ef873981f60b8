"""The work in progress, shared by Home and Sources: stages, start, stop, what failed and its log."""

from __future__ import annotations

from dataclasses import dataclass

from nicegui import ui

from twin.errors import TwinError
from twin.workspace import Workspace
from webui import parts
from webui.client import Client, jobs, state


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The newest pipeline job and every stage; `outside` when somebody runs a stage at a terminal."""

    job: jobs.Job | None
    stages: tuple[state.Stage, ...]
    outside: bool

    @property
    def busy(self) -> bool:
        """Whether anything runs."""
        return self.outside or (self.job is not None and self.job.state == "running")


def look(client: Client, work: Workspace) -> Work:
    """Read jobs and progress."""
    job = jobs.running(client.settings) or jobs.latest(client.settings, *jobs.STAGES)
    found = state.stages(client.settings, work, job)
    return Work(job=job, stages=tuple(found), outside=state.outside(found, job))


def card(client: Client, work: Work) -> None:
    """The stages with their buttons."""
    job = work.job
    with ui.element("section").classes("card").props('aria-label="The pipeline"'):
        with ui.element("div").classes("line apart"):
            parts.heading(2, "From your texts to your voice")
            if work.busy:
                with ui.element("span").classes("chip good"):
                    ui.element("span").classes("dot live")
                    ui.label("at work")
        parts.stage_list(work.stages)
        if work.outside:
            parts.text("Started outside this page, at a terminal.", "soft small")
        elif not work.busy:
            _ended(job)
        with ui.element("div").classes("line"):
            if job and job.state == "running":
                parts.quiet("Stop", lambda: confirm_stop(client), icon="o_stop")
            elif not work.outside:
                parts.quiet("Update the twin", lambda: start(client, jobs.PIPELINE), icon="o_refresh")
            if job:
                parts.quiet("Log", lambda: log(job), icon="o_notes")
        if job and job.state == "running":
            parts.text("The work goes on when you close this tab.", "soft small")


def _ended(job: jobs.Job | None) -> None:
    if job is None or job.state == "done":
        return
    words = {
        "failed": "It stopped with an error. What was finished is kept; starting again goes on from there.",
        "stopped": "You stopped it. What was finished is kept.",
        "lost": "It was interrupted, perhaps by a restart of the machine. Start it again: what was finished is kept.",
    }[job.state]
    parts.note(
        "bad" if job.state == "failed" else "warn", words, f"{job.title}: {state.ago(job.ended_at or job.started_at)}"
    )


def log(job: jobs.Job) -> None:
    """Open the log of a job, which goes on growing there."""
    with parts.dialog() as dialog:
        parts.heading(2, "Log of the last run")
        lines = ui.label(jobs.tail(job) or "Nothing yet.").classes("log").props('tabindex="0"')
        ui.timer(2.0, lambda: lines.set_text(jobs.tail(job) or "Nothing yet."))
        parts.quiet("Close", dialog.close).style("align-self: start")


def start(client: Client, kind: str) -> None:
    """Start a job, or say why not."""
    try:
        jobs.start(client.settings, kind)
    except TwinError as error:
        ui.notify(str(error), type="warning", multi_line=True)
        return
    ui.notify("Started. You can close this tab; the work goes on.", type="positive")


def left(stage: state.Stage) -> str:
    """How far a running stage is and how long it still takes."""
    share = f"{stage.share:.0%}" if stage.share is not None else ""
    ahead = f"about {span(stage.eta)} left" if stage.eta is not None else ""
    return ", ".join(part for part in (share, ahead) if part)


def span(seconds: float) -> str:
    """A length of time, as people say it."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def confirm_stop(client: Client) -> None:
    """Ask before the running job is stopped."""
    with parts.dialog() as dialog:
        parts.heading(2, "Stop the work?")
        parts.text("Stages that are finished stay; the one that runs now starts over next time.")

        def stop() -> None:
            jobs.stop(client.settings)
            dialog.close()

        with ui.element("div").classes("line"):
            parts.go("Stop it", stop)
            parts.quiet("Let it work", dialog.close)
