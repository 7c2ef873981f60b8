"""The last monitoring report in words that people use: what was held against what, what moved, since when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twin.workspace import Workspace
from webui.client import state
from webui.client.evaluation import Figure, write

_NAMES = {
    "voice": "How drafts are written", "requests": "What is asked for", "answers": "This version's answers",
    "verdicts": "What you make of drafts", "documents": "What you wrote since",
}  # fmt: skip
_COLUMNS = {
    "style_distance": "distance from the usual style", "authorship": "judge of style", "brief_words": "length of briefs",
    "topic_known": "topics you have written about", "copied_words": "longest copy", "cited": "share of cited sentences",
    "retrieval": "nearest fact", "citation": "nearest citation", "edited": "share of words you changed",
    "accepted": "share you accepted", "words": "length",
}  # fmt: skip
_MOST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One comparison. `verdict`: steady, moved or thin (too little to tell); `moved`: column, from and to, since when."""

    name: str
    title: str
    against: str
    verdict: str
    said: str
    moved: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """drift.json for people: `verdict` steady, drifted or thin (too few drafts, with `reason`)."""

    verdict: str
    reason: str
    figures: tuple[Figure, ...]
    sections: tuple[Section, ...]
    training: str


def drift(work: Workspace) -> Drift | None:
    """What the last monitoring report found; None when there is none."""
    found = state.read(work.monitoring / "drift.json")
    if not found:
        return None
    verdict = "thin" if found.get("enough") is False else "drifted" if found.get("drifted") else "steady"
    sections = tuple(_section(one) for one in found.get("sections") or [] if isinstance(one, dict))
    return Drift(
        verdict=verdict, reason=str(found.get("reason") or ""), figures=tuple(_figures(found)), sections=sections,
        training=_training(found),
    )  # fmt: skip


def _section(one: dict[str, Any]) -> Section:
    name = str(one.get("name"))
    if not one.get("enough"):
        verdict, said = "thin", str(one.get("reason") or "")
    else:
        verdict = "moved" if one.get("alarm") else "steady"
        said = f"{write(one.get('strength', 0.0))} of the threshold · {one.get('rows')} against {one.get('references')}"
    columns = [(k, v) for k, v in (one.get("columns") or {}).items() if isinstance(v, dict) and v.get("moved")]
    columns.sort(key=lambda row: -float(row[1].get("strength") or 0))
    moved = tuple((_column(key), _change(value), str(value.get("since") or "")[:10]) for key, value in columns[:_MOST])
    return Section(
        name=name, title=_NAMES.get(name, name), against=str(one.get("against") or ""), verdict=verdict, said=said,
        moved=moved,
    )  # fmt: skip


def _figures(found: dict[str, Any]) -> list[Figure]:
    adapters = " · ".join(f"{count} by {name}" for name, count in (found.get("adapters") or {}).items())
    figures = [Figure(name="Drafts compared", value=write(found.get("requests", 0)), hint=adapters)]
    if found.get("enough") and found.get("strength") is not None:
        hint = f"1 alarms; by chance in {write(found.get('false_alarms', 0.05), '%')} of reports"
        figures.append(Figure(name="Largest shift", value=write(found["strength"]), hint=hint))
    if latency := found.get("latency") or {}:
        hint = f"95 of 100 within {latency.get('p95', 0):.1f} s"
        figures.append(Figure(name="Time for a draft", value=f"{latency.get('p50', 0):.1f} s", hint=hint))
    return figures


def _training(found: dict[str, Any]) -> str:
    if not found.get("calls"):
        return ""
    if found.get("cooling"):
        return f"A training began on {str(found['cooling'])[:10]}; until it has cooled down, no other starts by itself."
    return (
        "It calls for new training: a cluster's nightly run starts it; here, collect what you wrote lately and update."
    )


def _column(key: str) -> str:
    if key.startswith("register_"):
        return f"asked as {key.removeprefix('register_')}"
    if key.startswith("word_") and key != "word_letters":
        return f"the word “{key.removeprefix('word_')}”"
    return _COLUMNS.get(key, key.replace("_", " "))


def _change(value: dict[str, Any]) -> str:
    return f"{value.get('reference', 0):.3g} → {value.get('current', 0):.3g}"
