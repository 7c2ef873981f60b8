"""Preference tuning of stage train: pairs are made, and the fine-tuned adapter learns to prefer the author's texts."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from twin import tables
from twin.basemodel import BasePaths
from twin.errors import TrainingError
from twin.evaluation.arms import BASE, Written
from twin.files import read_json, write_json
from twin.params import Params
from twin.progress import Progress
from twin.prompts import STOP, opened
from twin.settings import Settings
from twin.stages.evaluate_drafts import SLOTS, Store, digests, predictor
from twin.workspace import EDITED, Workspace

if TYPE_CHECKING:
    from twin.generation import Predictor
    from twin.training.preference_pairs import Found, Rules, Wanted
    from twin.training.sft import SftConfig

TUNED = "sft"
"""The fine-tuned model's name beside BASE: as a predictor's model and as a pair's source."""
_COPY_TOKENS = 12
_TEMPERATURE = 0.8


def prefer(
    config: SftConfig,
    base: BasePaths,
    adapter: Path,
    params: Params,
    settings: Settings,
    progress: Progress,
    start: Callable[[Path], None],
) -> None:
    """Go on from the fine-tuned `adapter` (its GGUF beside it) to the one in `config.out`: safetensors, GGUF,
    `train.json` with the counts of pairs.

    `start` runs a training job to its end, given its config's file. What is sampled lies below `config.checkpoints`, as
    checkpoints do, and goes with them; a run that was killed goes on. Raises TrainingError, EvaluationError (the
    predictor), DataError (edits that can't be read).
    """
    import pandas as pd

    from twin.serving.gguf import adapter_to_gguf
    from twin.training.sft import write_config

    work = Path(config.checkpoints) / "preference"
    found = pairs(Path(config.dataset), adapter, base, work, params, settings, progress)
    report = {"preference_pairs": len(found.pairs)}
    report |= {f"preference_{name}": count for name, count in sorted(found.counts.items())}
    made = Path(config.out)
    if found.pairs:
        frame = pd.DataFrame([pair.row() for pair in found.pairs])
        # Another edit, other pairs, another training: it must not go on from checkpoints of the former one.
        work /= hashlib.sha256(frame.to_json().encode()).hexdigest()[:16]
        tables.write(frame, work / tables.PAIRS, "pairs")
        job = replace(
            config, adapter=str(adapter), pairs=str(work / tables.PAIRS), checkpoints=str(work / "checkpoints")
        )
        start(write_config(job, work / "config.json"))
        with progress.step("convert the adapter for the local predictor"):
            adapter_to_gguf(made, base.folder, made / "adapter.gguf")
    else:
        # What was fine-tuned is worth keeping, and train.json says why no more came of it.
        shutil.copytree(adapter, made, dirs_exist_ok=True)
    write_json(made / "train.json", read_json(made / "train.json") | report)


def pairs(
    dataset: Path, adapter: Path, base: BasePaths, work: Path, params: Params, settings: Settings, progress: Progress
) -> Found:
    """All pairs and what became of the candidates, from the training split and the person's edits alone."""
    from twin.evaluation.copying import Corpus
    from twin.text import masks, privacy
    from twin.training.preference_pairs import Found, take_edits, wanted

    examples = tables.read(dataset / tables.EXAMPLES, "examples")
    training = examples["split"].eq("train")
    found, chosen = Found(), params.train.preference
    held = Corpus(_COPY_TOKENS).add(examples.loc[~training, "completion"])
    take_edits(
        Workspace(settings.root, params.author.id).edits / EDITED, params.author.name, found,
        held_out=lambda text: held.copied(text)[0] > 0,
        personal=lambda text: masks.held(text) or bool(privacy.mask(text, masks.KINDS)[1]),
    )  # fmt: skip
    texts = wanted(examples, chosen.texts, params.train.seed)
    if texts:
        learned = Corpus(_COPY_TOKENS).add(examples.loc[training, "completion"])
        rules = _rules(base.folder, learned.copied)
        sampled(texts, rules, found, base, adapter, work, params, progress)
    return found


def sampled(
    texts: Sequence[Wanted],
    rules: Rules,
    found: Found,
    base: BasePaths,
    adapter: Path,
    work: Path,
    params: Params,
    progress: Progress,
) -> None:
    """Let both models write every text's brief until a sample may stand against the text, `tries` times at most."""
    from twin.generation import Predictor
    from twin.training.preference_pairs import Pair

    if base.gguf is None:
        raise TrainingError(
            "the base model has no GGUF to sample with",
            base.name,
            "Set train.preference.texts to 0, or add its *.gguf.",
        )
    models = {TUNED: adapter}
    store = Store(work, digests(base.gguf, models), {"temperature": _TEMPERATURE})
    left = list(product((BASE, TUNED), texts))
    with predictor(base.gguf, models) as url, closing(Predictor(url)) as client, ThreadPoolExecutor(SLOTS) as threads:
        for attempt in range(params.train.preference.tries):
            seeds = (params.train.seed + 1000 * attempt + place for place in range(len(left)))
            with progress.step(f"write what is not the author's, {attempt + 1}", len(left)) as step:
                written = []
                for one in threads.map(
                    lambda job, seed: _written(job[0], job[1], seed, rules, store, client), left, seeds
                ):
                    written.append(one)
                    step.advance()
            store.save()
            judged = [
                found.judge(
                    *rules.against(
                        Pair(document_id=text.document_id, source=model, messages=text.messages, chosen=text.text,
                             rejected=sample.text),
                        sample.ended,
                    )
                )
                for (model, text), sample in zip(left, written, strict=True)
            ]  # fmt: skip
            left = [job for job, taken in zip(left, judged, strict=True) if not taken]


def _written(model: str, text: Wanted, seed: int, rules: Rules, store: Store, client: Predictor) -> Written:
    """A sample for the text's brief, no longer than may stand against it; one that was kept is not written again."""
    known = store.get(model, text.messages, seed)
    if known is not None:
        return known
    done = client.chat(
        text.messages, model, max_tokens=rules.most(text.text) + 1, temperature=_TEMPERATURE, seed=seed, stop=STOP,
        steered=False,  # what is learned from such a sample must be the model's own
    )  # fmt: skip
    sample = Written(opened(done.text).rstrip(), done.finish_reason == "stop")
    return store.put(model, text.messages, seed, sample)


def _rules(folder: Path, copied: Callable[[str], tuple[int, int, int]]) -> Rules:
    from transformers import AutoTokenizer

    from twin.evaluation.fluency import loops
    from twin.training.preference_pairs import Rules

    tokenizer = AutoTokenizer.from_pretrained(folder)
    return Rules(
        size=lambda text: len(tokenizer(text, add_special_tokens=False)["input_ids"]), loops=loops,
        copied=lambda text: copied(text)[0] > 0,
    )  # fmt: skip
