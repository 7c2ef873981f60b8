"""A small author of the tests' own: thirty notes in one voice, enough to run every stage on."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from twin.workspace import Workspace

AUTHOR = "tess-hale"
PARAMS = f"""
author: {{id: {AUTHOR}, name: Tess Hale}}
sources: [{{kind: files, path: ".", register_as: post}}]
validate: {{min_words: 500, max_rejected: 0.5}}
prepare: {{near_duplicate: 0.95}}
dataset: {{max_tokens: 128}}
train: {{epochs: 1, token_budget: 1500, rank: 4, alpha: 8, evals_per_epoch: 1, zero_stage: 0}}
evaluate: {{briefs: 2, seeds: 1, pool: 2, max_new_tokens: 16, bootstrap: 100, likelihood_tokens: 1000, wrong_author_tokens: 800}}
gate: {{min_bits_per_byte_gain: -9, max_copy_share: 1, max_style_regression: 9}}
serve: {{max_new_tokens: 24}}
cluster: {{service: ""}}
"""
_WHO = ["the kettle", "our deploy", "a lighthouse", "the night bus", "my notebook", "the old router", "a queue"]
_DID = ["taught me", "forgot", "waited for", "broke", "held", "rewrote", "noticed", "outlived", "argued with"]
_WHAT = ["patience", "a timeout", "the fog", "nobody in particular", "the third retry", "a small kindness", "the tide"]
_END = ["so what", "obviously", "again", "I think", "at last", "as ever"]


@pytest.fixture
def small_params() -> str:
    """The text of a params.yaml whose training takes a few steps and whose evaluation a few drafts."""
    return PARAMS


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A folder that holds data/tess-hale/inbox, as the cluster's volume does."""
    chance = random.Random(3)
    inbox = Workspace(tmp_path / "workspace", AUTHOR).inbox
    inbox.mkdir(parents=True)
    for number in range(30):
        sentences = [
            f"{chance.choice(_WHO).capitalize()} {chance.choice(_DID)} {chance.choice(_WHAT)} — {chance.choice(_END)}."
            for _ in range(8)
        ]
        text = f"# Note {number}\n\n{' '.join(sentences[:4])}\n\n{' '.join(sentences[4:])}\n"
        date = f"2024-{number % 12 + 1:02d}-{number // 12 + 10}"
        (inbox / f"{date}-note-{number}.md").write_text(text, encoding="utf-8")
    return tmp_path / "workspace"
