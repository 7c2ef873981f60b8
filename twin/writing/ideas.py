"""Ten ideas for what to write next, each built on something the author wrote or a page they gave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twin import prompts
from twin.records import Chunk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Encode = Callable[[Sequence[str]], NDArray[np.float32]]

COUNT = 10
_WORDS = 60
_LONG_TITLE = 70
_BALANCE = 0.6  # how much nearness to the brief counts against being unlike what is already chosen


@dataclass(frozen=True, slots=True)
class Idea:
    """`idea` is a line to read and a brief to write from; `builds_on` are the old chunks and pages behind it."""

    idea: str
    builds_on: tuple[Chunk, ...]

    def as_dict(self) -> dict[str, Any]:
        """For a step's output: the idea, and id, title and address of what it builds on."""
        sources = [
            {"chunk_id": c.id, "document_id": c.document_id, "title": c.title, "url": c.url} for c in self.builds_on
        ]
        return {"idea": self.idea, "builds_on": sources}


def ideas(brief: str, old: Sequence[Chunk], linked: Sequence[Chunk], encode: Encode, count: int = COUNT) -> list[Idea]:
    """`count` ideas at most (fewer when there are fewer old texts and pages), different in theme, no two alike.

    Themes are the author's own, chosen for nearness to the brief (when there is one) and for being unlike each other;
    every second idea sets one beside a linked page while pages last. Phrasing is from prompts.IDEAS: what is old about
    an idea is named, and a small model's inventions stay out.
    """
    themes = list({chunk.document_id: chunk for chunk in reversed(old)}.values())[::-1]
    pages = list({chunk.document_id: chunk for chunk in reversed(linked)}.values())[::-1]
    if not themes and not pages:
        return []
    asked = brief.strip() or " ".join(_opening(page) for page in pages)
    vectors = encode([asked or "themes", *(_opening(chunk) for chunk in [*themes, *pages])])
    own = vectors[1 : len(themes) + 1]
    order = _diverse(own, vectors[0] if asked else None, count)
    found: list[Idea] = []
    for place, which in enumerate(order):
        chunk = themes[which]
        page = pages[place // 2 % len(pages)] if pages and place % 2 == 0 else None
        other = themes[order[(place + 1) % len(order)]]
        found.append(_idea(place, chunk, other, page))
    for place, page in enumerate(pages):
        if len(found) < count and not any(page in idea.builds_on for idea in found):
            found.append(Idea(prompts.IDEAS[place % len(prompts.IDEAS)].format(
                subject=_subject(page), other=_subject(page), year="it was written"), (page,)))  # fmt: skip
    return list({idea.idea: idea for idea in found}.values())[:count]


def _idea(place: int, chunk: Chunk, other: Chunk, page: Chunk | None) -> Idea:
    subject = _subject(chunk)
    if page is not None:
        form = prompts.LINKED_IDEAS[place // 2 % len(prompts.LINKED_IDEAS)]
        return Idea(form.format(link=_subject(page), subject=subject), (page, chunk))
    form = prompts.IDEAS[place % len(prompts.IDEAS)]
    year = str(chunk.published_at.year) if chunk.published_at else "then"
    both = "{other}" in form and other is not chunk
    said = form.format(subject=subject, other=_subject(other) if both else "today", year=year)
    return Idea(said, (chunk, other) if both else (chunk,))


def _diverse(vectors: NDArray[np.float32], wanted: NDArray[np.float32] | None, count: int) -> list[int]:
    """Places of the chosen, best first: maximal marginal relevance (Carbonell & Goldstein 1998)."""
    import numpy as np

    if not len(vectors):
        return []
    near = np.zeros(len(vectors)) if wanted is None else vectors @ wanted
    chosen: list[int] = []
    like = np.zeros(len(vectors))
    while len(chosen) < min(count, len(vectors)):
        score = _BALANCE * near - (1 - _BALANCE) * like
        score[chosen] = -np.inf
        chosen.append(int(score.argmax()))
        like = np.maximum(like, vectors @ vectors[chosen[-1]])
    return chosen


def _subject(chunk: Chunk) -> str:
    """A title, or the weightiest phrase of a text without one."""
    title = chunk.title.strip()
    if title and len(title) <= _LONG_TITLE:
        return f"“{title}”"
    from twin.training.briefs import brief_for

    return f"“{brief_for('', chunk.text, keyphrases=2).replace(', ', ' and ')}”"


def _opening(chunk: Chunk) -> str:
    return " ".join([chunk.title, *chunk.text.split()[:_WORDS]]).strip()


def as_json(found: Sequence[Idea]) -> list[dict[str, Any]]:
    """All ideas as plain values."""
    return [idea.as_dict() for idea in found]
