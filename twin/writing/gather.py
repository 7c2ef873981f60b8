"""Everything a draft is made from: linked pages, voice exemplars, facts, and the plan over them."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from twin.errors import DataError
from twin.generation import BASE
from twin.params import Serve
from twin.records import Chunk, Document, content_hash
from twin.sources.links import Page, read_links
from twin.sources.reading import moment
from twin.store import Hit
from twin.text.chunk import chunks as cut
from twin.text.instructions import inert
from twin.writing.cite import link_id
from twin.writing.plan import by_hand, outline
from twin.writing.prompt import estimate, fit
from twin.writing.work import SEARCH, Retrieval, Work

POINTS = 3
_LINK_WORDS = 90
_VOICED = ("draft", "hook", "voice", "article")  # what asks the model for a text of its own


def gather(work: Work, store: Retrieval, serve: Serve) -> None:
    """Fill pages, exemplars, facts and plan, a step each. Raises StoreError, or DataError for an unknown fact."""
    read(work)
    asked = work.commission
    if asked.model == BASE and asked.given.draft is None and asked.action in _VOICED:
        began = time.monotonic()
        with work.clock(SEARCH):
            hits = store.exemplars(asked.author, asked.spoken, serve.exemplars)
        # Exemplars have their own half of the budget: facts that vary in length must not change the cached prefix.
        kept = [hits[i] for i in fit([hit.chunk.text for hit in hits], serve.prompt_tokens // 2)]
        work.exemplars, _ = _inert([hit.chunk for hit in kept])
        work.note("exemplars", asked.spoken, _reasons(kept), began)
    if asked.given.facts is not None:
        _given_facts(work, store, asked.given.facts)
    elif serve.facts or work.linked:
        _find_facts(work, store, serve)
    plan(work)


def read(work: Work) -> None:
    """Read the linked pages and the handed-in texts into chunks."""
    asked = work.commission
    if not asked.links and not asked.material:
        return
    began = time.monotonic()
    work.pages = read_links(asked.links) if asked.links else []
    work.pages += [Page(f"file:{title}", title, text) for title, text in asked.material]
    work.linked = [chunk for page in work.pages for chunk in link_chunks(page, asked.author)]
    work.note("links", "\n".join(page.url for page in work.pages), _told(work.pages), began)


def plan(work: Work) -> None:
    """Angle and outline: a person's own, or taken from the facts, which then stand in the outline's order."""
    asked, began = work.commission, time.monotonic()
    if asked.given.outline is not None:
        work.plan = by_hand(asked.brief, asked.given.outline, work.facts, work.encode)
    else:
        work.plan = outline(asked.brief, work.facts, work.encode, POINTS)
    if work.facts:
        work.note("outline", asked.brief, work.plan.told(), began)


def _find_facts(work: Work, store: Retrieval, serve: Serve) -> None:
    asked, began, linked = work.commission, time.monotonic(), work.linked
    vectors = work.encode([asked.brief, *(chunk.text for chunk in linked)])
    order = sorted(range(len(linked)), key=lambda i: -float(vectors[0] @ vectors[i + 1]))
    nearest = [linked[i] for i in order[: max(1, serve.facts)]] if linked else []
    shown = {chunk.id for chunk in work.exemplars}
    with work.clock(SEARCH):
        hits = store.search(asked.author, vectors[0], asked.brief, serve.facts + len(shown))
    hits = [hit for hit in hits if hit.chunk.id not in shown][: serve.facts]
    # A link was handed in for this very text: what it says comes before what the author said long ago.
    candidates, orders = _inert(nearest + [hit.chunk for hit in hits])
    spent = sum(estimate(chunk.text) for chunk in work.exemplars)
    kept = fit([chunk.text for chunk in candidates], serve.prompt_tokens - spent)[: max(1, serve.facts)]
    work.facts = [candidates[i] for i in kept]
    why = {hit.chunk.id: hit.why for hit in hits}
    told = [f"{c.id}: {why.get(c.id, 'from a link of the brief')}" for c in work.facts]
    work.note("facts", asked.brief, "\n".join(told), began)
    _tell_orders(work, orders)


def _given_facts(work: Work, store: Retrieval, ids: Sequence[str]) -> None:
    began = time.monotonic()
    with work.clock(SEARCH):
        found = store.chunks(work.commission.author, list(ids))
    known = {chunk.id: chunk for chunk in [*work.linked, *found]}
    if missing := [name for name in ids if name not in known]:
        raise DataError("there is no such fact of this author", missing[0], "Take ids from the step `facts`.")
    work.facts, orders = _inert([known[name] for name in ids])
    work.note("facts", "by hand", "\n".join(f"{name}: chosen by hand" for name in ids), began)
    _tell_orders(work, orders)


def _inert(chunks: Sequence[Chunk]) -> tuple[list[Chunk], list[str]]:
    """The chunks without sentences that give orders, and these sentences; a chunk of nothing else is left out."""
    kept, orders = [], []
    for chunk in chunks:
        text, found = inert(chunk.text)
        orders += found
        if text.strip():
            kept.append(chunk if text == chunk.text else replace(chunk, text=text))
    return kept, orders


def _tell_orders(work: Work, orders: Sequence[str]) -> None:
    if orders:
        work.note(
            "left out",
            "sentences that give orders to a model",
            json.dumps(orders, ensure_ascii=False),
            time.monotonic(),
        )


def link_chunks(page: Page, author: str) -> list[Chunk]:
    """A page's main text in chunks; none for a page that could not be read."""
    if not page.text:
        return []
    document = Document(
        id=link_id(page.url), author=author, source="paste", register="article", title=page.title, text=page.text,
        url="" if page.url.startswith("file:") else page.url, published_at=moment(page.date), fetched_at=datetime.now(UTC), sha256=content_hash(page.text),
        provenance="quoted",
    )  # fmt: skip
    return cut(document, _LINK_WORDS, 0)


def _told(pages: Sequence[Page]) -> str:
    return "\n".join(f"{p.url}: {p.error or f'{_named(p)} ({len(p.text)} characters)'}" for p in pages)


def _named(page: Page) -> str:
    return ", ".join(part for part in (page.title, page.author, page.date) if part)


def _reasons(hits: Sequence[Hit]) -> str:
    return "\n".join(f"{hit.chunk.id}: {hit.why}" for hit in hits)
