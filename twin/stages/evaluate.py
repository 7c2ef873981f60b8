"""Stage evaluate: likelihood, style, copying and fluency of an adapter on held-out texts, and the gate's verdict."""

from __future__ import annotations

import hashlib
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from twin import tables
from twin.basemodel import BasePaths
from twin.errors import DataError, EvaluationError
from twin.evaluation.arms import BASE, LORA, Case, Written
from twin.files import replacing, write_json, write_text
from twin.params import Params
from twin.progress import Progress
from twin.records import Message
from twin.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from twin.evaluation.likelihood import Row
    from twin.evaluation.measure import Results

Metrics = dict[str, float | int | str]
_START_SECONDS = 120


def evaluate(
    dataset: Path, adapter: Path, features: Path, out: Path, params: Params, settings: Settings, progress: Progress
) -> Metrics:
    """Write `metrics.json`, `gate.json`, `report.html`, `drafts.json` and plots/*.csv below `out`.

    `features` is not read yet: no arm retrieves facts. Raises DataError, ModelError, EvaluationError.
    """
    from twin.basemodel import local_path
    from twin.evaluation import arms, likelihood
    from twin.evaluation.measure import measure

    examples = tables.read(dataset / tables.EXAMPLES, "examples")
    for needed in ("adapter_model.safetensors", "adapter.gguf"):
        if not (adapter / needed).exists():
            raise DataError(
                "a stage's input is missing", adapter / needed, "Run `twin train` first, or all with `dvc repro`."
            )
    chosen = params.evaluate
    began = time.time()
    base = local_path(params.train.base_model, settings.home / "models")
    rows = _rows(examples, base.folder, params)
    with progress.step("score held-out texts", len(rows)) as step:
        documents = likelihood.by_document(likelihood.bits(base.folder, adapter, rows, step.advance))
    scored = time.time()
    cases = arms.cases(examples, params.author.name, chosen.briefs, chosen.seed)
    written = _written(cases, examples, base, adapter, params, progress)
    drafted = time.time()
    train = examples[examples["split"].eq("train")]
    with progress.step("compare styles"):
        results = measure(
            documents, cases, written,
            list(arms.first_pieces(examples, "train")["completion"]), list(train["completion"]),
            pool=chosen.pool, copy_tokens=chosen.copy_tokens, draws=chosen.bootstrap, seed=chosen.seed,
        )  # fmt: skip
    seconds = {"seconds_likelihood": round(scored - began, 1), "seconds_drafts": round(drafted - scored, 1)}
    metrics: Metrics = {**results.flat(), "briefs": len(cases), **seconds}
    hashes = {
        "adapter_sha256": _sha(adapter / "adapter_model.safetensors"),
        "dataset_sha256": _sha(dataset / tables.EXAMPLES),
    }
    with replacing(out) as fresh:
        fresh.mkdir()
        _write(fresh, results, cases, written, params, metrics, hashes)
    return metrics


def _write(
    fresh: Path,
    results: Results,
    cases: Sequence[Case],
    written: Mapping[str, Sequence[Written]],
    params: Params,
    metrics: Metrics,
    hashes: Mapping[str, str],
) -> None:
    from twin.evaluation import gate
    from twin.evaluation.report import render

    checks = gate.decide(
        gain=results.gain, copied=results.excess, nearer=results.style.nearer[LORA], texts=len(cases),
        min_gain=params.gate.min_bits_per_byte_gain, max_copied=params.gate.max_copy_share,
        max_regression=params.gate.max_style_regression,
    )  # fmt: skip
    write_json(fresh / "metrics.json", metrics)
    write_json(fresh / "gate.json", {**gate.as_record(checks, results.flat()), **hashes})
    page = render(
        results, cases, written, checks,
        name=params.author.name, pool=params.evaluate.pool, copy_tokens=params.evaluate.copy_tokens,
    )  # fmt: skip
    write_text(fresh / "report.html", page)
    drafts = [
        {"document_id": case.document_id, "register": case.register, "brief": case.brief, "arm": arm,
         "text": found[i].text, "ended": found[i].ended}
        for i, case in enumerate(cases) for arm, found in written.items()
    ]  # fmt: skip
    write_json(fresh / "drafts.json", drafts)
    _plots(fresh / "plots", results)


