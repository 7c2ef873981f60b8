"""Likelihoods of stage evaluate: held-out texts under every model, drafts as the base model reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from twin.errors import EvaluationError
from twin.evaluation import arms
from twin.evaluation.arms import Written
from twin.params import Params
from twin.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

    from twin.evaluation.likelihood import Row


def rows(examples: pd.DataFrame, folder: Path, params: Params) -> list[Row]:
    """Held-out pieces as token ids, within the budget: every document's opening first, then pieces drawn by seed.

    The end-of-turn token is learned but not scored: it has no byte of text.
    """
    import pandas as pd
    from transformers import AutoTokenizer

    from twin.evaluation.likelihood import IGNORED, Row
    from twin.training.encode import encode

    tokenizer = AutoTokenizer.from_pretrained(folder)
    openings = arms.first_pieces(examples, "test")
    rest = examples[examples["split"].eq("test") & examples["kind"].eq("continuation")]
    rest = rest.sample(frac=1.0, random_state=params.evaluate.seed)
    test = pd.concat([openings.sample(frac=1.0, random_state=params.evaluate.seed), rest], ignore_index=True)
    found: list[Row] = []
    encoded = encode(test, tokenizer, params.dataset.max_tokens)
    spent = 0
    for i, row in enumerate(encoded):
        labels = [IGNORED if token == tokenizer.eos_token_id else token for token in row["labels"]]
        text = [token for token in labels if token != IGNORED]
        size = len(tokenizer.decode(text).encode("utf-8", "surrogatepass"))
        if not size or (found and spent + len(labels) > params.evaluate.likelihood_tokens):
            continue
        spent += len(labels)
        found.append(Row(str(test.loc[i, "document_id"]), row["input_ids"], labels, size))
    if not found:
        raise EvaluationError(
            "there is no held-out text to score", len(test), "Add texts and run `twin dataset` again."
        )
    return found


def perplexity(
    own: Sequence[str], written: Mapping[str, Sequence[Sequence[Written]]], folder: Path, progress: Progress
) -> dict[str, list[float]]:
    """Bits per byte under the base model, without a prompt: of each arm's texts, and under `author` of the person's."""
    from transformers import AutoTokenizer

    from twin.evaluation.likelihood import BASE as MODEL
    from twin.evaluation.likelihood import IGNORED, Row, score

    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = {"author": list(own), **{arm: [w.text for s in found for w in s] for arm, found in written.items()}}
    flat = list(dict.fromkeys(t for found in texts.values() for t in found if t.strip()))
    rows = []
    for text in flat:
        ids = tokenizer(text, truncation=True, max_length=400)["input_ids"]
        size = len(tokenizer.decode(ids).encode("utf-8", "surrogatepass"))
        rows.append(Row("", [tokenizer.eos_token_id, *ids], [IGNORED, *ids], max(1, size)))
    with progress.step("read drafts as the base model does", len(rows)) as step:
        bits = score(folder, {}, rows, step.advance)[MODEL]
    known = {text: b / row.bytes for text, b, row in zip(flat, bits, rows, strict=True)}
    return {arm: [known.get(t, 0.0) for t in found] for arm, found in texts.items()}
