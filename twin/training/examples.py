"""Examples from documents: several ways to ask, and the author's own text answers."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from twin.prompts import continuation, draft, outline, rewrite
from twin.records import Document, Example, Message
from twin.training.briefs import Brief, Briefs
from twin.training.plain import plain

# Rough characters a token: good enough to cut long texts at paragraphs; the encoder enforces the true limit.
_CHARS_PER_TOKEN = 3.6
_FACT_WORDS = 60
# A text is split for continuation only where both halves are worth it.
_LEAST_CHARS = 160

FactsFor = Callable[[Document], Sequence[str]]
_Asked = tuple[str, list[Message], str, bool]


@dataclass(frozen=True, slots=True)
class Mix:
    """Of the training texts, the share that is asked for in one more way: each is a further example of the same text."""

    facts: float = 0.0
    outline: float = 0.0
    rewrite: float = 0.0
    continuation: float = 0.0


@dataclass(slots=True)
class Builder:
    """Makes examples; `facts_for` must never return chunks of the text itself or of a held-out one."""

    name: str
    max_tokens: int
    mix: Mix
    facts_for: FactsFor
    seed: int
    briefs: Briefs = field(default_factory=Briefs)

    def build(
        self, documents: Sequence[Document], splits: Mapping[str, str], tick: Callable[[], None] = lambda: None
    ) -> list[Example]:
        """Examples of every document, in the documents' order.

        A text longer than about `max_tokens` tokens becomes an opening and continuations, cut between paragraphs.
        Held-out texts are asked for by their brief alone: what is measured on them stays comparable whatever the mix.
        """
        examples: list[Example] = []
        for document in documents:
            split = splits[document.id]
            asked = self._asked(document, in_training=split == "train")
            examples.extend(
                Example(
                    id=f"{document.id}#{index}", document_id=document.id, register=document.register, kind=kind,
                    split=split, messages=messages, completion=text, ends=ends,
                )
                for index, (kind, messages, text, ends) in enumerate(asked)
            )  # fmt: skip
            tick()
        return examples

    def _asked(self, document: Document, in_training: bool) -> list[_Asked]:
        brief = self.briefs.of(document)
        pieces = cut(document.text, int(self.max_tokens * 0.75 * _CHARS_PER_TOKEN))
        first = draft(name=self.name, register=document.register, brief=brief.text)
        asked: list[_Asked] = [("brief", first, pieces[0], len(pieces) == 1)]
        for index in range(1, len(pieces)):
            asked.append(self._rest(document, pieces[index - 1], pieces[index], index + 1 == len(pieces)))
        return [*asked, *self._further(document, brief, pieces)] if in_training else asked

    def _further(self, document: Document, brief: Brief, pieces: list[str]) -> list[_Asked]:
        # Drawn for each document by itself: another text more or less changes nothing for the others.
        rng = random.Random(f"{self.seed}:{document.id}")
        drawn = {
            kind: rng.random() < getattr(self.mix, kind) for kind in ("facts", "outline", "rewrite", "continuation")
        }
        who = {"name": self.name, "register": document.register}
        opening, whole = pieces[0], len(pieces) == 1
        found: list[_Asked] = []
        facts = list(self.facts_for(document)) if drawn["facts"] else []
        short = [" ".join(fact.split()[:_FACT_WORDS]) for fact in facts[:2]]
        if short:
            found.append(("facts", draft(**who, brief=brief.text, facts=short), opening, whole))
        if drawn["outline"] and brief.outline:
            # An outline by hand may come with facts or without: both are learned.
            found.append(("outline", outline(**who, outline=brief.outline, facts=short), opening, whole))
        if drawn["rewrite"] and whole:
            found.append(("rewrite", rewrite(**who, text=plain(opening)), opening, True))
        halves = _halved(opening, rng) if drawn["continuation"] and whole else None
        if halves:
            found.append(self._rest(document, *halves, ends=True))
        return found

    def _rest(self, document: Document, before: str, text: str, ends: bool) -> _Asked:
        asked = continuation(name=self.name, register=document.register, opening=before)
        return ("continuation", asked, text, ends)


def _halved(text: str, rng: random.Random) -> tuple[str, str] | None:
    """A text cut in two between paragraphs or sentences, both of 160 characters or more; None where none are."""
    borders = [m.end() for m in re.finditer(r"\n+|[.!?] ", text)]
    fit = [b for b in borders if b >= _LEAST_CHARS and len(text) - b >= _LEAST_CHARS]
    at = rng.choice(fit) if fit else 0
    return (text[:at], text[at:]) if at else None


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
