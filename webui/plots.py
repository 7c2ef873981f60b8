"""Drawings with a sentence for those who do not see them: curves, maps, intervals, a calendar, shares."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from html import escape
from typing import Any

from nicegui import ui

from webui import parts

Points = Sequence[tuple[float, float]]
_SYMBOLS = ("circle", "triangle", "rect", "diamond", "circle")
# ECharts measures words itself: it must be told the page's own letters.
_FONT = "-apple-system, BlinkMacSystemFont, 'Segoe UI', Roboto, sans-serif"
_COLOURS = tuple(f"var(--c{n})" for n in range(1, 6))


def curves(
    found: Sequence[tuple[str, Points]], x: str, name: str, meaning: str = "", kind: str = ""
) -> Callable[[Any], None]:
    """Lines over a common axis; returns a function that shows newer values in the same drawing."""
    box = ui.element("div").props("role=img").classes("full")
    with box:
        chart = ui.echart(_lines(found, x, kind), renderer="svg").classes(f"plot {kind}")
    if meaning:
        note(meaning)
    table = _table([x, "", ""], ())

    def show(newer: Sequence[tuple[str, Points]]) -> None:
        box.props(f'aria-label="{escape(name)}: {escape(_spoken(newer))}"')
        chart.options.clear()
        chart.options.update(_lines(newer, x, kind))
        chart.update()
        _fill(table, (x, "", ""), [(label, f"{a:g}", f"{b:.3f}") for label, points in newer for a, b in points[-60:]])

    show(found)
    return show


def _spoken(found: Sequence[tuple[str, Points]]) -> str:
    return "; ".join(f"{label} from {points[0][1]:.3f} to {points[-1][1]:.3f}" for label, points in found if points)


def _lines(found: Sequence[tuple[str, Points]], x: str, kind: str) -> dict[str, Any]:
    frame = _frame(x)
    frame["yAxis"]["scale"] = kind != "quiet"  # shares and seconds begin at nothing, a loss does not
    series = []
    for n, (label, points) in enumerate(found):
        few = len(points) < 25
        series.append(
            {"name": label, "type": "line", "data": [list(p) for p in points], "showSymbol": few or n > 0,
             "symbol": _SYMBOLS[n % 5], "symbolSize": 8 if n else 6, "z": 3 + n, "connectNulls": True,
             "lineStyle": {"width": 2, "type": "dashed" if n else "solid"},
             "emphasis": {"disabled": True}}
        )  # fmt: skip
    return frame | {
        "tooltip": _tooltip("axis") | {":valueFormatter": "(v) => v == null ? '' : Number(v).toFixed(3)"},
        "series": series,
    }


def scatter(groups: Mapping[str, Points], name: str, spoken: str) -> None:
    """Points by group: a colour and a shape each."""
    series = [
        {"name": label, "type": "scatter", "data": [list(p) for p in points], "symbol": _SYMBOLS[n % 5],
         "symbolSize": 9, "itemStyle": _filled(n), "emphasis": {"disabled": True}}
        for n, (label, points) in enumerate(groups.items())
    ]  # fmt: skip
    # The map has no units: only what lies near to what is of interest.
    bare = {"axisLabel": {"show": False}, "axisTick": {"show": False}, "splitLine": {"show": False}}
    options = _frame("")
    options["xAxis"] |= bare | {"axisLine": {"show": False}}
    options["yAxis"] |= bare | {"axisLine": {"show": False}}
    options["grid"] |= {"left": 8, "bottom": 62}
    options["legend"] |= {"itemWidth": 10}
    options |= {"tooltip": _tooltip("item") | {"formatter": "{a}"}, "series": series}
    with ui.element("div").props(f'role=img aria-label="{escape(name)}: {escape(spoken)}"').classes("full"):
        ui.echart(options, renderer="svg").classes("plot square")


def _filled(n: int) -> dict[str, Any]:
    """The fifth group has the first one's shape, hollow."""
    hollow = {"color": "transparent", "borderColor": _COLOURS[4], "borderWidth": 1.5}
    return hollow if n == 4 else {"opacity": 0.75}


def _frame(x: str) -> dict[str, Any]:
    axis = {"axisLabel": {"color": "var(--soft)"}, "axisLine": {"lineStyle": {"color": "var(--line)"}}}
    return {
        "animation": False, "color": list(_COLOURS), "textStyle": {"fontFamily": _FONT, "color": "var(--soft)"},
        "grid": {"left": 46, "right": 16, "top": 14, "bottom": 66},
        "legend": {"bottom": 0, "itemHeight": 10, "itemGap": 20, "textStyle": {"color": "var(--soft)", "fontSize": 13}},
        "xAxis": {"type": "value", "name": x, "nameLocation": "middle", "nameGap": 24, "splitLine": {"show": False},
                  "min": "dataMin", "max": "dataMax", "minInterval": 1, "nameTextStyle": {"color": "var(--soft)"}, **axis},
        "yAxis": {"type": "value", "scale": True, "splitLine": {"lineStyle": {"color": "var(--line)"}}, **axis},
    }  # fmt: skip


