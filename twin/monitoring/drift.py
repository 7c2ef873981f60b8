"""Drift: each section decided by calibrated thresholds, and shown by Evidently as a page and as numbers a column.

Evidently's own text drift removes stop words, which are the style; it is given stylometric columns instead. Its alarms
are a column's each; docs/adr/0081-calibrated-drift.md says why the verdict over all columns is ours.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.files import write_text
from twin.monitoring.calibrate import decide
from twin.monitoring.page import render
from twin.monitoring.sections import Section

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One column on both sides, by its means. `strength` above 1 is a move; `p` is Evidently's, of this column alone."""

    strength: float
    moved: bool
    p: float
    reference: float
    current: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One section's verdict. `enough` False: too few rows on a side, `reason` says which, and nothing was decided.

    `p` is how often chance alone gives a column of this `strength` somewhere in the section.
    """

    name: str
    against: str
    rows: int
    references: int
    enough: bool
    reason: str = ""
    alarm: bool = False
    strength: float = 0.0
    p: float = 1.0
    columns: dict[str, Shift] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def compare(sections: Sequence[Section], pages: Path, *, min_rows: int, false_alarms: float) -> list[Found]:
    """Decide every section and write pages/<section>.html of each (self-contained, no network).

    All sections together alarm by chance in `false_alarms` of cases: each gets its part.
    """
    known = [section for section in sections if not _too_few(section, min_rows)]
    share = false_alarms / max(len(known), 1)
    return [_found(section, pages / f"{section.name}.html", min_rows, share) for section in sections]


def summary(drafts: pd.DataFrame) -> dict[str, Any]:
    """What the log says beside drift: registers, adapters, latency in seconds, mean scores."""
    import pandas as pd

    seconds = drafts["seconds"].astype(float)
    scores = pd.DataFrame(list(drafts["scores"])).apply(pd.to_numeric, errors="coerce").mean()
    return {
        "registers": {str(k): int(v) for k, v in drafts["register"].value_counts().items()},
        "adapters": {str(k): int(v) for k, v in drafts["adapter"].value_counts().items()},
        "latency": {f"p{q}": float(seconds.quantile(q / 100)) for q in (50, 95)} if len(drafts) else {},
        "scores": {str(k): float(v) for k, v in scores.items() if v == v},
    }


def plain(reason: str, title: str = "Not enough to compare yet") -> str:
    """A page of one sentence, for where there is nothing to draw."""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Drift</title>'
        "<style>body{font:16px/1.6 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}</style></head>"
        f"<body><h1>{html.escape(title)}</h1><p>{html.escape(reason)}</p></body></html>\n"
    )


def _found(section: Section, page: Path, min_rows: int, share: float) -> Found:
    known: dict[str, Any] = {
        "name": section.name, "against": section.against, "rows": len(section.current),
        "references": len(section.reference),
    }  # fmt: skip
    if reason := _too_few(section, min_rows):
        write_text(page, plain(reason))
        return Found(enough=False, reason=reason, **known)
    names = _informative(section)
    if not names:
        write_text(page, plain("Both sides are the same in every column."))
        return Found(enough=True, **known)
    reference, current = section.reference[names], section.current[names]
    verdict = decide(reference.to_numpy(float), current.to_numpy(float), share)
    p = evidently(reference, current, page, share)
    columns = {
        name: Shift(
            strength=round(float(strength), 4), moved=bool(strength > 1), p=p[name],
            reference=float(reference[name].mean()), current=float(current[name].mean()),
        )
        for name, strength in zip(names, verdict.strength, strict=True)
    }  # fmt: skip
    top = float(verdict.strength.max())
    return Found(enough=True, alarm=verdict.alarm, strength=round(top, 4), p=verdict.p(top), columns=columns, **known)


def _too_few(section: Section, needed: int) -> str:
    if len(section.reference) < needed:
        return f"There are {len(section.reference)} of {section.against} to compare with and {needed} are needed."
    if len(section.current) < needed:
        return f"{len(section.current)} were logged and {needed} are needed to say anything."
    return ""


def _informative(section: Section) -> list[str]:
    """Columns that vary at all: a mark that nobody uses can't drift."""
    both = (section.reference, section.current)
    return [n for n in section.reference.columns if len({*both[0][n].unique(), *both[1][n].unique()}) > 1]


def evidently(reference: pd.DataFrame, current: pd.DataFrame, page: Path, share: float) -> dict[str, float]:
    """Evidently's drift report: writes its page, returns each column's Kolmogorov-Smirnov p-value.

    Its own threshold is `share` over the number of columns, so that its page, too, keeps to `share` for all of them.
    """
    from evidently import DataDefinition
    from evidently.presets import DataDriftPreset

    names = list(reference.columns)
    preset = DataDriftPreset(
        columns=names, num_method="ks", num_threshold=share / len(names), drift_share=1 / len(names)
    )
    run = render(preset, DataDefinition(numerical_columns=names), page, current, reference)
    found = {}
    for metric in run.dict()["metrics"]:
        if "column" in metric["config"]:
            p = float(metric["value"])
            found[metric["config"]["column"]] = p if p == p else 1.0  # not a number: nothing to tell apart
    return found
