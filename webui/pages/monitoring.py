"""Monitoring: do the drafts still sound like the author?"""

from __future__ import annotations

from dataclasses import dataclass

from nicegui import ui

from webui import parts, plots, theme
from webui.access.door import Door
from webui.client import Client, drafts, evaluation, jobs, state
from webui.client import drift as drifting
from webui.pages import reports, working


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the page shows, read in one go."""

    error: str = ""
    known: bool = False
    stage: state.Stage | None = None
    job: jobs.Job | None = None
    busy: bool = False
    drafts: int = 0
    drift: drifting.Drift | None = None
    history: tuple[evaluation.Report, ...] = ()
    report: float | None = None


def register(door: Door) -> None:
    """Serve the page at `/monitoring`."""

    async def page() -> None:
        client = door.enter()
        with theme.frame(
            client, "/monitoring", "Monitoring", "Holds what the twin was asked to write against your own texts."
        ):
            await parts.live(lambda: _look(client), lambda seen: _show(client, seen))

    theme.page("/monitoring")(page)


def _look(client: Client) -> Seen:
    params, error = client.params_or_error()
    if params is None:
        return Seen(error=error)
    work = client.workspace(params.author.id)
    job = jobs.latest(client.settings, jobs.MONITOR)
    report = reports.paths(client, work.author)[1]
    return Seen(
        known=True, stage=state.monitor_stage(client.settings, work, job), job=job,
        busy=jobs.running(client.settings) is not None, drafts=len(drafts.recent(client.settings, work.author, 10_000)),
        drift=drifting.drift(work), history=evaluation.drift_history(work),
        report=report.stat().st_mtime if report.is_file() else None,
    )  # fmt: skip


def _show(client: Client, seen: Seen) -> None:
    if not seen.known:
        if seen.error:
            parts.note("bad", seen.error)
        parts.empty("o_monitor_heart", "No twin yet", "Begin with a name and a source.", "Begin", "/")
        return
    with ui.element("div").classes("line apart"):
        when = f"Last report {state.ago(seen.report)}" if seen.report else "No report yet"
        ui.label(f"{when} · {seen.drafts:,} draft{'s' if seen.drafts != 1 else ''} written here").classes("soft")
        button = parts.go("Make the report", lambda: working.start(client, jobs.MONITOR), icon="o_monitor_heart")
        button.set_enabled(not seen.busy)
    _work(seen)
    if seen.drift:
        _drift(seen.drift)
    if len(seen.history) > 1:
        _over_time(seen.history)
    if seen.report:
        parts.report_frame(f"{reports.MONITORING}?v={seen.report:.0f}", "The whole report")
    elif not (seen.stage and seen.stage.state == "running"):
        parts.empty(
            "o_monitor_heart",
            "Nothing to compare yet",
            "Write some drafts, then make the report: it shows whether they drift away from your style.",
            "Write a draft",
            "/write",
        )


def _work(seen: Seen) -> None:
    if seen.stage and seen.stage.state in ("running", "failed", "lost"):
        with ui.element("section").classes("card"):
            parts.stage_list([seen.stage])
    elif seen.job and seen.job.state == "running":
        parts.note("", "Making the report…")
    if seen.job and seen.job.state in ("failed", "lost") and not (seen.stage and seen.stage.error):
        parts.note("bad", jobs.tail(seen.job, 6), "The report could not be made")


def _over_time(found: tuple[evaluation.Report, ...]) -> None:
    numbered = list(enumerate(found, 1))
    with ui.element("div").classes("halves"):
        with ui.element("section").classes("card"):
            parts.heading(2, "Drift over time")
            lines = [
                ("Largest shift", [(n, one.share) for n, one in numbered]),
                ("Alarm", [(n, one.alarm) for n, one in numbered]),
            ]
            spoken = f"Report 1 is of {found[0].at[:10]}, the last of {found[-1].at[:10]}."
            plots.curves(lines, "report", "Largest shift over its threshold", spoken, "quiet")
        with ui.element("section").classes("card"):
            parts.heading(2, "Time for a draft")
            lines = [
                ("Half within, s", [(n, one.p50) for n, one in numbered]),
                ("95 of 100 within, s", [(n, one.p95) for n, one in numbered]),
            ]
            plots.curves(lines, "report", "Seconds for a draft", "As the twin’s own service measured it.", "quiet")


def _drift(found: drifting.Drift) -> None:
    tone, title, words = {
        "thin": ("", "Too little to tell yet", found.reason),
        "steady": ("good", "The drafts still sound like you", "Nothing moved more than chance moves it."),
        "drifted": ("warn", "Something moved more than chance moves it", found.training or "See below what it is."),
    }[found.verdict]
    parts.note(tone, words, title)
    with ui.element("section").classes("figures").props('aria-label="Key figures"'):
        for figure in found.figures:
            parts.figure(figure.name, figure.value, figure.hint)
    for section in found.sections:
        _section(section)


def _section(section: drifting.Section) -> None:
    said = {"steady": "no alarm", "moved": "moved", "thin": "too little to tell"}[section.verdict]
    with ui.element("section").classes("card"):
        parts.heading(2, f"{section.title}: {said}")
        ui.label(f"Held against {section.against}. {section.said}").classes("soft")
        if section.moved:
            parts.table(("What moved", "From → to", "Since"), section.moved)
