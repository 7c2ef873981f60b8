"""The arms that write for held-out briefs, the prompts each is given, and the cases they write for."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twin.errors import EvaluationError
from twin.prompts import draft
from twin.records import Message
from twin.voice.exemplars import diverse

if TYPE_CHECKING:
    import pandas as pd

BASE = "base"
EXEMPLARS = "base_exemplars"
BASE_RAG = "base_rag"
LORA = "lora"
LORA_RAG = "lora_rag"
ALIGNED = "aligned"
CHAMPION = "champion"
WRONG = "wrong_author"
CHEATER = "cheater"
# What a reader sees, in the report's order. The cheater writes nothing: it returns the nearest training text.
ARMS = (BASE, EXEMPLARS, BASE_RAG, LORA, LORA_RAG, ALIGNED, CHAMPION, WRONG, CHEATER)
_PLAIN_KINDS = ("brief", "facts")
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


@dataclass(frozen=True, slots=True)
class Ask:
    """What one arm is asked: a prompt and the facts shown in it for each case, `seeds` times, of `model`."""

    model: str
    prompts: Sequence[Sequence[Message]]
    facts: Sequence[Sequence[str]] = field(default=())
    seeds: int = 1

    def facts_of(self, case: int) -> Sequence[str]:
        """The facts that the prompt of a case shows."""
        return self.facts[case] if self.facts else ()


def first_pieces(examples: pd.DataFrame, split: str) -> pd.DataFrame:
    """One row a document of this split: its opening with a brief, in the table's order (oldest first)."""
    rows = examples[examples["split"].eq(split)]
    plain = rows[rows["kind"].isin(_PLAIN_KINDS)]
    found = plain if len(plain) else rows[~rows["kind"].eq("continuation")]
    return found.drop_duplicates("document_id")


def cases(examples: pd.DataFrame, name: str, limit: int, seed: int, split: str = "test") -> list[Case]:
    """Up to `limit` texts of a split with their briefs, drawn by `seed`, in the table's order."""
    rows = first_pieces(examples, split)
    found = [
        Case(document, register, brief_of(json.loads(messages), name, register), completion)
        for document, register, messages, completion in zip(
            rows["document_id"], rows["register"], rows["messages"], rows["completion"], strict=True
        )
    ]
    if len(found) < 2 and split == "test":
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


def exemplars(found: Sequence[Case], examples: pd.DataFrame, count: int = _EXEMPLARS) -> dict[str, list[str]]:
    """Register → diverse training texts of it (of any register, where it has too few)."""
    train = first_pieces(examples, "train")
    shown: dict[str, list[str]] = {}
    for register in sorted({case.register for case in found}):
        own = list(train.loc[train["register"].eq(register), "completion"])
        pool = own if len(own) >= count else list(train["completion"])
        shown[register] = [pool[i] for i in diverse(pool, count, _EXEMPLAR_WORDS)]
    return shown


def asks(
    found: Sequence[Case],
    name: str,
    voice: Mapping[str, Sequence[str]],
    facts: Sequence[Sequence[str]],
    adapters: Sequence[str],
    *,
    seeds: int,
    served_exemplars: int,
) -> dict[str, Ask]:
    """Arm → what it is asked. `facts` (empty: no arm retrieves) are each case's retrieved training chunks; `adapters`
    are the models beside the base: LORA always, WRONG, ALIGNED and CHAMPION where there are such. Candidates write
    `seeds` texts a brief, all others one: the base writes at length, and that takes most of the time.

    The arms that retrieve are prompted as serving does: the base with facts and exemplars, an adapter with facts.
    """

    def of(case: Case, told: Sequence[str] = (), shown: int = 0) -> list[Message]:
        return draft(
            name=name, register=case.register, brief=case.brief, facts=told, exemplars=voice[case.register][:shown]
        )

    plain = [of(c) for c in found]
    asked = {
        BASE: Ask(BASE, plain),
        EXEMPLARS: Ask(BASE, [of(c, shown=_EXEMPLARS) for c in found]),
        LORA: Ask(LORA, plain, seeds=seeds),
    }
    if facts:
        asked[BASE_RAG] = Ask(BASE, [of(c, f, served_exemplars) for c, f in zip(found, facts, strict=True)], facts)
        asked[LORA_RAG] = Ask(LORA, [of(c, f) for c, f in zip(found, facts, strict=True)], facts)
    for arm in adapters:
        if arm != LORA:
            asked[arm] = Ask(arm, plain, seeds=1 if arm == WRONG else seeds)
    return {arm: asked[arm] for arm in ARMS if arm in asked}


def write(
    asked: Mapping[str, Ask],
    writer: Callable[[str, Sequence[Message], int], Written],
    seed: int,
    tick: Callable[[str], None],
    at_once: int = 8,
) -> dict[str, list[list[Written]]]:
    """Arm → one list a seed, each with a text a case. The same seed for the same case in all arms.

    Arm by arm, so that prompts with one beginning follow one another and the engine's prompt cache holds it.
    """
    from concurrent.futures import ThreadPoolExecutor

    def one(job: tuple[str, str, int, Sequence[Message]]) -> Written:
        arm, model, number, messages = job
        done = writer(model, messages, number)
        tick(arm)
        return done

    found = {}
    with ThreadPoolExecutor(at_once) as threads:
        for arm, ask in asked.items():
            jobs = [
                (arm, ask.model, seed + 1000 * s + i, messages)
                for s in range(ask.seeds)
                for i, messages in enumerate(ask.prompts)
            ]
            texts = list(threads.map(one, jobs))
            size = len(ask.prompts)
            found[arm] = [texts[s * size : (s + 1) * size] for s in range(ask.seeds)]
    return found
