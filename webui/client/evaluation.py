"""The stored reports' figures, in words that people use; keys that are not known yet are shown as they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twin.files import read_json
from twin.workspace import Workspace
from webui.client import state

Shape = str

# A pattern of the key in metrics.json, what it is called, what it means, and how it is written. The first key that
# fits a pattern is its figure; every other key is in the table of all figures.
_KNOWN: tuple[tuple[str, str, str, Shape], ...] = (
    (r"(bits_per_byte|bpb).*(gain|saved|reduction)", "Knows your words", "easier to predict than for the base", "%"),
    (r"^accepted_masked_10_lora$", "Taken for you", "of ten drafts together, by the judge of style", "%"),
    (r"^style_gap_closure_lora$", "Style gap closed", "100% is as near as your own newer texts", "%"),
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
    interval: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure of all arms: rows of (who, value, low, high, kind) as `plots.forest` draws them."""

    name: str
    meaning: str
    shape: Shape
    rows: tuple[tuple[str, float, float, float, str], ...]


def metrics(work: Workspace) -> dict[str, Any]:
    """metrics.json with nested keys joined by dots; empty when there is none."""
    return dict(_flat("", state.read(work.report / "metrics.json")))


def gate(work: Workspace) -> dict[str, Any]:
    """gate.json, or empty."""
    return state.read(work.report / "gate.json")


_CHECKS = {
    "likelihood": "It knows your words", "style": "It is nearer to your style", "verifier": "The judge of style can be trusted",
    "copying": "It does not copy", "content": "It says what was asked", "fluency": "It comes to an end",
}  # fmt: skip


def checks(work: Workspace) -> tuple[tuple[str, str, str], ...]:
    """What the gate looked at: (name, verdict, reason); verdict is pass, fail or insufficient."""
    found = gate(work).get("checks")
    return tuple(
        (_CHECKS.get(str(one.get("name")), str(one.get("name"))), str(one.get("verdict")), str(one.get("reason")))
        for one in (found if isinstance(found, list) else [])
        if isinstance(one, dict)
    )


def figures(work: Workspace) -> list[Figure]:
    """The known key figures, the most telling first."""
    return [figure for _, figure in _named(metrics(work))]


def voice_score(work: Workspace) -> Figure | None:
    """The one that says most about the voice, for Home: the judge of style where it can tell people apart."""
    found = metrics(work)
    wanted = (r"^accepted_masked_10_lora$",) if found.get("verifier_valid") else ()
    named = dict(_named(found))
    key = next((k for pattern in wanted for k in named if re.search(pattern, k)), next(iter(named), None))
    return named[key] if key else None


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
            within = _interval(found, key, shape)
            named.append((key, Figure(name=name, value=write(found[key], shape), hint=hint, interval=within)))
    return named


def _interval(found: dict[str, Any], key: str, shape: Shape) -> str:
    """The 95 % interval beside a figure, where there is one."""
    low, high = found.get(f"{key}_low"), found.get(f"{key}_high")
    return "" if low is None or high is None else f"{_short(low, shape)} to {_short(high, shape)}"


def _short(value: float, shape: Shape) -> str:
    return f"{value:.0%}" if shape == "%" else f"{value:.2f}"


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


_MEANINGS = {
    "style_distance_{}": "Nearer to the left is nearer to you. Your own newer texts show how near one can come.",
    "style_gap_closure_{}": "0% is the base model, 100% is as near as your own newer texts.",
    "accepted_masked_10_{}": "How many sets of ten texts the judge of style takes for yours; it sees no topics.",
    "copy_share_{}": "Words in long runs that stand like that in your training texts. Low is good.",
    "covered_points_{}": "How much of what the brief asked for is said.",
    "unsupported_per_100_words_{}": "Numbers, names and claims that no fact supports. Low is good.",
    "sound_share_{}": "Texts that come to an end and do not go in circles.",
}  # fmt: skip
_OURS = ("lora", "lora_rag", "aligned")


def measures(work: Workspace) -> tuple[Measure, ...]:
    """Every measure with an interval for at least two arms, the arms side by side."""
    found = metrics(work)
    made = []
    for pattern, name, shape in _COLUMNS:
        rows = []
        for arm, who in _ARMS.items():
            key = pattern.format(arm)
            value, low, high = (found.get(k) for k in (key, f"{key}_low", f"{key}_high"))
            if isinstance(value, (int, float)) and isinstance(low, (int, float)) and isinstance(high, (int, float)):
                kind = "goal" if arm == "real" else "ours" if arm in _OURS else ""
                rows.append((who, float(value), float(low), float(high), kind))
        if len(rows) > 1:
            made.append(Measure(name=name, meaning=_MEANINGS[pattern], shape=shape, rows=tuple(rows)))
    return tuple(made)


def short(shape: Shape) -> Callable[[float], str]:
    """How a measure's values are written where room is scarce."""
    return lambda value: _short(value, shape)


_GROUPS = {
    "own": "You", "real": "You, held out", "lora": "The twin", "base": "Base model", "others": "Other people",
}  # fmt: skip


def stylemap(work: Workspace) -> dict[str, tuple[tuple[float, float], ...]]:
    """Where pools of texts lie by style, by who wrote them; empty when the evaluation made no map."""
    points = state.read(work.report / "stylemap.json").get("points") or {}
    return {
        words: tuple((float(x), float(y)) for x, y in points[key]) for key, words in _GROUPS.items() if points.get(key)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A point in the history of monitoring: when, the largest shift over its threshold, the alarm, seconds for a draft."""

    at: str
    share: float
    alarm: float
    p50: float
    p95: float


def drift_history(work: Workspace) -> tuple[Report, ...]:
    """The reports with enough drafts to tell, oldest first."""
    try:
        found = read_json(work.monitoring / "history.json")
    except (OSError, ValueError):
        return ()
    return tuple(
        Report(at=str(one["at"]), share=float(one["share"]), alarm=float(one.get("alarm") or 0),
               p50=float(one.get("p50") or 0), p95=float(one.get("p95") or 0))
        for one in (found if isinstance(found, list) else [])
        if isinstance(one, dict) and one.get("enough") and one.get("share") is not None
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
