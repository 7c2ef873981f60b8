"""Stage evaluate: what every arm writes for held-out briefs, measured in every way, and the gate's verdict."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from twin import tables
from twin.basemodel import BasePaths
from twin.errors import DataError, TwinError
from twin.evaluation import arms
from twin.evaluation.arms import ALIGNED, BASE, CHAMPION, CHEATER, LORA, WRONG, Ask, Case, Written
from twin.evaluation.authorship import REAL
from twin.files import replacing, write_json, write_text
from twin.params import Params
from twin.progress import Progress
from twin.settings import Settings
from twin.stages.evaluate_content import citations, retrieval
from twin.stages.evaluate_content import tools as content_tools
from twin.stages.evaluate_drafts import drafts
from twin.stages.evaluate_scores import perplexity as perplexity_of
from twin.stages.evaluate_scores import rows as held_out_rows

if TYPE_CHECKING:
    import pandas as pd

    from twin.evaluation.judge import Verdict
    from twin.evaluation.measure import Heard
    from twin.evaluation.others import Others
    from twin.evaluation.results import Results

Metrics = dict[str, float | int | str]
WEIGHTS = "adapter_model.safetensors"
_MACHINE = "machine"
_MACHINE_TEXTS = 16


def evaluate(
    dataset: Path, adapter: Path, features: Path, out: Path, params: Params, settings: Settings, progress: Progress
) -> Metrics:
    """Write `metrics.json`, `gate.json`, `report.html`, `drafts.json`, `stylemap.json` and plots/*.csv below `out`.

    `features` holds the chunks that the retrieving arms read: those of training documents alone; without them these
    arms are left out. Raises DataError, ModelError, EvaluationError, TrainingError (the control adapter).
    """
    from twin.basemodel import local_path
    from twin.evaluation.measure import measure

    examples = tables.read(dataset / tables.EXAMPLES, "examples")
    for needed in (WEIGHTS, "adapter.gguf"):
        if not (adapter / needed).exists():
            raise DataError(
                "a stage's input is missing", adapter / needed, "Run `twin train` first, or all with `dvc repro`."
            )
    clock = _Clock()
    base = local_path(params.train.base_model, settings.home / "models")
    cases = arms.cases(examples, params.author.name, params.evaluate.briefs, params.evaluate.seed)
    others = _others(examples, params, settings)
    adapters, reference = _adapters(adapter, cases, others, base, params, settings, progress)
    clock.lap("control")
    heard = _hear(examples, cases, others, base, adapters, features, params, settings, progress, clock)
    chosen = params.evaluate
    with progress.step("compare with the author and with others"):
        results = measure(
            heard, name=params.author.name, pool=chosen.pool, copy_tokens=chosen.copy_tokens, draws=chosen.bootstrap,
            seed=chosen.seed, reference=reference,
        )  # fmt: skip
    clock.lap("measures")
    verdict = _judged(heard, params, settings, progress)
    metrics: Metrics = {**results.flat(), "briefs": len(cases), **clock.seconds}
    if verdict is not None:
        metrics |= verdict.won.flat("judge_prefers_twin")
    hashes = {"adapter_sha256": _sha(adapter / WEIGHTS), "dataset_sha256": _sha(dataset / tables.EXAMPLES)}
    with replacing(out) as fresh:
        fresh.mkdir()
        _write(fresh, results, heard, params, metrics, hashes, verdict)
    return metrics


class _Clock:
    """Seconds of each part, for metrics.json."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._began = time.monotonic()

    def lap(self, name: str) -> None:
        """End a part."""
        now = time.monotonic()
        self.seconds[f"seconds_{name}"], self._began = round(now - self._began, 1), now


def _others(examples: pd.DataFrame, params: Params, settings: Settings) -> Others:
    from twin.evaluation import others

    own = list(arms.first_pieces(examples, "train")["completion"])
    more = [others.read(settings.root / place) for place in params.evaluate.impostors]
    return others.gather(own, more, params.evaluate.seed, exclude=params.author.id)


def _adapters(
    adapter: Path, cases: Sequence[Case], others: Others, base: BasePaths, params: Params, settings: Settings,
    progress: Progress,
) -> tuple[dict[str, Path], str]:  # fmt: skip
    """(arm → adapter folder, the arm that the gate compares with): the candidate, and what it is held against."""
    from twin.evaluation import others as other_authors
    from twin.stages.evaluate_control import wrong_author

    found = {LORA: adapter}
    if (adapter.parent / ALIGNED / "adapter.gguf").exists():
        found[ALIGNED] = adapter.parent / ALIGNED
    texts: Mapping[str, Sequence[str]] = others.learn
    if params.evaluate.wrong_author:
        texts = other_authors.read(settings.root / params.evaluate.wrong_author)
    if control := wrong_author(texts, cases[0].register, base, params, settings, progress):
        found[WRONG] = control
    champion = _champion(params, settings, _sha(adapter / WEIGHTS))
    if champion is not None:
        found[CHAMPION] = champion
    return found, CHAMPION if champion is not None else BASE


def _champion(params: Params, settings: Settings, sha: str) -> Path | None:
    """The folder of the adapter that serves now, where there is one, it fits this base, and it is not this very one."""
    from twin import registry
    from twin.files import read_json

    uri = settings.mlflow_uri
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists():
        return None
    try:
        found = registry.champion(settings, params.author.id)
    except TwinError:
        return None
    if found is None or not (found[1] / WEIGHTS).exists() or not (found[1] / "adapter.gguf").exists():
        return None
    # Another base model's adapter can't be compared: the first of the new base meets the base itself.
    trained_on = str(read_json(found[1] / "adapter_config.json").get("base_model_name_or_path") or "")
    from twin.basemodel import local_path

    here = local_path(params.train.base_model, settings.home / "models").folder
    if _sha(found[1] / WEIGHTS) == sha or Path(trained_on).name != here.name:
        return None
    return found[1]


def _hear(
    examples: pd.DataFrame, cases: Sequence[Case], others: Others, base: BasePaths, adapters: Mapping[str, Path],
    features: Path, params: Params, settings: Settings, progress: Progress, clock: _Clock,
) -> Heard:  # fmt: skip
    """Let every arm write, and score what is scored."""
    from twin.embedding import Embedder
    from twin.evaluation import likelihood
    from twin.evaluation.measure import Heard

    chosen, name = params.evaluate, params.author.name
    embedder = Embedder(params.features.embedder)
    facts, nearest = retrieval(cases, examples, features, embedder, params)
    voice = arms.exemplars(cases, examples)
    shown = [[c.text for c in found] for found in facts]
    asked = arms.asks(
        cases, name, voice, shown, list(adapters), seeds=chosen.seeds, served_exemplars=params.serve.exemplars
    )
    warm = arms.cases(examples, name, _MACHINE_TEXTS, chosen.seed, split="validation")
    asked[_MACHINE] = Ask(
        BASE, arms.asks(warm, name, arms.exemplars(warm, examples), (), (), seeds=1, served_exemplars=0)[BASE].prompts
    )
    written = drafts(asked, base.gguf, adapters, params, progress, settings.home / "evaluation" / params.author.id)
    machine = [w.text for w in written.pop(_MACHINE)[0] if w.text.strip()]
    if nearest:
        written[CHEATER] = [[Written(text, True) for text in nearest]]
    clock.lap("drafts")
    rows = held_out_rows(examples, base.folder, params)
    with progress.step("score held-out texts", len(rows)) as step:
        scored = likelihood.score(base.folder, adapters, rows, step.advance)
    documents, bits, sizes = likelihood.document_sums(rows, scored)
    own = [c.real for c in [*cases, *warm]]
    heard_texts = {REAL: [[Written(c.real, True) for c in cases]], **written}
    heard_texts.pop(CHEATER, None)
    perplexity = perplexity_of(own, heard_texts, base.folder, progress)
    clock.lap("likelihood")
    tools = content_tools(embedder)
    return Heard(
        cases=cases, written=written,
        training_first=list(arms.first_pieces(examples, "train")["completion"]),
        training_all=list(examples.loc[examples["split"].eq("train"), "completion"]),
        documents=documents, bits=bits, sizes=sizes,
        facts={arm: ask.facts for arm, ask in asked.items() if ask.facts}, others=others, machine=machine,
        perplexity=perplexity, citations=citations(asked, written, facts, tools), tools=tools,
    )  # fmt: skip


def _judged(heard: Heard, params: Params, settings: Settings, progress: Progress) -> Verdict | None:
    """What an outside model prefers, where settings name one; it informs and never gates."""
    from twin.evaluation import judge

    if not settings.judge_url or not params.evaluate.judge_pairs:
        return None
    with progress.step("ask the outside judge", params.evaluate.judge_pairs) as step:
        return judge.compare(
            judge.client(settings.judge_url, settings.judge_model, settings.judge_key, params.train.base_model),
            heard.training_first, [w.text for w in heard.written[LORA][0]], [w.text for w in heard.written[BASE][0]],
            pairs=params.evaluate.judge_pairs, seed=params.evaluate.seed, tick=step.advance,
        )  # fmt: skip


def _write(
    fresh: Path, results: Results, heard: Heard, params: Params, metrics: Metrics, hashes: Mapping[str, str],
    verdict: Verdict | None,
) -> None:  # fmt: skip
    from twin.evaluation import gate
    from twin.evaluation.report import render

    evidence = gate.Evidence(
        reference=results.reference, gain=results.gains[results.reference], nearer=results.nearer,
        copied=results.excess, losses={k: results.against[k] for k in ("content", "fluency")},
        hands=results.authorship, texts=len(heard.cases),
    )  # fmt: skip
    checks = gate.decide(
        evidence,
        min_gain=params.gate.min_bits_per_byte_gain, max_copied=params.gate.max_copy_share,
        max_loss=params.gate.max_loss, max_regression=params.gate.max_style_regression,
    )  # fmt: skip
    write_json(fresh / "metrics.json", metrics)
    write_json(fresh / "gate.json", {**gate.as_record(checks, results.flat(), results.reference), **hashes})
    page = render(
        results, heard, checks,
        name=params.author.name, pool=params.evaluate.pool, copy_tokens=params.evaluate.copy_tokens, verdict=verdict,
    )  # fmt: skip
    write_text(fresh / "report.html", page)
    found = [
        {"document_id": case.document_id, "register": case.register, "brief": case.brief, "arm": arm, "seed": s,
         "text": seed[i].text, "ended": seed[i].ended}
        for i, case in enumerate(heard.cases) for arm, seeds in heard.written.items() for s, seed in enumerate(seeds)
    ]  # fmt: skip
    write_json(fresh / "drafts.json", found)
    write_json(fresh / "stylemap.json", _map(heard, params.evaluate.seed))
    _plots(fresh / "plots", results)


def _map(heard: Heard, seed: int) -> Mapping[str, object]:
    from twin.evaluation.stylemap import stylemap

    def drafts_of(arm: str) -> list[list[str]]:
        return [[text.text for text in texts] for texts in heard.written.get(arm, ())]

    groups: dict[str, Sequence[Sequence[str]]] = {
        "own": [heard.training_first], "real": [[case.real for case in heard.cases]],
        "others": [*heard.others.learn.values(), *heard.others.test.values()], LORA: drafts_of(LORA),
        BASE: drafts_of(BASE),
    }  # fmt: skip
    return stylemap(groups, ("own", "others"), seed)


def _plots(folder: Path, results: Results) -> None:
    import pandas as pd

    folder.mkdir()
    bits = [{"document": d, "base": b / n, "adapter": a / n} for d, b, a, n in results.documents]
    pd.DataFrame(bits).to_csv(folder / "bits_per_byte.csv", index=False)
    style = [
        {"arm": arm, "distance": i.value, "low": i.low, "high": i.high} for arm, i in results.style.distance.items()
    ]
    pd.DataFrame(style).to_csv(folder / "style_distance.csv", index=False)


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