def _plots(folder: Path, results: Results) -> None:
    import pandas as pd

    folder.mkdir()
    bits = [{"document": d, "base": b / n, "adapter": a / n} for d, b, a, n in results.documents]
    pd.DataFrame(bits).to_csv(folder / "bits_per_byte.csv", index=False)
    style = [
        {"arm": arm, "distance": i.value, "low": i.low, "high": i.high} for arm, i in results.style.distance.items()
    ]
    pd.DataFrame(style).to_csv(folder / "style_distance.csv", index=False)


def _rows(examples: pd.DataFrame, folder: Path, params: Params) -> list[Row]:
    """Held-out pieces as token ids, within the budget: every document's opening first, then pieces drawn by seed.

    The end-of-turn token is learned but not scored: it has no byte of text.
    """
    from transformers import AutoTokenizer

    from twin.evaluation.likelihood import IGNORED, Row
    from twin.training.encode import encode

    tokenizer = AutoTokenizer.from_pretrained(folder)
    test = examples[examples["split"].eq("test")].reset_index(drop=True)
    found: list[Row] = []
    encoded = encode(test, tokenizer, params.dataset.max_tokens)
    openings = [kind != "continuation" for kind in test["kind"]]
    order = list(range(len(test)))
    random.Random(params.evaluate.seed).shuffle(order)
    order.sort(key=lambda i: not openings[i])
    spent = 0
    for i in order:
        labels = [IGNORED if token == tokenizer.eos_token_id else token for token in encoded[i]["labels"]]
        text = [token for token in labels if token != IGNORED]
        size = len(tokenizer.decode(text).encode("utf-8", "surrogatepass"))
        if not size or (found and spent + len(labels) > params.evaluate.likelihood_tokens):
            continue
        spent += len(labels)
        found.append(Row(str(test.loc[i, "document_id"]), encoded[i]["input_ids"], labels, size))
    if not found:
        raise EvaluationError(
            "there is no held-out text to score", len(test), "Add texts and run `twin dataset` again."
        )
    return found


def _written(
    cases: Sequence[Case], examples: pd.DataFrame, base: BasePaths, adapter: Path, params: Params, progress: Progress
) -> dict[str, list[Written]]:
    """All arms' texts, from a predictor of this stage's own: the same engine that serves."""
    from twin.evaluation import arms
    from twin.generation import Predictor

    if base.gguf is None:
        raise EvaluationError(
            "the base model has no GGUF to write with",
            base.name,
            "Put its *.gguf into the folder that train.base_model names.",
        )
    asked = arms.prompts(cases, examples, params.author.name)
    with progress.step("write drafts", len(cases) * len(asked)) as step, _predictor(base.gguf, adapter, params) as url:
        predictor = Predictor(url)

        def writer(arm: str, messages: Sequence[Message], seed: int) -> Written:
            done = predictor.chat(
                messages, params.author.id if arm == LORA else BASE,
                max_tokens=params.evaluate.max_new_tokens, temperature=params.evaluate.temperature, seed=seed,
            )  # fmt: skip
            return Written(done.text, done.finish_reason == "stop")

        try:
            return arms.write(asked, writer, params.evaluate.seed, lambda arm: step.advance(1, arm))
        finally:
            predictor.close()


@contextmanager
def _predictor(gguf: Path, adapter: Path, params: Params) -> Iterator[str]:
    """Start the local predictor on a free port, with this adapter alone; it is stopped at the end."""
    from twin.generation import Predictor

    with tempfile.TemporaryDirectory(prefix="twin-evaluate-") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        log = Path(folder) / "log"
        command = [
            sys.executable, "-m", "twin.serving.predictor", "--port", str(port), "--gguf", str(gguf),
            "--pointers", folder, "--adapter", f"{params.author.id}={adapter / 'adapter.gguf'}",
        ]  # fmt: skip
        with open(log, "w") as file:
            process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        watch = Predictor(f"http://127.0.0.1:{port}")
        try:
            until = time.time() + _START_SECONDS
            while not watch.healthy():
                if process.poll() is not None or time.time() > until:
                    raise EvaluationError(
                        "the predictor did not start", log.read_text()[-400:].strip(), "Run `twin train` again."
                    )
                time.sleep(0.2)
            if params.author.id not in watch.models():
                raise EvaluationError(
                    "the predictor refused the adapter", log.read_text()[-400:].strip(), "Run `twin train` again."
                )
            yield watch.url
        finally:
            watch.close()
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


def _sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
