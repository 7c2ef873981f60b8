"""Examples from documents: a neutral brief (sometimes with facts) asks, the author's own text answers."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from twin.prompts import continuation, draft
from twin.records import Document, Example
from twin.training.briefs import brief_for

# Rough characters a token: good enough to cut long texts at paragraphs; the encoder enforces the true limit.
_CHARS_PER_TOKEN = 3.6
_TAIL_CHARS = 240
_FACT_WORDS = 60

FactsFor = Callable[[Document], Sequence[str]]


def build(
    documents: Sequence[Document],
    splits: dict[str, str],
    *,
    name: str,
    max_tokens: int,
    facts_share: float,
    facts_for: FactsFor,
    seed: int,
    tick: Callable[[], None] = lambda: None,
) -> list[Example]:
    """Examples of every document, in the documents' order.

    A text longer than about `max_tokens` tokens becomes an opening and continuations, cut between paragraphs.
    `facts_share` of the openings carry chunks of other texts (`facts_for` must never return the text itself).
    """
    rng = random.Random(seed)
    examples: list[Example] = []
    for document in documents:
        facts = list(facts_for(document)) if rng.random() < facts_share else []
        examples.extend(_of(document, splits[document.id], name, max_tokens, facts))
        tick()
    return examples


def _of(document: Document, split: str, name: str, max_tokens: int, facts: list[str]) -> list[Example]:
    pieces = cut(document.text, int(max_tokens * 0.75 * _CHARS_PER_TOKEN))
    brief = brief_for(document.title, document.text, document.language)
    facts = [" ".join(fact.split()[:_FACT_WORDS]) for fact in facts[:2]]
    found = []
    for index, piece in enumerate(pieces):
        if index == 0:
            messages = draft(name=name, register=document.register, brief=brief, facts=facts)
            kind = "facts" if facts else "brief"
        else:
            messages = continuation(name=name, register=document.register, opening=pieces[index - 1][-_TAIL_CHARS:])
            kind = "continuation"
        found.append(
            Example(
                id=f"{document.id}#{index}", document_id=document.id, register=document.register, kind=kind,
                split=split, messages=messages, completion=piece,
            )
        )  # fmt: skip
    return found


def cut(text: str, limit: int) -> list[str]:
    """Cut a text into pieces of at most about `limit` characters between paragraphs, else lines, else words.

    No character is lost: the pieces joined give the text.
    """
    pieces: list[str] = []
    current = ""
    for part in _parts(text, limit):
        if current and len(current) + len(part) > limit:
            pieces.append(current)
            current = ""
        current += part
    return [*pieces, current] if current else pieces


def _parts(text: str, limit: int) -> list[str]:
    for border in (r"(?<=\n\n)", r"(?<=\n)", r"(?<=[.!?] )", r"(?<= )"):
        parts = re.split(border, text)
        if max(map(len, parts), default=0) <= limit:
            return parts
    return [text[i : i + limit] for i in range(0, len(text), limit)]
