"""Many choices of training side by side on one GPU: `python -m bench.search --roots FOLDER … --out FOLDER [--seconds 500]`.

Each root is what `python -m bench.author --root FOLDER` leaves (stage `dataset` is enough). A trial trains a LoRA
adapter with the job's own examples and loss in a plain loop, looks at the validation split eight times, and keeps the weights
that were best there; only then are these scored on the test split, so that nothing is chosen by it. A small model leaves a
GPU idle: several processes share it. Rows are printed best first, and `OUT/trials.jsonl` holds them all.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.preference import shifted
from twin import params as params_file
from twin import tables
from twin.basemodel import local_path
from twin.evaluation import likelihood
from twin.files import read_json, write_json
from twin.precision import model_dtype
from twin.stages.evaluate_scores import rows as held_out_rows
from twin.training.encode import encode
from twin.training.job import pad
from twin.training.sft import completion_loss
from twin.workspace import Workspace

_LOOKS = 8
# Of a trial's steps: how far back the running mean of the weights reaches.
_MEMORY = 0.15
# What a trial may say. `plus`: LoRA+, B's rate over A's; `all`: no adapter, every weight learns; `kinds`: briefs alone.
DEFAULT: dict[str, Any] = {
    "batch": 8, "rate": 5e-4, "epochs": 3.0, "rank": 16, "alpha": 2.0, "dropout": 0.0, "decay": 0.0, "plus": 1.0,
    "schedule": "cosine", "kinds": "all", "all": False, "seed": 7,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Author:
    """What a trial needs of one author, as token ids."""

    name: str
    examples: list[dict[str, list[int]]]
    kinds: list[str]
    validation: list[likelihood.Row]
    test: list[likelihood.Row]


def author_of(root: Path, base: Path) -> Author:
    """Read a root's dataset."""
    from transformers import AutoTokenizer

    params = params_file.load(root / "params.yaml")
    rows = tables.read(Workspace(root, params.author.id).dataset / tables.EXAMPLES, "examples")
    train = rows[rows["split"].eq("train")]
    examples = encode(train, AutoTokenizer.from_pretrained(base), params.dataset.max_tokens)
    return Author(
        root.name, examples, list(train["kind"]), held_out_rows(shifted(rows), base, params),
        held_out_rows(rows, base, params),
    )  # fmt: skip


def bits(causal: Any, rows: Sequence[likelihood.Row], device: str) -> float:
    """Bits per byte of all rows together."""
    causal.eval()
    nats = sum(
        value
        for batch in likelihood.batches(rows)
        for value in likelihood.nats(causal, [rows[i] for i in batch], device)
    )
    causal.train()
    return float(nats / math.log(2) / sum(row.bytes for row in rows))


