"""Drafts against the author's own posts: stylometric drift with Evidently, as a page and as numbers.

Evidently's own text drift removes stop words, which are the style; it is given stylometric columns instead.
"""

from __future__ import annotations

import html
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.files import write_text
from twin.voice import stylometry

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One measure in the author's posts and in the drafts. `p` is the chance of so much difference by chance."""

    p: float
    drifted: bool
    author: float | None = None
    drafts: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """`share` of the measures drifted; `drifted` when that is at least the share asked for. Latency is in seconds."""

    requests: int
    references: int
    enough: bool
    reason: str = ""
    share: float | None = None
    drifted: bool = False
    columns: dict[str, Shift] = field(default_factory=dict)
    registers: dict[str, int] = field(default_factory=dict)
    adapters: dict[str, int] = field(default_factory=dict)
    latency: dict[str, float] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def measures(drafts: pd.DataFrame) -> pd.DataFrame:
    """Logged drafts as the columns of style.parquet: register, words and the stylometric measures of each text."""
    import pandas as pd

    rows = [
        {"register": register, "words": len(text.split()), **stylometry.features(text)}
        for register, text in zip(drafts["register"], drafts["text"], strict=True)
    ]
    return pd.DataFrame(rows, columns=["register", "words", *stylometry.features("")])


def compare(
    drafts: pd.DataFrame, reference: pd.DataFrame, page: Path, *, min_requests: int, drift_share: float
) -> Drift:
    """Compare logged drafts (rows of the payload log) with the author's posts (rows of style.parquet).

    Writes an Evidently page to `page`, or a plain one that says what is missing when either has fewer than
    `min_requests` rows. Numerical columns by Kolmogorov-Smirnov, the register by a z or chi-square test, p < 0.05.
    """
    known = {"requests": len(drafts), "references": len(reference), **_summary(drafts)}
    reason = _too_few(len(drafts), len(reference), min_requests)
    if reason:
        write_text(page, _plain(reason))
        return Drift(enough=False, reason=reason, **known)
    current = measures(drafts)
    names = _informative(current, reference)
    tests = _evidently(current[[*names, "register"]], reference[[*names, "register"]], names, page, drift_share)
    columns = {
        name: Shift(
            p=p, drifted=p < 0.05, author=float(reference[name].mean()) if name in names else None,
            drafts=float(current[name].mean()) if name in names else None,
        )
        for name, p in tests.items()
    }  # fmt: skip
    share = sum(shift.drifted for shift in columns.values()) / len(columns)
    return Drift(enough=True, share=share, drifted=share >= drift_share, columns=columns, **known)


def _too_few(drafts: int, references: int, needed: int) -> str:
    if references < needed:
        return (
            f"There are {references} posts of the author to compare with and {needed} are needed: "
            "run the features stage on more text."
        )
    if drafts < needed:
        return f"{drafts} drafts were logged and {needed} are needed to say anything: write some more with the twin."
    return ""


def _informative(current: pd.DataFrame, reference: pd.DataFrame) -> list[str]:
    """Measures that both tables have and that vary at all: a mark that nobody uses can't drift."""
    shared = [name for name in current.columns if name in reference.columns and name != "register"]
    return [name for name in shared if len({*current[name].unique(), *reference[name].unique()}) > 1]


def _evidently(
    current: pd.DataFrame, reference: pd.DataFrame, names: list[str], page: Path, drift_share: float
) -> dict[str, float]:
    """Run the report, write its page (self-contained, no network), return each column's p-value."""
    import warnings

    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    shape = DataDefinition(numerical_columns=names, categorical_columns=["register"])
    report = Report(
        [
            DataDriftPreset(
                columns=[*names, "register"], num_method="ks", cat_method=_category_test(current, reference),
                num_threshold=0.05, cat_threshold=0.05, drift_share=drift_share,
            )
        ]
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a constant column has no correlation: nobody need hear it
        run = report.run(
            Dataset.from_pandas(current, data_definition=shape), Dataset.from_pandas(reference, data_definition=shape)
        )
        run.save_html(str(page))
    found = {}
    for metric in run.dict()["metrics"]:
        if "column" in metric["config"]:
            p = float(metric["value"])
            found[metric["config"]["column"]] = p if p == p else 1.0  # not a number: nothing to tell apart
    return found


def _category_test(current: pd.DataFrame, reference: pd.DataFrame) -> str:
    kinds = set(current["register"]) | set(reference["register"])
    return "z" if len(kinds) <= 2 else "chisquare"


def _summary(drafts: pd.DataFrame) -> dict[str, Any]:
    import pandas as pd

    seconds = drafts["seconds"].astype(float)
    scores = pd.DataFrame(list(drafts["scores"])).apply(pd.to_numeric, errors="coerce").mean()
    return {
        "registers": {str(k): int(v) for k, v in drafts["register"].value_counts().items()},
        "adapters": {str(k): int(v) for k, v in drafts["adapter"].value_counts().items()},
        "latency": {f"p{q}": float(seconds.quantile(q / 100)) for q in (50, 95)} if len(drafts) else {},
        "scores": {str(k): float(v) for k, v in scores.items() if v == v},
    }


def _plain(reason: str) -> str:
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Drift</title>'
        "<style>body{font:16px/1.6 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}</style></head>"
        f"<body><h1>Not enough to compare yet</h1><p>{html.escape(reason)}</p></body></html>\n"
    )
