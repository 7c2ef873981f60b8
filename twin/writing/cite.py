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
    held = {chunk.id: content_words(f"{chunk.title} {chunk.text}") for chunk in chunks}
    pairs: list[tuple[int, Chunk, float]] = []
    for index, sentence in enumerate(draft):
        own = content_words(sentence)
        for chunk in chunks:
            shared = len(own & held[chunk.id])
            if shared >= MIN_SHARED and shared >= MIN_OVERLAP * len(own):
                pairs.append((index, chunk, shared / len(own)))
    if not pairs:
        return []
    # Embedding is what costs here: only what shares words with something is looked at for its meaning.
    quotes = {chunk.id: sentences(chunk.text) for _, chunk, _ in pairs}
    texts = list(dict.fromkeys([*(draft[i] for i, _, _ in pairs), *(q for own in quotes.values() for q in own)]))
    vectors = dict(zip(texts, encode(texts), strict=True))
    linked = {link_id(page.url): page for page in pages}
    best: dict[int, tuple[float, Chunk, str]] = {}
    for index, chunk, share in pairs:
        for quote in quotes[chunk.id]:
            cosine = float(vectors[draft[index]] @ vectors[quote])
            score = (cosine + share) / 2
            if cosine >= MIN_COSINE and (index not in best or score > best[index][0]):
                best[index] = (score, chunk, quote)
    return [_citation(index, *found, linked.get(found[1].document_id)) for index, found in sorted(best.items())]


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
