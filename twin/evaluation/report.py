"""The evaluation as one HTML page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from twin.evaluation.arms import ALIGNED, BASE, BASE_RAG, CHAMPION, CHEATER, EXEMPLARS, LORA, LORA_RAG, WRONG
from twin.evaluation.authorship import GRAMMAR, KINDS, MASKED, NGRAM, SIZES
from twin.evaluation.figures import dumbbells, forest
from twin.evaluation.gate import ENOUGH, Check, headline, promote
from twin.evaluation.intervals import Interval
from twin.evaluation.page import PAGE, STYLE
from twin.evaluation.results import Results
from twin.evaluation.style import REAL, Style

if TYPE_CHECKING:
    from twin.evaluation.judge import Verdict
    from twin.evaluation.measure import Heard

LABELS = {
    REAL: "the author, held out", BASE: "base model", EXEMPLARS: "base with exemplars", BASE_RAG: "base with facts",
    LORA: "the twin", LORA_RAG: "the twin with facts", ALIGNED: "the twin, aligned", CHAMPION: "the present champion",
    WRONG: "another author's adapter", CHEATER: "nearest old text, verbatim",
}  # fmt: skip
_KINDS = {MASKED: "masked traits", NGRAM: "character n-grams", GRAMMAR: "grammar (LambdaG)"}
_SAMPLES = 6
_SHOWN = (LORA, LORA_RAG, BASE)


def render(
    results: Results,
    heard: Heard,
    checks: Sequence[Check],
    *,
    name: str,
    pool: int,
    copy_tokens: int,
    verdict: Verdict | None = None,
) -> str:
    """The whole page as HTML; texts, names and briefs are untrusted and escaped."""
    from jinja2 import Environment

    groups = [group for group in results.style.groups[REAL] if group != "all"]
    drawn = [arm for arm in LABELS if arm in results.style.groups]
    page = Environment(autoescape=True).from_string(PAGE)
    return page.render(
        style=STYLE, name=name, held_out=len(results.documents), briefs=results.briefs, promote=promote(checks),
        headline=headline(checks), checks=checks, cards=_cards(results), pool=pool, copy_tokens=copy_tokens,
        groups=groups,
        group_rows=[(LABELS[arm], [f"{results.style.groups[arm][g]:.2f}" for g in groups]) for arm in drawn],
        style_figure=_forest(results.style), ngram_figure=_forest(results.unmasked), arm_rows=_arm_rows(results),
        verifier_rows=_verifier_rows(results), accepted_rows=_accepted_rows(results), kinds=_KINDS.values(),
        hands=results.authorship, likelihood_rows=_likelihood_rows(results), bits_figure=dumbbells(results.documents),
        content_rows=_content_rows(results), fluency_rows=_fluency_rows(results), samples=_samples(heard),
        verdict=verdict, missing=_missing(results, verdict),
    )  # fmt: skip


def _cards(results: Results) -> list[tuple[str, str, str]]:
    gain, closure = results.gains["base"], results.style.closure[LORA]
    deciding = results.authorship.deciding
    taken = deciding.accepted[LORA] if deciding else Interval(math.nan, math.nan, math.nan)
    sound = results.arms[LORA].sound
    return [
        ("bits per byte saved", _percent(gain.value),
         f"{_interval(gain)}; {results.bits['base']:.3f} → {results.bits['lora']:.3f}"),
        ("style gap closed", _percent(closure.value), _interval(closure)),
        ("taken for the author", _percent(taken.value), f"{_interval(taken)} of pools of ten"),
        ("copied above habit", _percent(results.excess.value), _interval(results.excess)),
        ("end well, without loops", _percent(sound.value), _interval(sound)),
    ]  # fmt: skip


def _forest(style: Style) -> str:
    rows = [(LABELS[arm], style.distance[arm], arm) for arm in LABELS if arm in style.distance]
    if math.isfinite(style.floor.value):
        rows.append(("other people", style.floor, "others"))
    return forest(rows, "energy distance from the author's training texts")


def _arm_rows(results: Results) -> list[list[str]]:
    """One row an arm: distance, closure, acceptance, copying, content, fluency."""
    deciding = results.authorship.deciding
    rows = []
    for arm in (a for a in LABELS if a in results.style.distance):
        found = results.own if arm == REAL else results.arms[arm]
        closure = results.style.closure.get(arm)
        rows.append([
            LABELS[arm], f"{results.style.distance[arm].value:.3f}", _cell(closure) if closure else "",
            _cell(deciding.accepted[arm]) if deciding else "", _percent(found.copied.value),
            _percent(found.covered.value), _number(found.unsupported), _percent(found.sound.value),
        ])  # fmt: skip
    return rows


def _verifier_rows(results: Results) -> list[list[str]]:
    rows = []
    for kind in KINDS:
        cells = [_KINDS[kind]]
        for size in SIZES:
            found = results.authorship.outcomes.get((kind, size))
            cells.append(f"{found.auc.value:.3f} [{found.auc.low:.3f}, {found.auc.high:.3f}]" if found else "")
        rows.append(cells)
    return rows


def _accepted_rows(results: Results) -> list[list[str]]:
    outcomes = results.authorship.outcomes
    if not outcomes:
        return []
    arms = [arm for arm in LABELS if arm in next(iter(outcomes.values())).accepted]
    return [[LABELS[arm], *[_cell(outcomes[kind, SIZES[-1]].accepted[arm]) for kind in KINDS]] for arm in arms]


def _likelihood_rows(results: Results) -> list[list[str]]:
    return [
        [LABELS.get(model, model), f"{value:.4f}", _cell(results.gains[model]) if model in results.gains else ""]
        for model, value in results.bits.items()
    ]


def _content_rows(results: Results) -> list[list[str]]:
    rows = []
    for arm, found in {REAL: results.own, **results.arms}.items():
        cited = _cell(found.citations) if found.citations else ""
        rows.append([LABELS[arm], _cell(found.covered), _number(found.unsupported, spread=True), cited])
    return rows


def _fluency_rows(results: Results) -> list[list[str]]:
    return [
        [LABELS[arm], _cell(found.copied), _cell(found.copies), str(found.longest), _cell(found.ended),
         _cell(found.looping), _cell(found.in_band), f"{found.length:.2f}"]
        for arm, found in {REAL: results.own, **results.arms}.items()
    ]  # fmt: skip


def _samples(heard: Heard) -> list[dict[str, object]]:
    count = min(_SAMPLES, len(heard.cases))
    picked = [int(i * len(heard.cases) / count) for i in range(count)]
    found: list[dict[str, object]] = []
    for i in picked:
        case = heard.cases[i]
        texts = [(LABELS[REAL], case.real.strip())]
        for arm in (a for a in _SHOWN if a in heard.written):
            text = heard.written[arm][0][i]
            texts.append((LABELS[arm], text.text.strip() + ("" if text.ended else " […]")))
        found.append({"brief": case.brief, "register": case.register, "texts": texts})
    return found


def _missing(results: Results, verdict: Verdict | None) -> list[str]:
    lines = []
    if results.briefs < ENOUGH:
        lines.append(
            f"Insufficient: {results.briefs} held-out texts were written for; below {ENOUGH} the style figures are a"
            " sketch, not a claim. Ten texts of so few are nearly the same ten every time."
        )
    if not results.authorship.outcomes:
        lines.append("Nobody else's texts were at hand: “taken for the author” is not shown.")
    elif not results.authorship.valid:
        lines.append("Inconclusive: the verifier does not tell this author from others well enough to judge a twin.")
    if results.style.separation < 0.9:
        lines.append(
            f"Single pools of the author's texts are told from the base's with an AUC of {results.style.separation:.2f};"
            " below .90 a style distance says little."
        )
    if WRONG not in results.bits:
        lines.append("No adapter of another author: part of the gain in bits per byte may be the kind of text.")
    if BASE_RAG not in results.arms:
        lines.append("No arm with retrieved facts: there were no chunks of training texts.")
    if verdict is None:
        lines.append("No outside judge was asked: none is set (TWIN_JUDGE_URL, TWIN_JUDGE_MODEL).")
    lines.append("Whether a claim is true: only whether the brief or the facts that were shown support it.")
    return lines


def _cell(found: Interval) -> str:
    return f"{_percent(found.value)} {_interval(found)}" if math.isfinite(found.value) else ""


def _number(found: Interval, spread: bool = False) -> str:
    if not math.isfinite(found.value):
        return ""
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]" if spread else f"{found.value:.1f}"


def _percent(value: float) -> str:
    return f"{value:.1%}" if math.isfinite(value) else "not known"


def _interval(found: Interval) -> str:
    if not (math.isfinite(found.low) and math.isfinite(found.high)):
        return "no interval"
    return f"[{found.low:.1%}, {found.high:.1%}]"
