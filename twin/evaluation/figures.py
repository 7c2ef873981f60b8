"""The report's figures as plain SVG: no script, no font and no address from elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from twin.evaluation.intervals import Interval

_WIDTH = 720
_LABEL = 190
_ROW = 34


def forest(rows: Sequence[tuple[str, Interval, str]], unit: str) -> str:
    """Dots with their intervals, one row each: (label, interval, CSS class of the arm). Non-finite rows are left out."""
    rows = [row for row in rows if math.isfinite(row[1].value)]
    if not rows:
        return ""
    low = min(0.0, *(_or(i.low, i.value) for _, i, _ in rows))
    high = max(_or(i.high, i.value) for _, i, _ in rows) * 1.05 or 1.0
    height = _ROW * len(rows) + 44
    parts = [_axis(low, high, height, unit)]
    for n, (label, found, kind) in enumerate(rows):
        y = 24 + n * _ROW
        x, x0, x1 = (_x(v, low, high) for v in (found.value, _or(found.low, found.value), _or(found.high, found.value)))
        parts.append(
            f'<text x="{_LABEL - 14}" y="{y + 4}" class="label">{escape(label)}</text>'
            f'<line x1="{x0:.1f}" x2="{x1:.1f}" y1="{y}" y2="{y}" class="bar {kind}"/>'
            f'<circle cx="{x:.1f}" cy="{y}" r="6" class="dot {kind}"><title>{escape(label)}: {found.value:.3f}'
            f" ({found.low:.3f} to {found.high:.3f})</title></circle>"
            f'<text x="{_WIDTH - 4}" y="{y + 4}" class="value">{found.value:.2f}</text>'
        )
    return _svg(height, parts, f"Distances with 95 % intervals, {unit}")


def dumbbells(documents: Sequence[tuple[str, float, float, int]], limit: int = 40) -> str:
    """Bits per byte of each document, base to adapter, the greatest gain first; at most `limit`, evenly picked."""
    rows = sorted(((d, b / n, a / n) for d, b, a, n in documents if n), key=lambda r: r[2] / r[1])
    rows = [rows[int(i * len(rows) / min(limit, len(rows)))] for i in range(min(limit, len(rows)))]
    if not rows:
        return ""
    step = 17
    low = min(min(b, a) for _, b, a in rows) * 0.97
    high = max(max(b, a) for _, b, a in rows) * 1.02
    height = step * len(rows) + 44
    parts = [_axis(low, high, height, "bits per byte")]
    for n, (name, before, after) in enumerate(rows):
        y = 18 + n * step
        x0, x1 = _x(before, low, high), _x(after, low, high)
        short = name if len(name) <= 28 else f"…{name[-27:]}"
        parts.append(
            f'<text x="{_LABEL - 14}" y="{y + 4}" class="label small">{escape(short)}</text>'
            f'<line x1="{x0:.1f}" x2="{x1:.1f}" y1="{y}" y2="{y}" class="link"/>'
            f'<circle cx="{x0:.1f}" cy="{y}" r="4" class="dot base"/><circle cx="{x1:.1f}" cy="{y}" r="4" class="dot lora">'
            f"<title>{escape(name)}: {before:.3f} → {after:.3f}</title></circle>"
        )
    return _svg(height, parts, "Bits per byte of each held-out text under the base model and under the adapter")


def _axis(low: float, high: float, height: int, unit: str) -> str:
    step = _step(high - low)
    ticks = [step * i for i in range(math.ceil(low / step), math.floor(high / step) + 1)]
    lines = "".join(
        f'<line x1="{_x(t, low, high):.1f}" x2="{_x(t, low, high):.1f}" y1="6" y2="{height - 32}" class="grid"/>'
        f'<text x="{_x(t, low, high):.1f}" y="{height - 18}" class="tick">{t:g}</text>'
        for t in (round(t, 6) for t in ticks)
    )
    return lines + f'<text x="{(_LABEL + _WIDTH - 50) / 2:.0f}" y="{height - 3}" class="tick">{escape(unit)}</text>'


def _step(span: float) -> float:
    rough = max(span, 1e-9) / 6
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * m for m in (1, 2, 5, 10) if power * m >= rough)


def _x(value: float, low: float, high: float) -> float:
    return _LABEL + (value - low) / ((high - low) or 1.0) * (_WIDTH - _LABEL - 60)


def _or(value: float, other: float) -> float:
    return value if math.isfinite(value) else other


def _svg(height: int, parts: Sequence[str], title: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )
