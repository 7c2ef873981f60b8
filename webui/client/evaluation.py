"""The stored reports' figures, in words that people use; keys that are not known yet are shown as they are."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import Any

from twin.workspace import Workspace
from webui.client import state

Shape = str

# A pattern of the key in metrics.json, what it is called, what it means, and how it is written. The first key that
# fits a pattern is its figure; every other key is in the table of all figures.
_KNOWN: tuple[tuple[str, str, str, Shape], ...] = (
    (r"(bits_per_byte|bpb).*(gain|saved|reduction)", "Knows your words", "easier to predict than for the base", "%"),
    (r"^accepted_masked_10_lora$", "Taken for you", "of ten drafts together, by the judge of style", "%"),
    (r"^style_gap_closure_lora$", "Style gap closed", "100 % is as near as your own newer texts", "%"),
    (r"(voice|verifier).*(auc|score)", "Judge of style", "1 tells you from every stranger", ""),
    (r"(delta|distance|style).*adapter", "Distance to your style", "0 is you", ""),
    (r"^copy_share_above_self$|cop(y|ied).*share", "Copied passages", "of the drafts; low is good", "%"),
    (r"tokens_per_second|tok_s", "Speed", "tokens a second", ""),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A key figure as text."""

    name: str
    value: str
    hint: str = ""


def metrics(work: Workspace) -> dict[str, Any]:
    """metrics.json with nested keys joined by dots; empty when there is none."""
    return dict(_flat("", state.read(work.report / "metrics.json")))


def gate(work: Workspace) -> dict[str, Any]:
    """gate.json, or empty."""
    return state.read(work.report / "gate.json")


def figures(work: Workspace) -> list[Figure]:
    """The known key figures, the most telling first."""
    return [figure for _, figure in _named(metrics(work))]


def headline(work: Workspace) -> Figure | None:
    """The first of them, for Home."""
    return next(iter(figures(work)), None)


def others(work: Workspace) -> list[tuple[str, str]]:
    """Every remaining scalar as (key, value)."""
    found = metrics(work)
    known = {key for key, _ in _named(found)}
    return [(key, write(value)) for key, value in sorted(found.items()) if key not in known]


def _named(found: dict[str, Any]) -> list[tuple[str, Figure]]:
    named: list[tuple[str, Figure]] = []
    for pattern, name, hint, shape in _KNOWN:
        numbers = (k for k, v in found.items() if isinstance(v, (int, float)) and not isinstance(v, bool))
        key = next((k for k in numbers if re.search(pattern, k.lower()) and k not in dict(named)), None)
        if key is not None:
            named.append((key, Figure(name=name, value=write(found[key], shape), hint=hint)))
    return named


# What the arms of an evaluation are called, in the table's order, and the columns: key, heading, shape.
_ARMS = {
    "real": "You, held out", "lora": "The twin", "lora_rag": "The twin with facts", "aligned": "The twin, aligned",
    "champion": "The version that writes now", "base_rag": "Base model with facts",
    "base_exemplars": "Base model with examples", "base": "Base model", "wrong_author": "Another author's twin",
    "cheater": "An old text, word for word",
}  # fmt: skip
_COLUMNS = (
    ("style_distance_{}", "Distance to your style", ""), ("style_gap_closure_{}", "Gap closed", "%"),
    ("accepted_masked_10_{}", "Taken for you", "%"), ("copy_share_{}", "Copied", "%"),
    ("covered_points_{}", "Points made", "%"), ("unsupported_per_100_words_{}", "Unsupported, per 100 words", ""),
    ("sound_share_{}", "Ends well", "%"),
)  # fmt: skip


