"""What is asked of the chain, what it needs of others, and what it knows while it works."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from twin.generation import BASE, Delta
from twin.records import Chunk, Step
from twin.writing.plan import Plan

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from twin.sources.links import Page
    from twin.store import Hit, Style

    Encode = Callable[[Sequence[str]], NDArray[np.float32]]

THREAD = "thread"
"""A register of its own only when it leaves: written as a post, then cut into posts of at most 280 characters."""

ACTIONS = ("draft", "ideas", "shorter", "longer", "hook", "voice", "post", "article", "thread")
"""What may be asked: a draft, ten ideas, or a text reworked (`voice` is “more like me”, the last three a register)."""


EMBEDDING, SEARCH = "embedding_seconds", "search_seconds"
"""Scores: what a draft spent in the embedder and in the store, in all its steps."""


class Retrieval(Protocol):
    """What the chain needs of twin.store.Store."""

    def search(self, author: str, embedding: NDArray[np.float32] | None, text: str, limit: int) -> Sequence[Hit]:
        """The author's nearest chunks."""
        ...

    def exemplars(self, author: str, register: str, k: int) -> Sequence[Hit]:
        """Texts that show the voice."""
        ...

    def chunks(self, author: str, ids: Sequence[str]) -> list[Chunk]:
        """The author's chunks of these ids, in this order."""
        ...

    def openings(self, author: str, limit: int) -> list[Chunk]:
        """How the author's newest texts begin."""
        ...

    def style(self, author: str) -> Style | None:
        """The author's style in numbers."""
        ...


class Generation(Protocol):
    """What the chain needs of twin.generation.Predictor."""

    def stream(self, body: dict[str, Any]) -> AsyncGenerator[Delta]:
        """A text as it is written."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Results of steps that are not run again: a person kept or changed them.

    `facts` are ids of chunks, `outline` is a line a point, `draft` the text. None leaves the step to the chain.
    """

    facts: tuple[str, ...] | None = None
    outline: tuple[str, ...] | None = None
    draft: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Commission:
    """What is asked for. `model` is `base` or an author's id; `version` its adapter's; `name` the author's own.

    `language` is empty for the author's own. `material` is handed-in text, a (title, text) each, used like links.
    """

    brief: str
    author: str
    name: str
    register: str
    model: str = BASE
    version: str = ""
    links: tuple[str, ...] = ()
    max_tokens: int = 360
    temperature: float = 0.8
    seed: int | None = None
    action: str = "draft"
    text: str = ""
    language: str = ""
    material: tuple[tuple[str, str], ...] = ()
    given: Given = Given()

    @property
    def spoken(self) -> str:
        """The register that the model is asked for."""
        return "post" if self.register == THREAD else self.register


@dataclass(slots=True)
class Work:
    """What is known while a draft is made. `encode` remembers: the same sentence is embedded once a request."""

    commission: Commission
    embed: Encode
    steps: list[Step] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    linked: list[Chunk] = field(default_factory=list)
    facts: list[Chunk] = field(default_factory=list)
    exemplars: list[Chunk] = field(default_factory=list)
    plan: Plan = field(default_factory=lambda: Plan(""))
    scores: dict[str, float] = field(default_factory=dict)
    vectors: dict[str, Any] = field(default_factory=dict)

    def note(self, name: str, given: str, result: str, began: float) -> None:
        """Keep a step as it ran."""
        self.steps.append(Step(name=name, input=given, output=result, seconds=round(time.monotonic() - began, 4)))

    @contextlib.contextmanager
    def clock(self, name: str) -> Iterator[None]:
        """Add the time of what runs inside to the score `name`, in seconds."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.scores[name] = round(self.scores.get(name, 0.0) + time.monotonic() - began, 4)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, a row a text."""
        import numpy as np

        missing = [text for text in dict.fromkeys(texts) if text not in self.vectors]
        if missing:
            with self.clock(EMBEDDING):
                self.vectors.update(zip(missing, self.embed(missing), strict=True))
        return np.stack([self.vectors[text] for text in texts])
