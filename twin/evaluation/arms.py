"""The arms that write for held-out briefs: the base model, the base with exemplars, the adapter."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.errors import EvaluationError
from twin.prompts import draft
from twin.records import Message
from twin.voice.exemplars import diverse

if TYPE_CHECKING:
    import pandas as pd

BASE = "base"
EXEMPLARS = "base_exemplars"
LORA = "lora"
ARMS = (BASE, EXEMPLARS, LORA)
_EXEMPLARS = 4
_EXEMPLAR_WORDS = 150


@dataclass(frozen=True, slots=True)
class Case:
    """One held-out text: the neutral brief that asks for it and its first piece, as the author wrote it."""

    document_id: str
    register: str
    brief: str
    real: str


@dataclass(frozen=True, slots=True)
class Written:
    """One generated text; `ended` is False when it ran into the limit of tokens."""

    text: str
    ended: bool


def first_pieces(examples: pd.DataFrame, split: str) -> pd.DataFrame:
    """The rows that open a document of this split, in the table's order (oldest first)."""
    return examples[examples["split"].eq(split) & ~examples["kind"].eq("continuation")]


def cases(examples: pd.DataFrame, name: str, limit: int, seed: int) -> list[Case]:
    """Up to `limit` held-out texts with their briefs, drawn by `seed`, in the table's order."""
    rows = first_pieces(examples, "test")
    found = [
        Case(document, register, brief_of(json.loads(messages), name, register), completion)
        for document, register, messages, completion in zip(
            rows["document_id"], rows["register"], rows["messages"], rows["completion"], strict=True
        )
    ]
    if len(found) < 2:
        raise EvaluationError(
            "too few held-out texts to evaluate", len(found), "Add texts: at least 2 must be held out."
        )
    kept = sorted(random.Random(seed).sample(range(len(found)), min(limit, len(found))))
    return [found[i] for i in kept]


def brief_of(messages: Sequence[Message], name: str, register: str) -> str:
    """The brief inside a prompt that `prompts.draft` made: facts are left out, for they are in the author's voice."""
    lead = draft(name=name, register=register, brief="")[-1]["content"].rstrip()
    content = messages[-1]["content"]
    if lead not in content:
        raise EvaluationError("a held-out example holds no brief", content[:80], "Run `twin dataset` again.")
    return content[content.rindex(lead) + len(lead) :].strip()


def prompts(found: Sequence[Case], examples: pd.DataFrame, name: str) -> dict[str, list[list[Message]]]:
    """Arm → one prompt a case. Exemplars are diverse training texts of the case's register (of any, if it has few)."""
    train = first_pieces(examples, "train")
    shown: dict[str, list[str]] = {}
    for register in sorted({case.register for case in found}):
        own = list(train.loc[train["register"].eq(register), "completion"])
        pool = own if len(own) >= _EXEMPLARS else list(train["completion"])
        shown[register] = [pool[i] for i in diverse(pool, _EXEMPLARS, _EXEMPLAR_WORDS)]
    plain = [draft(name=name, register=c.register, brief=c.brief) for c in found]
    with_voice = [draft(name=name, register=c.register, brief=c.brief, exemplars=shown[c.register]) for c in found]
    return {BASE: plain, EXEMPLARS: with_voice, LORA: plain}


def write(
    asked: Mapping[str, Sequence[Sequence[Message]]],
    writer: Callable[[str, Sequence[Message], int], Written],
    seed: int,
    tick: Callable[[str], None],
) -> dict[str, list[Written]]:
    """Let each arm write for each case, four at once; the same seed for the same case in all arms."""
    from concurrent.futures import ThreadPoolExecutor

    def one(job: tuple[str, int, Sequence[Message]]) -> Written:
        arm, i, messages = job
        done = writer(arm, messages, seed + i)
        tick(arm)
        return done

    found = {}
    with ThreadPoolExecutor(4) as threads:
        for arm, messages in asked.items():
            found[arm] = list(threads.map(one, [(arm, i, m) for i, m in enumerate(messages)]))
    return found
