"""The prompt chain: brief and links to facts, facts and voice to a draft, the draft to citations and flags."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from twin import prompts
from twin.errors import ServingError
from twin.generation import BASE, Delta, payload
from twin.params import Serve
from twin.records import Chunk, Citation, Document, Draft, Message, Step, content_hash
from twin.sources.links import Page, read_links
from twin.text.chunk import chunks as cut
from twin.writing import checks, cite
from twin.writing.prompt import estimate, fit
from twin.writing.sentences import sentences, whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from twin.store import Hit

    Encode = Callable[[Sequence[str]], NDArray[np.float32]]

# The prompt's own tags: a small model opens its text with one it was shown, and leaves the text where it closes one.
_OPENINGS = ("<example>", "<fact>")
_STOP = ("</fact", "</example", "\n<fact", "\n<example")
_COPY_SEARCHES = 6
_COPY_DEPTH = 4


class Retrieval(Protocol):
    """What the chain needs of twin.store.Store."""

    def search(self, author: str, embedding: NDArray[np.float32] | None, text: str, limit: int) -> Sequence[Hit]:
        """The author's nearest chunks."""
        ...

    def exemplars(self, author: str, register: str, k: int) -> Sequence[Hit]:
        """Texts that show the voice."""
        ...


class Generation(Protocol):
    """What the chain needs of twin.generation.Predictor."""

    def stream(self, body: dict[str, Any]) -> AsyncGenerator[Delta]:
        """A text as it is written."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Commission:
    """What is asked for. `model` is `base` or an author's id; `version` its adapter's; `name` the author's own."""

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


@dataclass(slots=True)
class _Work:
    """What is known while a draft is made."""

    commission: Commission
    steps: list[Step] = field(default_factory=list)
    pages: list[Page] = field(default_factory=list)
    facts: list[Chunk] = field(default_factory=list)
    exemplars: list[Chunk] = field(default_factory=list)

    def note(self, name: str, given: str, result: str, began: float) -> None:
        """Keep a step as it ran."""
        self.steps.append(Step(name=name, input=given, output=result, seconds=round(time.monotonic() - began, 4)))


