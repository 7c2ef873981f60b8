"""The evaluation as one HTML page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from twin.evaluation.arms import ARMS, BASE, EXEMPLARS, LORA, Case, Written
from twin.evaluation.figures import dumbbells, forest
from twin.evaluation.gate import ENOUGH, Check, promote
from twin.evaluation.intervals import Interval
from twin.evaluation.measure import Results
from twin.evaluation.page import PAGE, STYLE
from twin.evaluation.style import REAL, Style

LABELS = {REAL: "the author, held out", BASE: "base model", EXEMPLARS: "base with exemplars", LORA: "the twin"}
_SAMPLES = 6
_MISSING = (
    "No impostor authors: the floor is the base model's own writing, so “nearer than the base” is shown and “taken for"
    " the author” is not.",
    "No adapter of another author: part of the gain in bits per byte may be the kind of text, not the person.",
    "No arm with retrieved facts: what is written is judged for voice, not for truth.",
)


def render(
    results: Results,
    cases: Sequence[Case],
    written: Mapping[str, Sequence[Written]],
    checks: Sequence[Check],
    *,
    name: str,
    pool: int,
    copy_tokens: int,
) -> str:
    """The whole page as HTML; texts, names and briefs are untrusted and escaped."""
    from jinja2 import Environment

    closure = results.style.closure[LORA]
    cards = [
        ("bits per byte saved", _percent(results.gain.value), _interval(results.gain, percent=True)
         + f"; {results.base_bits:.3f} → {results.adapter_bits:.3f}"),
        ("style gap closed", _percent(closure.value), _interval(closure, percent=True)),
        ("copied above habit", _percent(results.excess.value), _interval(results.excess, percent=True)),
        ("drafts that end", _percent(results.fluency[LORA].ended.value), _interval(results.fluency[LORA].ended, percent=True)),
    ]  # fmt: skip
    groups = [group for group in results.style.groups[REAL] if group != "all"]
    page = Environment(autoescape=True).from_string(PAGE)
    return page.render(
        style=STYLE, name=name, held_out=len(results.documents), briefs=len(cases), promote=promote(list(checks)),
        checks=checks, cards=cards, pool=pool, copy_tokens=copy_tokens, groups=groups,
        group_rows=[(LABELS[arm], [f"{results.style.groups[arm][g]:.2f}" for g in groups]) for arm in LABELS],
        style_figure=_forest(results.style), ngram_figure=_forest(results.unmasked),
        bits_figure=dumbbells(results.documents), fluency_rows=_fluency_rows(results),
        samples=_samples(cases, written), missing=_missing(results, cases),
    )  # fmt: skip


def _forest(style: Style) -> str:
    rows = [(LABELS[arm], style.distance[arm], arm) for arm in LABELS]
    return forest(rows, "energy distance from the author's training texts")


def _fluency_rows(results: Results) -> list[list[str]]:
    rows = [[LABELS[REAL], _percent(results.copied[REAL].value), str(results.longest[REAL]), "", "", "1.00"]]
    for arm in ARMS:
        found = results.fluency[arm]
        rows.append(
            [LABELS[arm], _percent(results.copied[arm].value), str(results.longest[arm]),
             f"{_percent(found.ended.value)} {_interval(found.ended, percent=True)}",
             f"{_percent(found.looping.value)} {_interval(found.looping, percent=True)}", f"{found.length:.2f}"]
        )  # fmt: skip
    return rows


def _samples(cases: Sequence[Case], written: Mapping[str, Sequence[Written]]) -> list[dict[str, object]]:
    count = min(_SAMPLES, len(cases))
    picked = [int(i * len(cases) / count) for i in range(count)]
    return [
        {
            "brief": cases[i].brief, "register": cases[i].register,
            "texts": [(LABELS[REAL], cases[i].real.strip())]
            + [(LABELS[arm], written[arm][i].text.strip() + ("" if written[arm][i].ended else " […]")) for arm in (LORA, BASE)],
        }
        for i in picked
    ]  # fmt: skip


def _missing(results: Results, cases: Sequence[Case]) -> list[str]:
    few = [] if len(cases) >= ENOUGH else [
        f"{len(cases)} held-out texts were written for; below {ENOUGH} the style figures are a sketch, not a claim."
    ]  # fmt: skip
    weak = [] if results.style.separation >= 0.9 else [
        f"Single pools of the author's texts are told from the base's with an AUC of {results.style.separation:.2f};"
        " below .90 a style distance says little."
    ]  # fmt: skip
    return [*few, *weak, *_MISSING]


def _percent(value: float) -> str:
    return f"{value:.1%}" if math.isfinite(value) else "not known"


def _interval(found: Interval, percent: bool = False) -> str:
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        return "no interval"
    return f"[{found.low:.1%}, {found.high:.1%}]" if percent else f"[{found.low:.3f}, {found.high:.3f}]"
