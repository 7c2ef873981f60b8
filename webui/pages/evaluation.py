"""Evaluation: is the twin better than the model it began with, and may it write?"""

from __future__ import annotations

import math
from dataclasses import dataclass

from nicegui import ui

from webui import parts, plots, theme
from webui.access.door import Door
from webui.client import Client, evaluation, state
from webui.client import blind as blind_client
from webui.client.blind import Score
from webui.client.evaluation import Figure
from webui.pages import blind as blind_page
from webui.pages import reports


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the page shows, read in one go."""

    error: str = ""
    verdict: str = ""
    headline: str = ""
    reasons: tuple[str, ...] = ()
    checks: tuple[tuple[str, str, str], ...] = ()
    figures: tuple[Figure, ...] = ()
    arms: tuple[tuple[str, ...], ...] = ()
    others: tuple[tuple[str, str], ...] = ()
    measures: tuple[evaluation.Measure, ...] = ()
    map: tuple[tuple[str, tuple[tuple[float, float], ...]], ...] = ()
    blind: Score | None = None
    report: float | None = None


_SAID = {"pass": "passed", "fail": "failed", "insufficient": "too few texts to tell"}


def register(door: Door) -> None:
    """Serve the page at `/evaluation`."""

    async def page() -> None:
        client = door.enter()
        with theme.frame(client, "/evaluation", "Evaluation", "Measured on texts of yours that the twin never saw."):
            chosen = [0]
            await parts.live(lambda: _look(client), lambda seen: _show(client, seen, chosen), every=4.0)

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
        reasons=state.reasons(gate), checks=evaluation.checks(work), figures=tuple(evaluation.figures(work)),
        others=tuple(evaluation.others(work)), measures=evaluation.measures(work),
        map=tuple(evaluation.stylemap(work).items()), blind=blind_client.score(client.settings, work),
        report=report.stat().st_mtime if report.is_file() else None,
    )  # fmt: skip


def _show(client: Client, seen: Seen, chosen: list[int]) -> None:
    if seen.error:
        parts.note("bad", seen.error)
    if not (seen.verdict or seen.figures or seen.others or seen.report):
        parts.empty(
            "o_insights",
            "Not measured yet",
            "When the twin has learned, it is measured against texts it never saw. Only a better one is let through.",
            "To the training",
            "/train",
        )
        return
    _verdict(seen)
    if seen.figures:
        with ui.element("section").classes("figures").props('aria-label="Key figures"'):
            for figure in seen.figures:
                parts.figure(figure.name, figure.value, figure.hint, figure.interval)
    if client.visitor.may("editor"):
        _blind(seen.blind)
    if seen.measures or seen.arms:
        _compared(seen, chosen)
    if seen.map:
        _map(dict(seen.map))
    if seen.others:
        with (
            ui.element("section").classes("card").style("padding-top: 0.2rem; padding-bottom: 0.2rem"),
            ui.expansion("All figures", value=not seen.figures).style("border: 0").classes(parts.READING),
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
    said = [seen.headline] if seen.headline not in ("", "Promoted") else []
    if not seen.checks:
        parts.note("good" if passed else "warn", "\n".join([*said, *seen.reasons]), title)
        return
    held = sum(verdict == "pass" for _, verdict, _ in seen.checks)
    parts.note("good" if passed else "warn", "\n".join([*said, f"{held} of {len(seen.checks)} checks passed."]), title)
    with (
        ui.element("section").classes("card").style("padding-top: 0.2rem; padding-bottom: 0.2rem"),
        ui.expansion("The checks", value=not passed).style("border: 0").classes(parts.READING),
        ui.element("div").classes("checks"),
    ):
        for name, verdict, reason in seen.checks:
            icon = {"pass": "o_check_circle", "fail": "o_cancel"}.get(verdict, "o_help_outline")
            ui.icon(icon).classes(verdict).props(f'role=img aria-label="{_SAID.get(verdict, verdict)}"')
            with ui.element("div"):
                ui.label(name)
                parts.text(reason[:1].upper() + reason[1:] + ".", "soft small")


def _blind(score: Score | None) -> None:
    """The invitation to the test, with what it came to so far."""
    if score is None or not (score.left or score.asked):
        return
    with ui.element("section").classes("card next").props('aria-label="Blind test"'):
        with ui.element("div").classes("grow").style("min-width: 220px"):
            parts.heading(2, "Which one did you write?")
            parts.text(blind_page.headline(score) or "Your text and the twin’s, side by side. Can you tell?", "soft")
        parts.go("Go on" if score.asked else "Take the test", lambda: ui.navigate.to("/evaluation/blind"), "o_quiz")


def _compared(seen: Seen, chosen: list[int]) -> None:
    with ui.element("section").classes("card"):
        parts.heading(2, "Who writes like you")
        if seen.measures:
            _choose(seen.measures, chosen)
        if seen.arms:
            with (
                ui.expansion("All measures as a table").props("dense").classes(parts.READING),
                parts.scroll("All measures"),
            ):
                parts.table(seen.arms[0], seen.arms[1:])


def _choose(found: tuple[evaluation.Measure, ...], chosen: list[int]) -> None:
    """One measure at a time, all arms of it; the choice outlives a redrawing."""
    chosen[0] = min(chosen[0], len(found) - 1)
    names = {n: measure.name for n, measure in enumerate(found)}

    def draw(number: int) -> None:
        chosen[0] = number
        box.clear()
        with box:
            measure = found[number]
            plots.forest(measure.rows, evaluation.short(measure.shape), measure.name)
            plots.note(f"{measure.meaning} The line is the 95% interval.")

    with ui.element("div").classes("scroll"):
        parts.segments(names, chosen[0], "Measure", lambda e: draw(int(e.value))).classes(parts.READING)
    box = ui.element("div").classes("stack").props('aria-live="polite"')
    draw(chosen[0])


def _map(groups: dict[str, tuple[tuple[float, float], ...]]) -> None:
    with ui.element("section").classes("card"):
        parts.heading(2, "Where the styles lie")
        plots.scatter(groups, "Map of styles", _nearest(groups))
        plots.note(
            f"Each mark is five texts together, by function words, punctuation and layout alone. {_nearest(groups)}"
        )


def _nearest(groups: dict[str, tuple[tuple[float, float], ...]]) -> str:
    """What the map shows, as a sentence: how far each group's middle is from the author's."""
    middles = {name: (sum(x for x, _ in p) / len(p), sum(y for _, y in p) / len(p)) for name, p in groups.items()}
    home = middles.get("You")
    if home is None or len(middles) < 2:
        return ""
    far = {name: math.dist(home, place) for name, place in middles.items() if name != "You"}
    ordered = sorted(far, key=lambda name: far[name])
    return f"From near to far from you: {', '.join(ordered)}."


def table(rows: tuple[tuple[str, str], ...]) -> None:
    """Keys and values, plainly."""
    with ui.element("table").classes("plain nums"):
        for key, value in rows:
            with ui.element("tr"):
                for tag, words in (("th", key.replace("_", " ").replace(".", " · ")), ("td", value)):
                    cell = ui.label(words)
                    cell.tag = tag