@dataclass(frozen=True, slots=True)
class Chain:
    """The parts a draft is made with; one for all requests. `serve` holds the limits."""

    store: Retrieval
    encode: Encode
    predictor: Generation
    serve: Serve

    async def compose(self, commission: Commission) -> Draft:
        """Write one draft. Raises StoreError, ServingError or ModelError."""
        async for piece in self.write(commission):
            if isinstance(piece, Draft):
                return piece
        raise AssertionError("write ends with a draft")

    async def write(self, commission: Commission) -> AsyncGenerator[str | Draft]:
        """Yield the text as it is written, then the Draft. Closing the iterator stops the predictor.

        The Draft's text ends with its last whole sentence when `max_tokens` cut it off (`scores.cut_off` is 1).
        """
        work = _Work(commission)
        await asyncio.to_thread(self._gather, work)
        messages = self._prompt(work)
        body = payload(
            messages, commission.model, max_tokens=commission.max_tokens, temperature=commission.temperature,
            seed=commission.seed, stop=_STOP,
        )  # fmt: skip
        began, first, text, held, last = time.monotonic(), 0.0, "", "", Delta("")
        async with contextlib.aclosing(self.predictor.stream(body)) as deltas:
            async for last in deltas:
                held += last.text
                if not text:
                    held = _opened(held)
                if held and not (not text and any(tag.startswith(held) for tag in _OPENINGS)):
                    first = first or time.monotonic() - began
                    text, piece, held = text + held, held, ""
                    yield piece
        if not text:
            raise ServingError(
                "the model wrote nothing", commission.model, "Ask again with other words or another seed."
            )
        work.note("draft", _shown(messages), text, began)
        scores = {"tokens": float(last.tokens), "first_token_seconds": round(first, 3)}
        scores["cut_off"] = float(last.finish_reason == "length")
        text = whole(text) if scores["cut_off"] else text.rstrip()
        yield await asyncio.to_thread(self._finish, work, text, scores)

    def _gather(self, work: _Work) -> None:
        asked = work.commission
        found: list[Chunk] = []
        if asked.links:
            began = time.monotonic()
            work.pages = read_links(asked.links)
            found = [chunk for page in work.pages for chunk in _link_chunks(page, asked.author)]
            work.note("links", "\n".join(asked.links), _told(work.pages), began)
        if asked.model == BASE:
            began = time.monotonic()
            hits = self.store.exemplars(asked.author, asked.register, self.serve.exemplars)
            # Exemplars have their own half of the budget: facts that vary in length must not change the cached prefix.
            kept = fit([hit.chunk.text for hit in hits], self.serve.prompt_tokens // 2)
            work.exemplars = [hits[i].chunk for i in kept]
            work.note("exemplars", asked.register, _reasons([hits[i] for i in kept]), began)
        if self.serve.facts or found:
            self._find_facts(work, found)

    def _find_facts(self, work: _Work, linked: Sequence[Chunk]) -> None:
        asked, began = work.commission, time.monotonic()
        vectors = self.encode([asked.brief, *(chunk.text for chunk in linked)])
        order = sorted(range(len(linked)), key=lambda i: -float(vectors[0] @ vectors[i + 1]))
        nearest = [linked[i] for i in order[: max(1, self.serve.facts)]] if linked else []
        shown = {chunk.id for chunk in work.exemplars}
        hits = self.store.search(asked.author, vectors[0], asked.brief, self.serve.facts + len(shown))
        hits = [hit for hit in hits if hit.chunk.id not in shown][: self.serve.facts]
        # A link was handed in for this very text: what it says comes before what the author said long ago.
        candidates = nearest + [hit.chunk for hit in hits]
        spent = sum(estimate(chunk.text) for chunk in work.exemplars)
        kept = fit([chunk.text for chunk in candidates], self.serve.prompt_tokens - spent)[: max(1, self.serve.facts)]
        work.facts = [candidates[i] for i in kept]
        why = {hit.chunk.id: hit.why for hit in hits}
        told = "\n".join(f"{c.id}: {why.get(c.id, 'from a link of the brief')}" for c in work.facts)
        work.note("facts", asked.brief, told, began)

    def _prompt(self, work: _Work) -> list[Message]:
        asked = work.commission
        return prompts.draft(
            name=asked.name, register=asked.register, brief=asked.brief,
            facts=[chunk.text for chunk in work.facts], exemplars=[chunk.text for chunk in work.exemplars],
        )  # fmt: skip

    def _finish(self, work: _Work, text: str, scores: dict[str, float]) -> Draft:
        asked, began = work.commission, time.monotonic()
        draft = sentences(text)
        citations: list[Citation] = cite.cite(draft, work.facts, self.encode)
        work.note("cite", text, json.dumps([asdict(c) for c in citations], ensure_ascii=False), began)
        began = time.monotonic()
        told = [asked.brief, asked.name, *(chunk.text for chunk in work.facts), *(page.text for page in work.pages)]
        flags = checks.unsupported(draft, told)
        flags += checks.copies(draft, [*work.facts, *work.exemplars, *self._alike(asked.author, draft)])
        work.note("check", text, json.dumps([asdict(flag) for flag in flags], ensure_ascii=False), began)
        scores |= {
            "cited_share": round(len(citations) / len(draft), 3) if draft else 0.0,
            "unsupported": float(sum(flag.kind in ("number", "name") for flag in flags)),
            "longest_copy": float(max((len(f.text.split()) for f in flags if f.kind == "copy"), default=0)),
        }
        label = f"{asked.model}@{asked.version}" if asked.version else asked.model
        return Draft(
            id=uuid.uuid4().hex, author=asked.author, register=asked.register, brief=asked.brief, text=text,
            citations=citations, steps=work.steps, adapter=label, scores=scores,
        )  # fmt: skip

    def _alike(self, author: str, draft: Sequence[str]) -> list[Chunk]:
        """Old chunks near the draft's longest sentences: a trained adapter may know texts that nobody retrieved."""
        longest = sorted(draft, key=len, reverse=True)[:_COPY_SEARCHES]
        if not longest:
            return []
        hits = [h for v in self.encode(longest) for h in self.store.search(author, v, "", _COPY_DEPTH)]
        return list({hit.chunk.id: hit.chunk for hit in hits}.values())


def _link_chunks(page: Page, author: str) -> list[Chunk]:
    if not page.text:
        return []
    document = Document(
        id=f"link:{page.url}", author=author, source="paste", register="article", title=page.title, text=page.text,
        url=page.url, published_at=None, fetched_at=datetime.now(UTC), sha256=content_hash(page.text),
        provenance="quoted",
    )  # fmt: skip
    return cut(document, 90, 0)


def _told(pages: Sequence[Page]) -> str:
    return "\n".join(f"{p.url}: {p.error or f'{p.title} ({len(p.text)} characters)'}" for p in pages)


def _reasons(hits: Sequence[Hit]) -> str:
    return "\n".join(f"{hit.chunk.id}: {hit.why}" for hit in hits)


def _opened(text: str) -> str:
    """A text's beginning without blank lines and without the tag of an example."""
    text = text.lstrip()
    for tag in _OPENINGS:
        text = text.removeprefix(tag).lstrip()
    return text


def _shown(messages: Sequence[Message]) -> str:
    return "\n\n".join(f"[{message['role']}]\n{message['content']}" for message in messages)
