"""Which chunk supports which sentence of a draft: alike in meaning and in words, or no citation at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from twin.records import Chunk, Citation
from twin.writing.sentences import content_words, sentences

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from twin.sources.links import Page

MIN_COSINE = 0.55
MIN_OVERLAP = 0.34
MIN_SHARED = 2
_MOST_NAMES = 300


def cite(
    draft: Sequence[str],
    chunks: Sequence[Chunk],
    encode: Callable[[Sequence[str]], NDArray[np.float32]],
    pages: Sequence[Page] = (),
) -> list[Citation]:
    """At most one citation a sentence, in the order of the sentences.

    A chunk supports a sentence when one of the chunk's own sentences lies within MIN_COSINE of it and the chunk holds
    at least MIN_SHARED and a share of MIN_OVERLAP of its content words; `score` is the mean of cosine and share.
    `quote` is that sentence of the chunk. `encode` gives unit vectors; `pages` are the links that
    were read, which tell author and date.
    """
    parts = [(chunk, sentence) for chunk in chunks for sentence in sentences(chunk.text)]
    if not draft or not parts:
        return []
    vectors = encode([*draft, *(sentence for _, sentence in parts)])
    likeness = vectors[: len(draft)] @ vectors[len(draft) :].T
    held = {chunk.id: content_words(f"{chunk.title} {chunk.text}") for chunk in chunks}
    linked = {link_id(page.url): page for page in pages}
    found = []
    for index, sentence in enumerate(draft):
        own = content_words(sentence)
        best: tuple[float, Chunk, str] | None = None
        for (chunk, quote), cosine in zip(parts, likeness[index], strict=True):
            shared = len(own & held[chunk.id])
            if cosine < MIN_COSINE or shared < MIN_SHARED or shared < MIN_OVERLAP * len(own):
                continue
            score = (float(cosine) + shared / len(own)) / 2
            if best is None or score > best[0]:
                best = (score, chunk, quote)
        if best is not None:
            found.append(_citation(index, *best, linked.get(best[1].document_id)))
    return found


def link_id(url: str) -> str:
    """The id of a linked page's document; a handed-in text's address is its id already."""
    return url if url.startswith("file:") else f"link:{url}"


def _citation(sentence: int, score: float, chunk: Chunk, quote: str, page: Page | None) -> Citation:
    published = chunk.published_at.date().isoformat() if chunk.published_at else ""
    return Citation(
        sentence=sentence, chunk_id=chunk.id, document_id=chunk.document_id, title=chunk.title, url=chunk.url,
        score=round(score, 3), quote=quote, date=page.date if page else published,
        author=page.author[:_MOST_NAMES] if page else "",
    )  # fmt: skip
