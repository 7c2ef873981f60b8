"""All figures of one evaluation, put together from likelihood, style, authorship, content, copying and fluency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from twin.evaluation import authorship, content
from twin.evaluation.arms import ARMS, BASE, BASE_RAG, LORA, LORA_RAG, Case, Written
from twin.evaluation.copying import Corpus
from twin.evaluation.fluency import band, length_ratio, loops, sound
from twin.evaluation.grid import Grid, difference, mean, ratio
from twin.evaluation.intervals import Interval, share, share_gained
from twin.evaluation.others import Others
from twin.evaluation.results import Arm, Results
from twin.evaluation.style import REAL, compare, nearer_than
from twin.voice.delta import profile

_LEAST_WORDS = 30


@dataclass(frozen=True, slots=True)
class Heard:
    """What was written and scored, before anything is measured.

    `written` is arm → seeds → texts, in the order of `cases`. `bits` is model (BASE, LORA, WRONG, …) → bits of each
    held-out document, of `sizes` bytes. `facts` is arm → the facts of each case. `perplexity` is arm → bits per byte of
    each text under the base, seed after seed; REAL holds the author's. `citations` is arm → (valid, all).
    """

    cases: Sequence[Case]
    written: Mapping[str, Sequence[Sequence[Written]]]
    training_first: Sequence[str]
    training_all: Sequence[str]
    documents: Sequence[str]
    bits: Mapping[str, Sequence[float]]
    sizes: Sequence[int]
    facts: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    others: Others = field(default_factory=lambda: Others({}, {}))
    machine: Sequence[str] = ()
    perplexity: Mapping[str, Sequence[float]] = field(default_factory=dict)
    citations: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    tools: content.Tools | None = None


def measure(
    heard: Heard, *, name: str, pool: int, copy_tokens: int, draws: int, seed: int, reference: str = BASE
) -> Results:
    """Compute all figures. `reference` is the arm that the gate compares with: the champion, or the base; `name` is the
    author's, which needs no support. Raises KeyError when an arm that was asked for wrote nothing.
    """
    written = {arm: heard.written[arm] for arm in ARMS if arm in heard.written}
    count = len(heard.cases)
    texts = {REAL: [c.real for c in heard.cases]}
    texts |= {arm: [w.text for found in seeds for w in found] for arm, seeds in written.items()}
    strangers = list(heard.others.test.values())
    style = compare(profile(heard.training_first, pool, seed), texts, draws, seed, count, strangers)
    unmasked = compare(
        profile(heard.training_first, pool, seed, unmasked=True), texts, max(100, draws // 4), seed, count, strangers
    )
    hands = authorship.verify(heard.training_first, heard.others, heard.machine, texts, count, seed)
    corpus = Corpus(copy_tokens).add(heard.training_all)
    grids = _grids(heard, texts, corpus, name)
    arms = {
        arm: _arm(arm, grids[arm], heard, [w for found in seeds for w in found], draws, seed)
        for arm, seeds in written.items()
    }
    size = sum(heard.sizes)
    return Results(
        documents=[
            (d, b, a, n) for d, b, a, n in zip(heard.documents, heard.bits[BASE], heard.bits[LORA], heard.sizes, strict=True)
        ],
        bits={model: sum(values) / size for model, values in heard.bits.items()},
        gains={
            model: share_gained(values, heard.bits[LORA], draws, seed)
            for model, values in heard.bits.items() if model != LORA
        },
        style=style, unmasked=unmasked, authorship=hands, arms=arms,
        own=_arm(REAL, grids[REAL], heard, [Written(c.real, True) for c in heard.cases], draws, seed),
        excess=difference(grids[LORA], grids[REAL], "copied", "tokens", draws, seed),
        copying_texts=difference(grids[LORA], grids[REAL], "copies", "", draws, seed),
        reference=reference,
        nearer=nearer_than(style, LORA, reference),
        against={
            "content": difference(grids[LORA], grids[reference], "covered", "", draws, seed),
            "unsupported": difference(grids[LORA], grids[reference], "unsupported", "hundreds", draws, seed),
            "copying": difference(grids[LORA], grids[reference], "copied", "tokens", draws, seed),
            "fluency": difference(grids[LORA], grids[reference], "sound", "", draws, seed),
        },
        with_facts=_with_facts(grids, draws, seed),
        briefs=count, impostors=heard.others.authors,
    )  # fmt: skip


def _grids(heard: Heard, texts: Mapping[str, Sequence[str]], corpus: Corpus, name: str) -> dict[str, Grid]:
    """Arm → its countable figures, each [briefs, seeds]; what could not be computed has no column."""
    count = len(heard.cases)
    ended = {arm: [w.ended for s in found for w in s] for arm, found in heard.written.items()}
    low, high = band(heard.perplexity.get("author", ()))
    found = {}
    for arm, lines in texts.items():
        copied = [corpus.copied(text) for text in lines]
        columns: dict[str, list[float]] = {
            "copied": [c[0] for c in copied], "tokens": [c[1] for c in copied], "longest": [c[2] for c in copied],
            "copies": [float(c[2] > 0) for c in copied], "hundreds": [max(1, len(t.split())) / 100 for t in lines],
            "ended": [float(e) for e in ended.get(arm, [True] * len(lines))],
            "loops": [float(loops(t)) for t in lines],
        }  # fmt: skip
        columns["sound"] = [float(sound(t, bool(e))) for t, e in zip(lines, columns["ended"], strict=True)]
        if arm in heard.perplexity:
            columns["in_band"] = [float(low <= v <= high) for v in heard.perplexity[arm]]
        if heard.tools is not None:
            briefs = [c.brief for c in heard.cases] * (len(lines) // count)
            told = [heard.facts[arm][i % count] if heard.facts.get(arm) else () for i in range(len(lines))]
            # Who writes three times as much makes more points by the way: each text has as many words as the author had.
            room = [len(c.real.split()) for c in heard.cases] * (len(lines) // count)
            columns["covered"] = content.coverage(
                briefs,
                [content.first_words(t, max(_LEAST_WORDS, n)) for t, n in zip(lines, room, strict=True)],
                heard.tools,
            )
            columns["unsupported"] = [
                content.unsupported(t, [b, name, *f], heard.tools) for t, b, f in zip(lines, briefs, told, strict=True)
            ]
        found[arm] = Grid.of(columns, count)
    return found


def _with_facts(grids: Mapping[str, Grid], draws: int, seed: int) -> Interval | None:
    """Unsupported claims a hundred words of the twin less those of the base, both with the same facts shown."""
    if LORA_RAG not in grids or BASE_RAG not in grids:
        return None
    return difference(grids[LORA_RAG], grids[BASE_RAG], "unsupported", "hundreds", draws, seed)


def _arm(arm: str, grid: Grid, heard: Heard, written: Sequence[Written], draws: int, seed: int) -> Arm:
    cases = list(heard.cases) * (len(written) // len(heard.cases))
    valid, cited = heard.citations.get(arm, (0, 0))
    return Arm(
        ended=mean(grid, "ended", draws, seed),
        looping=mean(grid, "loops", draws, seed),
        sound=mean(grid, "sound", draws, seed),
        length=median(length_ratio(w.text, c.real) for w, c in zip(written, cases, strict=True)),
        copied=ratio(grid, "copied", "tokens", draws, seed),
        copies=mean(grid, "copies", draws, seed),
        longest=int(grid.columns["longest"].max()),
        covered=mean(grid, "covered", draws, seed),
        unsupported=ratio(grid, "unsupported", "hundreds", draws, seed),
        in_band=mean(grid, "in_band", draws, seed),
        citations=share(valid, cited) if cited else None,
    )
