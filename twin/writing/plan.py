"""Angle and outline, taken from the facts themselves: what a small model can't plan, it need not invent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.records import Chunk
from twin.writing.sentences import content_words, sentences

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Encode = Callable[[Sequence[str]], NDArray[np.float32]]

NEAR = 0.3  # cosine from which a fact's sentence has to do with the brief
_ALIKE = 0.75  # two points nearer than this are one
_WORDS = 4  # content words a sentence needs to be a point


@dataclass(frozen=True, slots=True)
class Point:
    """One thing to say: `fact` is the place of the fact that it comes from, -1 for one that a person wrote."""

    text: str
    fact: int = -1


@dataclass(frozen=True, slots=True)
class Plan:
    """What the text is about to argue: `angle` is the fact nearest to the brief, or the brief where none is near."""

    angle: str
    points: tuple[Point, ...] = ()

    def told(self) -> str:
        """The plan as a person reads and edits it: the angle, then a line a point."""
        return "\n".join([f"Angle: {self.angle}", *(f"- {point.text}" for point in self.points)])


def outline(brief: str, facts: Sequence[Chunk], encode: Encode, count: int) -> Plan:
    """Up to `count` sentences of the facts that are near the brief and unlike each other (Carbonell & Goldstein 1998)."""
    found = [
        Point(s, i) for i, fact in enumerate(facts) for s in sentences(fact.text) if len(content_words(s)) >= _WORDS
    ]
    if not found:
        return Plan(brief)
    vectors = encode([brief, *(point.text for point in found)])
    near = vectors[1:] @ vectors[0]
    chosen: list[int] = []
    for place in sorted(range(len(found)), key=lambda i: -float(near[i])):
        if near[place] < NEAR or len(chosen) == count:
            break
        if all(float(vectors[place + 1] @ vectors[other + 1]) < _ALIKE for other in chosen):
            chosen.append(place)
    if not chosen:
        return Plan(brief)
    return Plan(found[chosen[0]].text, tuple(found[i] for i in chosen))


def by_hand(brief: str, points: Sequence[str], facts: Sequence[Chunk], encode: Encode) -> Plan:
    """A person's own points, each with the fact nearest to it."""
    said = [point.strip().lstrip("-• ").strip() for point in points]
    said = [point for point in said if point and not point.startswith("Angle:")]
    if not said:
        return Plan(brief)
    if not facts:
        return Plan(said[0], tuple(Point(point) for point in said))
    vectors = encode([*said, *(fact.text for fact in facts)])
    likeness = vectors[: len(said)] @ vectors[len(said) :].T
    nearest = [int(row.argmax()) if float(row.max()) >= NEAR else -1 for row in likeness]
    return Plan(said[0], tuple(Point(text, fact) for text, fact in zip(said, nearest, strict=True)))


def heading(point: str) -> str:
    """A section's heading: the point itself when it is short, else its weightiest words, with a capital."""
    said = point.strip().rstrip(".:;")
    if len(said.split()) > 7:
        from twin.training.briefs import brief_for

        said = brief_for("", point, keyphrases=1)
    return said[:1].upper() + said[1:]
