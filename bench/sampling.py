"""What sampling does to a twin's drafts, on validation briefs: `python -m bench.sampling --root FOLDER`.

FOLDER is what `python -m bench.author --root FOLDER` left behind. Prints one table row a setting: the share of the style
gap closed (masked traits, pools of ten), the share taken for the author, copies, endings, points made.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twin import params as params_file
from twin import settings as environment
from twin import tables
from twin.basemodel import local_path
from twin.evaluation import arms, others
from twin.evaluation.arms import Ask, Written
from twin.evaluation.measure import Heard, measure
from twin.stages import evaluate_content, evaluate_drafts
from twin.workspace import Workspace

# temperature, min_p, repetition_penalty
SETTINGS = (
    (0.5, 0.1, 1.05), (0.7, 0.1, 1.05), (0.8, 0.1, 1.05), (0.8, 0.05, 1.05), (0.8, 0.1, 1.0), (0.8, 0.1, 1.1),
    (0.9, 0.05, 1.0), (1.0, 0.1, 1.0), (1.0, 0.05, 1.0), (1.0, 0.02, 1.0), (1.0, 0.1, 1.05),
)  # fmt: skip


def main() -> None:
    """Read the command line, write for each setting, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--adapter", type=Path, help="default: the author's own")
    parser.add_argument("--briefs", type=int, default=30)
    parser.add_argument("--settings", nargs="*", help="temperature,min_p,repetition_penalty …")
    options = parser.parse_args()
    chosen = [tuple(map(float, s.split(","))) for s in options.settings or ()] or list(SETTINGS)
    params = params_file.load(options.root / "params.yaml")
    space = Workspace(options.root, params.author.id)
    adapter = options.adapter or space.adapter
    examples = tables.read(space.dataset / tables.EXAMPLES, "examples")
    cases = arms.cases(examples, params.author.name, options.briefs, 7, split="validation")
    voice = arms.exemplars(cases, examples)
    asked = arms.asks(cases, params.author.name, voice, (), [arms.LORA], seeds=2, served_exemplars=0)
    own = list(arms.first_pieces(examples, "train")["completion"])
    crowd = others.gather(own, [], 7)
    base = local_path(params.train.base_model, environment.load().home / "models")
    heard: dict[str, Any] = {
        "cases": cases, "training_first": own, "others": crowd, "documents": ["d"], "sizes": [1],
        "training_all": list(examples.loc[examples["split"].eq("train"), "completion"]),
        "bits": {arms.BASE: [1.0], arms.LORA: [1.0]},
        "tools": evaluate_content.tools(_embedder(params.features.embedder)),
    }  # fmt: skip
    print(f"{len(cases)} validation briefs, 2 seeds; base written with temperature 0.8, min_p 0.1, penalty 1.05\n")
    print(
        "| temperature | min_p | penalty | gap closed | taken for the author | copied | sound | points | words | seconds |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    base_texts: list[list[Written]] | None = None
    with evaluate_drafts.predictor(base.gguf or Path(), {arms.LORA: adapter}) as url:
        for temperature, min_p, penalty in chosen:
            began = time.monotonic()
            if base_texts is None:
                base_texts = _write({arms.BASE: asked[arms.BASE]}, url, params, 0.8, 0.1, 1.05)[arms.BASE]
                began = time.monotonic()
            written = {arms.BASE: base_texts}
            written |= _write({arms.LORA: asked[arms.LORA]}, url, params, temperature, min_p, penalty)
            seconds = time.monotonic() - began
            found = measure(
                Heard(written=written, **heard), name=params.author.name, pool=10, copy_tokens=12, draws=200, seed=7
            )
            arm, closure = found.arms[arms.LORA], found.style.closure[arms.LORA]
            taken = found.authorship.deciding.accepted[arms.LORA] if found.authorship.deciding else None
            words = sum(len(w.text.split()) for s in written[arms.LORA] for w in s) / (2 * len(cases))
            print(
                f"| {temperature:g} | {min_p:g} | {penalty:g} | {closure.value:.0%} [{closure.low:.0%}, {closure.high:.0%}]"
                f" | {taken.value if taken else float('nan'):.0%} | {arm.copied.value:.1%} | {arm.sound.value:.0%}"
                f" | {arm.covered.value:.0%} | {words:.0f} | {seconds:.0f} |",
                flush=True,
            )


def _write(asked: dict[str, Ask], url: str, params: Any, temperature: float, min_p: float, penalty: float) -> Any:
    from twin.generation import Predictor

    client = Predictor(url)

    def writer(model: str, messages: Sequence[Any], seed: int) -> Written:
        done = client.chat(
            messages, model, max_tokens=params.evaluate.max_new_tokens, temperature=temperature, seed=seed, stop=arms.STOP,
            min_p=min_p, repetition_penalty=penalty,
        )  # fmt: skip
        return Written(arms.opened(done.text), done.finish_reason == "stop")

    try:
        return arms.write(asked, writer, 7, lambda _: None)
    finally:
        client.close()


def _embedder(name: str) -> Any:
    from twin.embedding import Embedder

    return Embedder(name)


if __name__ == "__main__":
    main()