def _tooltip(trigger: str) -> dict[str, Any]:
    return {
        "trigger": trigger, "confine": True, "backgroundColor": "var(--raise)", "borderColor": "var(--line)",
        "textStyle": {"color": "var(--ink)", "fontSize": 13},
    }  # fmt: skip


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> ui.element:
    details = ui.element("details").classes("alt")
    with details:
        summary = ui.label("As a table")
        summary.tag = "summary"
        box = ui.element("div").classes("scroll").props('tabindex="0" role="region" aria-label="The figures"')
    _fill(box, head, rows)
    return box


def _fill(box: ui.element, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Replace a table's content: one element, however many rows."""
    lines = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    box.clear()
    with box:
        ui.html(f'<table class="plain nums"><tbody>{lines}</tbody></table>', sanitize=False)


def forest(rows: Sequence[tuple[str, float, float, float, str]], write: Callable[[float], str], name: str) -> None:
    """Values with intervals, one row each: (who, value, low, high, kind); `kind` is ours, goal or empty."""
    low, high = min(r[2] for r in rows), max(r[3] for r in rows)
    low, high = min(low, 0.0) if low < 0.25 * high else low, max(high, low + 1e-9)

    def place(value: float) -> float:
        return max(0.0, min(100.0, 100 * (value - low) / ((high - low) or 1)))

    with ui.element("div").classes("forest").props(f'role=table aria-label="{escape(name)}"'):
        for who, value, a, b, kind in rows:
            whisker = f"left:{place(a):.1f}%;width:{max(0.0, place(b) - place(a)):.1f}%"
            said = f"{write(a)} to {write(b)}"
            ui.html(
                f'<span class="who" role="cell">{escape(who)}</span><span class="track" role="cell" aria-hidden="true">'
                f'<span class="whisker" style="{whisker}"></span><span class="point" style="left:{place(value):.1f}%">'
                f'</span></span><span class="said" role="cell">{write(value)} <span class="soft">{said}</span></span>',
                sanitize=False,
            ).classes(f"row {kind}").props("role=row")


def calendar(days: Mapping[date, int], name: str) -> None:
    """Words a day as one strip of weeks a year, the newest first; at most three years."""
    years = sorted({day.year for day in days}, reverse=True)[:3]
    ordered = sorted(days.values())
    steps = [ordered[len(ordered) // 3], ordered[2 * len(ordered) // 3]]
    with ui.element("div").classes("calendar"):
        for year in years:
            mine = {day: count for day, count in days.items() if day.year == year}
            said = f"{name} {year}: {sum(mine.values()):,} words on {len(mine)} days"
            with ui.element("div").classes("year"):
                ui.label(str(year)).classes("soft small nums").props('aria-hidden="true"')
                view = f'<svg viewBox="0 0 {54 * 12} {7 * 12}" role="img" aria-label="{escape(said)}">'
                ui.html(f"{view}{_year(year, mine, steps)}</svg>", sanitize=False).classes("full")
        with ui.element("div").classes("line soft small").props('aria-hidden="true"'):
            ui.html(
                '<span class="scale"><span>fewer words&nbsp;</span><i></i><i></i><i></i><i></i><span>&nbsp;more</span></span>',
                sanitize=False,
            )


def _year(year: int, days: Mapping[date, int], steps: Sequence[int]) -> str:
    first, drawn = date(year, 1, 1), []
    for n in range((date(year + 1, 1, 1) - first).days):
        day = first + timedelta(n)
        column, count = (n + first.weekday()) // 7, days.get(day, 0)
        level = 0 if not count else 1 + sum(count > step for step in steps)
        title = f"<title>{day:%d %b %Y}: {count:,} words</title>" if count else ""
        drawn.append(
            f'<rect class="l{level}" x="{column * 12}" y="{day.weekday() * 12}" width="10" height="10" rx="2">{title}</rect>'
        )
    return "".join(drawn)


def shares(values: Sequence[tuple[str, int]], unit: str, name: str) -> None:
    """A bar for each (label, value), the largest first, with the value beside it."""
    top, whole = max((v for _, v in values), default=1) or 1, sum(v for _, v in values) or 1
    with ui.element("div").classes("shares").props(f'role=list aria-label="{escape(name)}"'):
        for label, value in sorted(values, key=lambda pair: -pair[1]):
            with ui.element("div").classes("row").props("role=listitem"):
                ui.label(label)
                ui.element("span").classes("bar").style(f"width: {100 * value / top:.1f}%").props('aria-hidden="true"')
                ui.label(f"{value:,} {unit} · {value / whole:.0%}").classes("soft small nums")


def note(words: str) -> None:
    """What a drawing means, under it."""
    parts.text(words, "soft small").style("max-width: 88ch")