def arms(work: Workspace) -> list[tuple[str, ...]]:
    """Who was compared, one row each under a row of headings; columns that nobody has are left out."""
    found = metrics(work)
    present = [arm for arm in _ARMS if f"style_distance_{arm}" in found]
    columns = [c for c in _COLUMNS if any(c[0].format(arm) in found for arm in present)]
    rows = [
        (_ARMS[arm], *(write(found[k], shape) if (k := key.format(arm)) in found else "" for key, _, shape in columns))
        for arm in present
    ]
    return [("", *(heading for _, heading, _ in columns)), *rows] if rows else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """drift.json for people: `verdict` steady, drifted or thin (too few drafts, with `reason`); measures by p-value."""

    verdict: str
    reason: str
    figures: tuple[Figure, ...]
    moved: tuple[tuple[str, str], ...]


def drift(work: Workspace) -> Drift | None:
    """What the last monitoring report found; None when there is none."""
    found = state.read(work.monitoring / "drift.json")
    if not found:
        return None
    latency, share = found.get("latency") or {}, found.get("share")
    figures = [Figure(name="Drafts compared", value=write(found.get("requests", 0)), hint=_by_adapter(found))]
    if share is not None:
        figures.append(
            Figure(
                name="Measures that moved",
                value=write(share, "%"),
                hint=f"alarm at {write(found.get('drift_share', 0.5), '%')}",
            )
        )
    if latency:
        figures.append(
            Figure(
                name="Time for a draft",
                value=f"{latency.get('p50', 0):.1f} s",
                hint=f"95 of 100 within {latency.get('p95', 0):.1f} s",
            )
        )
    verdict = "thin" if found.get("enough") is False else "drifted" if found.get("drifted") else "steady"
    return Drift(
        verdict=verdict, reason=str(found.get("reason") or ""), figures=tuple(figures), moved=tuple(_moved(found))
    )


def _by_adapter(found: dict[str, Any]) -> str:
    return " · ".join(f"{count} by {name}" for name, count in (found.get("adapters") or {}).items())


def _moved(found: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [(k, v) for k, v in (found.get("columns") or {}).items() if isinstance(v, dict) and v.get("drifted")]
    rows.sort(key=lambda row: float(row[1].get("p") or 0))
    return [(key.replace("_", " "), _change(value)) for key, value in rows[:12]]


def _change(value: dict[str, Any]) -> str:
    if value.get("author") is None or value.get("drafts") is None:
        return f"p {value.get('p', 0):.2g}"
    return f"you {value['author']:.3g} → drafts {value['drafts']:.3g} (p {value.get('p', 0):.2g})"


def loss(work: Workspace) -> tuple[tuple[str, tuple[tuple[float, float], ...]], ...]:
    """loss.csv as curves: (name, ((step, value), …)); the first column is the step, the others are curves."""
    try:
        with open(work.adapter / "loss.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        return ()
    if not rows:
        return ()
    step, *names = list(rows[0])
    wanted = [name for name in names if "loss" in name.lower()]
    return tuple(curve for curve in ((name, _points(rows, step, name)) for name in wanted) if len(curve[1]) > 1)


def _points(rows: list[dict[str, str]], step: str, name: str) -> tuple[tuple[float, float], ...]:
    points = []
    for row in rows:
        try:
            points.append((float(row[step]), float(row[name])))
        except (TypeError, ValueError):
            continue
    return tuple(point for point in points if point[1] == point[1])


def write(value: Any, shape: Shape = "") -> str:
    """A value for people: shares as per cent, figures with up to three digits after the point."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        if shape == "%":
            return f"{value:.1%}".replace(".0%", "%")
        if shape == "±%":
            return f"{value:+.1%}"
        if isinstance(value, int) or float(value).is_integer():
            return f"{int(value):,}"
        return f"{value:.3f}"
    return str(value)


def _flat(prefix: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [
            pair for key, inner in value.items() for pair in _flat(f"{prefix}.{key}" if prefix else str(key), inner)
        ]
    if isinstance(value, list):
        if value and all(isinstance(item, (int, float)) for item in value) and len(value) <= 3:
            return [(prefix, " to ".join(write(item) for item in value))]
        return []
    return [(prefix, value)]
