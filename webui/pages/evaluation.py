"""Evaluation: is the twin better than the model it began with, and may it write?"""

from __future__ import annotations

from dataclasses import dataclass

from nicegui import ui

from webui import parts, theme
from webui.access.door import Door
from webui.client import Client, evaluation, state
from webui.client.evaluation import Figure
from webui.pages import reports


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the page shows, read in one go."""

    error: str = ""
    verdict: str = ""
    headline: str = ""
    reasons: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    arms: tuple[tuple[str, ...], ...] = ()
    others: tuple[tuple[str, str], ...] = ()
    loss: tuple[tuple[str, tuple[tuple[float, float], ...]], ...] = ()
    report: float | None = None


def register(door: Door) -> None:
    """Serve the page at `/evaluation`."""

    async def page() -> None:
        client = door.enter()
        with theme.frame(client, "/evaluation", "Evaluation", "Measured on texts of yours that the twin never saw."):
            await parts.live(lambda: _look(client), _show, every=4.0)

    theme.page("/evaluation")(page)


def _look(client: Client) -> Seen:
    params, error = client.params_or_error()
    if params is None:
        return Seen(error=error)
    work = client.workspace(params.author.id)
    gate = evaluation.gate(work)
    report = reports.paths(client, params.author.id)[0]
    return Seen(
        verdict=state.verdict(gate), headline=str(gate.get("headline") or ""), arms=tuple(evaluation.arms(work)),
        reasons=state.reasons(gate), figures=tuple(evaluation.figures(work)),
        others=tuple(evaluation.others(work)), loss=evaluation.loss(work),
        report=report.stat().st_mtime if report.is_file() else None,
    )  # fmt: skip


def _show(seen: Seen) -> None:
    if seen.error:
        parts.note("bad", seen.error)
    if not (seen.verdict or seen.figures or seen.others or seen.report):
        parts.empty(
            "o_insights",
            "Not measured yet",
            "When the twin has learned, it is measured against texts it never saw. Only a better one is let through.",
            "To the overview",
            "/",
        )
        if seen.loss:
            _learning(seen)
        return
    _verdict(seen)
    if seen.figures:
        with ui.element("section").classes("figures").props('aria-label="Key figures"'):
            for figure in seen.figures:
                parts.figure(figure.name, figure.value, figure.hint)
    if seen.arms:
        _compared(seen.arms)
    if seen.loss:
        _learning(seen)
    if seen.others:
        with (
            ui.element("section").classes("card").style("padding-top: 0.2rem; padding-bottom: 0.2rem"),
            ui.expansion("All figures", value=not seen.figures).style("border: 0"),
        ):
            table(seen.others)
    if seen.report:
        # The time in the address lets the browser fetch a report that was made anew.
        parts.report_frame(f"{reports.EVALUATION}?v={seen.report:.0f}", "The whole report")


def _verdict(seen: Seen) -> None:
    if not seen.verdict:
        return
    passed = seen.verdict == "passed"
    title = "Let through: this version may write" if passed else "Held back: the version before keeps writing"
    reasons = [seen.headline, *seen.reasons] if seen.headline not in ("", "Promoted") else seen.reasons
    parts.note("good" if passed else "warn", "\n".join(reasons), title)


def _compared(rows: tuple[tuple[str, ...], ...]) -> None:
    with ui.element("section").classes("card").style("overflow-x: auto"):
        parts.heading(2, "Who writes like you")
        with ui.element("table").classes("plain nums"):
            for n, row in enumerate(rows):
                with ui.element("tr"):
                    for m, words in enumerate(row):
                        cell = ui.label(words)
                        cell.tag = "th" if n == 0 or m == 0 else "td"


def _learning(seen: Seen) -> None:
    with ui.element("section").classes("card"):
        parts.heading(2, "How it learned")
        parts.curves(seen.loss)


def table(rows: tuple[tuple[str, str], ...]) -> None:
    """Keys and values, plainly."""
    with ui.element("table").classes("plain nums"):
        for key, value in rows:
            with ui.element("tr"):
                for tag, words in (("th", key.replace("_", " ").replace(".", " · ")), ("td", value)):
                    cell = ui.label(words)
                    cell.tag = tag
