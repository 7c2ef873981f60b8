"""Facts and content of stage evaluate: what the retrieving arms are told, and the tools that check what was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin import tables
from twin.evaluation import arms, content
from twin.evaluation.arms import Ask, Case, Written
from twin.params import Params
from twin.records import Chunk

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from twin.embedding import Embedder


def retrieval(
    cases: Sequence[Case], examples: pd.DataFrame, features: Path, embedder: Embedder, params: Params
) -> tuple[list[list[Chunk]], list[str]]:
    """(each case's facts, the training text nearest to each brief); both empty where there are no chunks."""
    import numpy as np

    if not (features / tables.CHUNKS).exists():
        return [], []
    chunks = tables.read(features / tables.CHUNKS, "chunks")
    train = examples[examples["split"].eq("train")]
    chunks = chunks[chunks["document_id"].isin(set(train["document_id"]))].reset_index(drop=True)
    vectors = embedder.encode([case.brief for case in cases])
    if chunks.empty:
        return [], []
    owners = chunks["document_id"].to_numpy()
    best = np.argmax(vectors @ np.stack(list(chunks["embedding"])).astype(np.float32).T, axis=1)
    texts = arms.first_pieces(examples, "train").set_index("document_id")["completion"]
    return _nearest([c.brief for c in cases], vectors, chunks, params), [str(texts[owners[i]]) for i in best]


def _nearest(
    briefs: Sequence[str], vectors: NDArray[np.float32], chunks: pd.DataFrame, params: Params
) -> list[list[Chunk]]:
    """Each brief's nearest chunks among `chunks` (training documents only), as many as serving shows, in its budget."""
    import numpy as np

    from twin.writing.prompt import fit

    if chunks.empty:
        return [[] for _ in briefs]
    matrix = np.stack(list(chunks["embedding"])).astype(np.float32)
    rows = [_chunk(row) for row in chunks.drop(columns=["embedding"]).to_dict("records")]
    found = []
    for vector in vectors:
        near = [rows[i] for i in np.argsort(-(matrix @ vector))[: params.serve.facts]]
        found.append([near[i] for i in fit([c.text for c in near], params.serve.prompt_tokens)])
    return found


def _chunk(row: Mapping[Any, Any]) -> Chunk:
    return Chunk(**{str(k): v for k, v in row.items() if k in Chunk.__dataclass_fields__})


def tools(embedder: Embedder) -> content.Tools:
    from twin.writing.checks import unsupported
    from twin.writing.sentences import content_words, sentences

    return content.Tools(
        sentences=sentences, content_words=content_words, encode=embedder.encode,
        unsupported=lambda lines, sources: len(unsupported(lines, sources)),
    )  # fmt: skip


def citations(
    asked: Mapping[str, Ask],
    written: Mapping[str, Sequence[Sequence[Written]]],
    facts: Sequence[Sequence[Chunk]],
    tools: content.Tools,
) -> dict[str, tuple[int, int]]:
    """Arm → (citations whose quote stands in a fact that the prompt showed, all citations), found as serving does."""
    from twin.writing.cite import cite

    found = {}
    for arm, ask in asked.items():
        if not ask.facts:
            continue
        valid = total = 0
        for seed in written[arm]:
            for text, shown in zip(seed, facts, strict=True):
                told = {chunk.id: chunk for chunk in shown}
                for citation in cite(tools.sentences(text.text), shown, tools.encode):
                    total += 1
                    valid += citation.chunk_id in told and citation.quote in told[citation.chunk_id].text
        found[arm] = (valid, total)
    return found
