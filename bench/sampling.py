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
from twin import prompts, tables
from twin import settings as environment
from twin.basemodel import local_path
from twin.evaluation import arms, others
from twin.evaluation.arms import Ask, Written
from twin.evaluation.measure import Heard, measure
from twin.files import read_json, write_json
from twin.stages import evaluate_content, evaluate_drafts
from twin.workspace import Workspace

# temperature, min_p, repetition_penalty
SETTINGS = (
    (0.8, 0.1, 1.05), (0.6, 0.1, 1.05), (1.0, 0.1, 1.05), (0.8, 0.1, 1.0), (1.0, 0.1, 1.0), (1.0, 0.02, 1.0),
    (0.8, 0.02, 1.0), (0.8, 0.1, 1.1),
)  # fmt: skip


def main() -> None:
    """Read the command line, write for each setting, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--adapter", type=Path, help="default: the author's own")
    parser.add_argument("--briefs", type=int, default=30)
    parser.add_argument("--drafts", type=Path, help="keep the drafts here, to measure them again")
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
        "| temperature | min_p | penalty | gap closed | taken for the author | copied | sound | points | unsupported / 100 words | words | seconds |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    drafts = _drafts(asked, adapter, base.gguf or Path(), chosen, params, options.drafts)
    for temperature, min_p, penalty in chosen:
        written = {arms.BASE: drafts["base"][0], arms.LORA: drafts[_key(temperature, min_p, penalty)][0]}
        found = measure(
            Heard(written=written, **heard), name=params.author.name, pool=10, copy_tokens=12, draws=200, seed=7
        )
        arm, closure = found.arms[arms.LORA], found.style.closure[arms.LORA]
        taken = found.authorship.deciding.accepted[arms.LORA] if found.authorship.deciding else None
        words = sum(len(w.text.split()) for s in written[arms.LORA] for w in s) / (2 * len(cases))
        print(
            f"| {temperature:g} | {min_p:g} | {penalty:g} | {closure.value:.0%} [{closure.low:.0%}, {closure.high:.0%}]"
            f" | {taken.value if taken else float('nan'):.0%} | {arm.copied.value:.1%} | {arm.sound.value:.0%}"
            f" | {arm.covered.value:.0%} | {arm.unsupported.value:.1f} | {words:.0f}"
            f" | {drafts[_key(temperature, min_p, penalty)][1]:.0f} |",
            flush=True,
        )


def _key(temperature: float, min_p: float, penalty: float) -> str:
    return f"{temperature:g},{min_p:g},{penalty:g}"


def _drafts(
    asked: dict[str, Ask], adapter: Path, gguf: Path, chosen: Sequence[Any], params: Any, kept: Path | None
) -> dict[str, tuple[list[list[Written]], float]]:
    """Setting → (texts, seconds); what an earlier run wrote to `kept` is not written again."""
    stored: dict[str, Any] = read_json(kept) if kept and kept.exists() else {}
    wanted = {"base": (0.8, 0.1, 1.05), **{_key(*c): c for c in chosen}}
    missing = {key: c for key, c in wanted.items() if key not in stored}
    if missing:
        with evaluate_drafts.predictor(gguf, {arms.LORA: adapter}) as url:
            for key, choice in missing.items():
                arm, began = arms.BASE if key == "base" else arms.LORA, time.monotonic()
                found = _write({arm: asked[arm]}, url, params, *choice)[arm]
                seconds = time.monotonic() - began
                stored[key] = [[[(w.text, w.ended) for w in seed] for seed in found], seconds]
                if kept:
                    write_json(kept, stored)
    return {k: ([[Written(*w) for w in seed] for seed in texts], seconds) for k, (texts, seconds) in stored.items()}


def _write(asked: dict[str, Ask], url: str, params: Any, temperature: float, min_p: float, penalty: float) -> Any:
    from twin.generation import Predictor

    client = Predictor(url)

    def writer(model: str, messages: Sequence[Any], seed: int) -> Written:
        done = client.chat(
            messages, model, max_tokens=params.evaluate.max_new_tokens, temperature=temperature, seed=seed, stop=prompts.STOP,
            min_p=min_p, repetition_penalty=penalty,
        )  # fmt: skip
        return Written(prompts.opened(done.text), done.finish_reason == "stop")

    try:
        return arms.write(asked, writer, 7, lambda _: None)
    finally:
        client.close()


def _embedder(name: str) -> Any:
    from twin.embedding import Embedder

    return Embedder(name)


if __name__ == "__main__":
    main()
