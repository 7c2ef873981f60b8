"""The features stage: documents to chunks, embeddings and style, as Parquet for Feast and in its online store."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin import tables
from twin.embedding import Embedder
from twin.errors import ParamsError
from twin.files import replacing
from twin.params import Params
from twin.progress import Progress
from twin.records import Chunk, content_hash
from twin.settings import Settings
from twin.store import Store
from twin.text.chunk import chunks
from twin.voice import stylometry

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

Metrics = dict[str, float | int | str]
AUTHOR_STYLE = "author_style.parquet"
_BATCH = 256


def features(documents: Path, out: Path, params: Params, settings: Settings, progress: Progress) -> Metrics:
    """Cut `documents`/documents.parquet into chunks, embed what changed, measure the style, fill the online store.

    Writes out/chunks.parquet (chunk columns, `embedding` of 384 float32, `event_timestamp`), out/style.parquet (a row a
    document) and out/author_style.parquet (one row). Chunks whose document is gone leave the store. Without a database
    (settings.database_url empty) the files alone are written.
    """
    frame = tables.read(documents / tables.DOCUMENTS, "documents")
    with progress.step("chunk", len(frame)) as step:
        table = chunk_table(frame, params)
        step.advance(len(frame), f"{len(table)} chunks")
    vectors, embedded = _embed(list(table["text"]), params.features.embedder, settings.home / "embeddings", progress)
    table["embedding"] = list(vectors)
    with progress.step("measure style", len(frame)) as step:
        style = style_table(frame)
        own = author_table(style, params.author.id)
        step.advance(len(frame))
    with replacing(out) as fresh:
        fresh.mkdir()
        tables.write(table, fresh / tables.CHUNKS, "chunks")
        tables.write(style, fresh / tables.STYLE)
        tables.write(own, fresh / AUTHOR_STYLE)
    removed = _materialise(table, own, params.author.id, settings, progress) if settings.database_url else 0
    words = [len(text.split()) for text in table["text"]]
    return {
        "documents": len(frame),
        "chunks": len(table),
        "embedded": embedded,
        "reused": len(table) - embedded,
        "removed": removed,
        "words_per_chunk": round(sum(words) / max(len(words), 1), 1),
    }


def chunk_table(documents: pd.DataFrame, params: Params) -> pd.DataFrame:
    """All chunks of the documents with Feast's `event_timestamp`: when the text was published, else fetched."""
    import pandas as pd

    if params.features.overlap_words >= params.features.chunk_words:
        raise ParamsError("features.overlap_words must be below features.chunk_words", params.features.overlap_words)
    rows: list[dict[str, Any]] = []
    for document in tables.documents_from(documents):
        found = chunks(document, params.features.chunk_words, params.features.overlap_words)
        rows += [{**chunk.as_row(), "event_timestamp": document.published_at or document.fetched_at} for chunk in found]
    table = pd.DataFrame(rows, columns=[*Chunk.__dataclass_fields__, "event_timestamp"])
    for column in ("published_at", "event_timestamp"):
        table[column] = pd.to_datetime(table[column], utc=True).astype("datetime64[us, UTC]")
    return table


def style_table(documents: pd.DataFrame) -> pd.DataFrame:
    """One row a document: document_id, author, register, published_at, words, then the stylometric measures."""
    import pandas as pd

    rows = [
        {
            "document_id": d.id, "author": d.author, "register": d.register, "words": len(d.text.split()),
            "event_timestamp": d.published_at or d.fetched_at, **stylometry.features(d.text),
        }
        for d in tables.documents_from(documents)
    ]  # fmt: skip
    names = list(stylometry.features(""))
    table = pd.DataFrame(rows, columns=["document_id", "author", "register", "words", "event_timestamp", *names])
    table["event_timestamp"] = pd.to_datetime(table["event_timestamp"], utc=True).astype("datetime64[us, UTC]")
    return table


def author_table(style: pd.DataFrame, author: str) -> pd.DataFrame:
    """The author's means and standard deviations as one row of the view author_style; none without documents."""
    import pandas as pd

    columns = ["author", "documents", "words", "names", "means", "deviations", "event_timestamp"]
    own = style[style["author"] == author]
    if own.empty:
        return pd.DataFrame(columns=columns)
    measures = own.drop(columns=["document_id", "author", "register", "words", "event_timestamp"]).astype(float)
    row = {
        "author": author, "documents": len(own), "words": int(own["words"].sum()), "names": list(measures.columns),
        "means": measures.mean().tolist(), "deviations": measures.std(ddof=0).tolist(),
        "event_timestamp": own["event_timestamp"].max(),
    }  # fmt: skip
    return pd.DataFrame([row], columns=columns)


def _embed(texts: list[str], name: str, cache: Path, progress: Progress) -> tuple[NDArray[np.float32], int]:
    """Vectors of all texts, (n, dimension), and how many had to be made: the rest come from the cache by text hash."""
    import numpy as np
    import pandas as pd

    embedder = Embedder(name)
    path = cache / f"{hashlib.sha256(embedder.name.encode()).hexdigest()[:16]}.parquet"
    known = _known(path)
    missing = list(dict.fromkeys(text for text in texts if content_hash(text) not in known))
    with progress.step("embed", len(missing)) as step:
        for start in range(0, len(missing), _BATCH):
            batch = missing[start : start + _BATCH]
            known.update(zip(map(content_hash, batch), embedder.encode(batch), strict=True))
            step.advance(len(batch))
    if missing:
        tables.write(pd.DataFrame({"sha256": list(known), "embedding": list(known.values())}), path)
    vectors = [known[content_hash(text)] for text in texts]
    return (np.stack(vectors) if vectors else np.zeros((0, embedder.dimension), dtype=np.float32)), len(missing)


def _known(path: Path) -> dict[str, NDArray[np.float32]]:
    """What the cache holds; a damaged cache is no cache."""
    import pandas as pd

    try:
        frame = pd.read_parquet(path, page_checksum_verification=True)
        return dict(zip(frame["sha256"], frame["embedding"], strict=True))
    except (OSError, ValueError, KeyError):
        return {}


def _materialise(table: pd.DataFrame, own: pd.DataFrame, author: str, settings: Settings, progress: Progress) -> int:
    """Write the author's rows to the online store, drop what is no longer there; how many chunks were dropped."""
    with progress.step("fill the online store", len(table)) as step, Store(settings) as store:
        store.apply()
        step.advance(0, "declared")
        store.write_chunks(table)
        step.advance(len(table))
        if own.empty:
            return store.forget(author)
        store.write_style(own)
        return store.prune(author, list(table["id"]))