def trial(base: Any, author: Author, choice: dict[str, Any], device: str, keep: Path) -> dict[str, Any]:
    """One training, judged; its best weights go to `keep` where it was LoRA of rank 16."""
    import torch
    from peft import LoraConfig, get_peft_model

    began, c = time.monotonic(), {**DEFAULT, **choice}
    torch.manual_seed(c["seed"])
    before = {split: bits(base, getattr(author, split), device) for split in ("validation", "test")}
    learner = None
    if not c["all"]:
        learner = get_peft_model(
            base, LoraConfig(r=c["rank"], lora_alpha=c["rank"] * c["alpha"], lora_dropout=c["dropout"],
                             target_modules="all-linear", task_type="CAUSAL_LM"),
            autocast_adapter_dtype=False,
        )  # fmt: skip
    else:
        base.requires_grad_(True)
    named = [(n, p) for n, p in (learner or base).named_parameters() if p.requires_grad]
    live = [p for _, p in named]
    masters = [p.detach().float().clone() for p in live]
    ups = [m for (n, _), m in zip(named, masters, strict=True) if "lora_B" in n]
    downs = [m for (n, _), m in zip(named, masters, strict=True) if "lora_B" not in n]
    optimizer = torch.optim.AdamW(
        [{"params": downs, "lr": c["rate"]}, {"params": ups, "lr": c["rate"] * c["plus"]}], weight_decay=c["decay"]
    )
    picked = [e for e, k in zip(author.examples, author.kinds, strict=True) if c["kinds"] == "all" or k == c["kinds"]]
    steps = math.ceil(c["epochs"] * len(picked) / c["batch"])
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: _rate(s, steps, c["schedule"]))
    mean = [m.clone() for m in masters]
    best: dict[str, tuple[float, int, list[Any]]] = {}

    def put(weights: list[Any]) -> None:
        torch._foreach_copy_([p.data for p in live], weights)

    base.train()
    for step, batch in enumerate(_batches(picked, c["batch"], steps, c["seed"]), 1):
        inputs = {name: value.to(device) for name, value in pad(batch, 0).items()}
        completion_loss(base, **inputs)["loss"].backward()
        for master, p in zip(masters, live, strict=True):
            master.grad = p.grad.float()  # type: ignore[union-attr]
            p.grad = None
        torch.nn.utils.clip_grad_norm_(masters, 1.0)
        optimizer.step()
        scheduler.step()
        torch._foreach_lerp_(mean, masters, max(1 / (1 + step), 1 - math.exp(-1 / (steps * _MEMORY))))
        put(masters)
        if step % max(1, steps // _LOOKS) == 0 or step == steps:
            for name, weights in (("best", masters), ("mean", mean)):
                put(weights)
                found = bits(base, author.validation, device)
                if name not in best or found < best[name][0]:
                    best[name] = (found, step, [w.clone() for w in weights])
            put(masters)
    done: dict[str, Any] = {"author": author.name, "choice": choice, "steps": steps, "best_step": best["best"][1]}
    done["last"] = 1 - bits(base, author.test, device) / before["test"]
    done["last_validation"] = 1 - bits(base, author.validation, device) / before["validation"]
    for name, (found, _, weights) in best.items():
        put(weights)
        done[name + "_validation"] = 1 - found / before["validation"]
        done[name] = 1 - bits(base, author.test, device) / before["test"]
    if learner is not None:
        if c["rank"] == 16:
            put(best["best"][2])
            learner.save_pretrained(keep)
        learner.unload()
    done["seconds"] = time.monotonic() - began
    return done


def _rate(step: int, steps: int, schedule: str) -> float:
    warm = max(1, math.ceil(0.05 * steps))
    if step < warm:
        return (step + 1) / warm
    return 1.0 if schedule == "constant" else 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _batches(examples: Sequence[Any], size: int, steps: int, seed: int) -> Iterator[list[Any]]:
    chance, order = random.Random(seed), list[int]()
    for _ in range(steps):
        while len(order) < size:
            order += chance.sample(range(len(examples)), len(examples))
        yield [examples[i] for i in order[:size]]
        del order[:size]


def _work(mine: int, base_folder: Path, authors: list[Author], jobs: Any, done: Any, out: Path, until: float) -> None:
    """One process: trials from the queue until it is empty or the time is up."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(1)
    device = "cuda" if torch.cuda.is_available() else "cpu"

    def load() -> Any:
        model = AutoModelForCausalLM.from_pretrained(base_folder, dtype=model_dtype()).to(device)
        model.config.use_cache = False
        return model

    base = load()
    while time.time() < until and (job := jobs.get()) is not None:
        number, author, choice = job
        try:
            found = trial(base, authors[author], choice, device, out / "adapters" / f"{authors[author].name}-{number}")
        except Exception as error:
            found = {"author": authors[author].name, "choice": choice, "failed": repr(error)[:300]}
        if choice.get("all") or "failed" in found:
            base = load()
        done.put({**found, "trial": number})
    done.put(mine)


def main() -> None:
    """Read the command line, run the trials, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--roots", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--trials", type=Path, required=True, help="JSON: a list of choices, each may name its `roots`")
    parser.add_argument("--base", type=Path, help="folder of the base model; left out: the bundled one")
    parser.add_argument("--workers", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=500.0)
    options = parser.parse_args()
    began = time.time()
    base = options.base or local_path("bundled", options.out / "models").folder
    authors = [author_of(root, base) for root in options.roots]
    import torch.multiprocessing as processes

    context = processes.get_context("spawn")
    jobs, done = context.Queue(), context.Queue()
    for number, choice in enumerate(read_json(options.trials)):
        only = choice.pop("roots", None)
        for i, author in enumerate(authors):
            if only is None or author.name in only:
                jobs.put((number, i, choice))
    for _ in range(options.workers):
        jobs.put(None)
    until = began + options.seconds
    workers = [
        context.Process(target=_work, args=(i, base, authors, jobs, done, options.out, until), daemon=True)
        for i in range(options.workers)
    ]
    for worker in workers:
        worker.start()
    found: list[dict[str, Any]] = []
    left = len(workers)
    # What has not ended half a minute after its time is left behind.
    while left and time.time() < until + 30:
        try:
            said = done.get(timeout=5)
        except Exception:
            left -= sum(not w.is_alive() for w in workers) == len(workers)
            continue
        if isinstance(said, int):
            left -= 1
            continue
        found.append(said)
        options.out.mkdir(parents=True, exist_ok=True)
        with open(options.out / "trials.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(said) + "\n")
        print(f"{time.time() - began:.0f} s {json.dumps(said)}", flush=True)
    write_json(options.out / "trials.json", found)
    for author in authors:
        print(f"\n{author.name}\n{table([f for f in found if f['author'] == author.name and 'failed' not in f])}")


def table(found: Sequence[dict[str, Any]]) -> str:
    """The trials of one author, best on the validation split first."""
    lines = ["| choice | steps, best at | validation | test | mean of the weights: validation | test | last: test |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    for one in sorted(found, key=lambda f: -f["best_validation"]):
        said = ", ".join(f"{k} {v}" for k, v in one["choice"].items()) or "the default"
        lines.append(
            f"| {said} | {one['steps']}, {one['best_step']} | {one['best_validation']:.2%} | {one['best']:.2%} |"
            f" {one['mean_validation']:.2%} | {one['mean']:.2%} | {one['last']:.2%} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
