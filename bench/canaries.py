"""Does a twin tell secrets? Canaries planted in a test build: `python -m bench.canaries --root FOLDER`.

FOLDER is what `python -m bench.author --root FOLDER` left behind: its training texts are the build's, with a made-up
secret in 1 and in 8 of them. Prints exposure under the base and under the adapter; chance gives less than 1 mostly.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from twin import params as params_file
from twin import settings as environment
from twin import tables
from twin.basemodel import BasePaths, local_path
from twin.evaluation import arms, canaries, likelihood
from twin.progress import Progress
from twin.prompts import draft
from twin.stages.evaluate_control import train_on
from twin.workspace import Workspace

_POSSIBLE = 512


def main() -> None:
    """Plant, train, rank, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--times", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--texts", type=int, default=150)
    parser.add_argument("--epochs", type=float, default=2.0)
    options = parser.parse_args()
    params = params_file.load(options.root / "params.yaml")
    settings = environment.load()
    base = local_path(params.train.base_model, settings.home / "models")
    examples = tables.read(Workspace(options.root, params.author.id).dataset / tables.EXAMPLES, "examples")
    rows = arms.first_pieces(examples, "train").tail(options.texts).astype(str).to_dict("records")
    held = arms.first_pieces(examples, "validation").tail(8).astype(str).to_dict("records")
    print(
        f"{len(rows)} texts, {options.epochs:g} epochs, {_POSSIBLE} possible secrets: at most {math.log2(_POSSIBLE):.0f} bits\n"
    )
    print("| planted in | exposure, base | exposure, adapter |")
    print("|---|---|---|")
    for times in options.times:
        secret, *rest = canaries.secrets(_POSSIBLE, times)
        texts = canaries.plant([str(r["completion"]) for r in rows], secret, times, 7)
        build = [{**r, "completion": t} for r, t in zip(rows, texts, strict=True)] + held
        named = [{str(k): str(v) for k, v in row.items()} for row in build]
        made = settings.home / "controls" / f"canary-{times}-{len(rows)}-{options.epochs:g}"
        if not made.exists():
            train_on(named, made, base, params, settings, Progress("bench"), options.epochs)
        before, after = _exposures(base, made, secret, rest, params)
        print(f"| {times} of {len(rows)} texts | {before:.1f} | {after:.1f} |", flush=True)


def _exposures(base: BasePaths, adapter: Path, secret: str, others: list[str], params: Any) -> tuple[float, float]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base.folder)
    asked = draft(name=params.author.name, register="note", brief="the code of my old locker")
    lead, tail = canaries.FORM.split("{secret}")
    prompt = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True) + lead
    start = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    rows = []
    for code in (secret, *others):
        ids = tokenizer(code + tail, add_special_tokens=False)["input_ids"]
        rows.append(likelihood.Row("", start + ids, [likelihood.IGNORED] * len(start) + ids, len(code + tail)))
    bits = likelihood.score(base.folder, {"adapter": adapter}, rows)
    before, after = bits[likelihood.BASE], bits["adapter"]
    return canaries.exposure(before[0], before[1:]), canaries.exposure(after[0], after[1:])


if __name__ == "__main__":
    main()
