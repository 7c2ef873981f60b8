"""The features stage on a real store: what changed is embedded, what is gone is removed, the rest stays."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from twin import tables
from twin.errors import DataError
from twin.params import Params, loads
from twin.progress import Progress
from twin.records import Document, content_hash
from twin.settings import Settings
from twin.stages.features import features
from twin.store import Store

pytestmark = pytest.mark.slow

TEXTS = {
    "kettle": "The kettle broke.\n\nAgain 😅\n→ no tea",
    "tides": "Tide tables lie, and the ferry believes them.\n\nI don't.",
    "index": "I dropped an index on a Friday; nobody noticed until Monday.",
}


def write(folder: Path, texts: dict[str, str]) -> None:
    documents = [
        Document(
            id=f"files:{name}", author="hesk", source="files", register="post", title=name, text=text,
            url=f"https://x.example/{name}", published_at=datetime(2025, 1, i + 1, tzinfo=UTC) if i else None,
            fetched_at=datetime(2025, 6, 1, tzinfo=UTC), sha256=content_hash(text),
        )
        for i, (name, text) in enumerate(texts.items())
    ]  # fmt: skip
    tables.write(tables.documents_frame(documents), folder / tables.DOCUMENTS, "documents")


@pytest.fixture
def params() -> Params:
    return loads("author: {id: hesk, name: Hesk}\nfeatures: {chunk_words: 20, overlap_words: 4}")


def test_a_second_run_embeds_only_what_changed_and_forgets_what_is_gone(
    settings: Settings, postgres_url: str, params: Params, tmp_path: Path
) -> None:
    settings = dataclasses.replace(settings, database_url=postgres_url)
    documents, out = tmp_path / "documents", tmp_path / "data" / "hesk" / "features"
    write(documents, TEXTS)
    first = features(documents, out, params, settings, Progress("features"))
    assert (first["documents"], first["embedded"], first["removed"]) == (3, first["chunks"], 0)

    chunks = tables.read(out / tables.CHUNKS, "chunks")
    assert chunks["text"].str.contains("\n\nAgain 😅\n→ no tea", regex=False).any()
    assert chunks["embedding"].map(len).eq(384).all()
    assert chunks["event_timestamp"].notna().all()
    assert set(tables.read(out / tables.STYLE)["document_id"]) == {"files:kettle", "files:tides", "files:index"}

    write(documents, {"kettle": TEXTS["kettle"], "tides": "All new words about the ferry and the tide."})
    second = features(documents, out, params, settings, Progress("features"))
    assert (second["embedded"], second["reused"], second["removed"]) == (1, 1, 2)
    with Store(settings) as store:
        assert store.count("hesk") == 2
        vector = np.asarray(tables.read(out / tables.CHUNKS)["embedding"].iloc[1], dtype=np.float32)
        assert store.search("hesk", vector, "ferry", 1)[0].chunk.document_id == "files:tides"
        style = store.style("hesk")
        assert style is not None and style.documents == 2 and style.means["emoji"] > 0


def test_the_same_documents_give_the_same_files_and_work_without_a_database(
    settings: Settings, params: Params, tmp_path: Path
) -> None:
    write(tmp_path / "documents", TEXTS)
    outs = [tmp_path / name for name in ("one", "two")]
    for out in outs:
        features(tmp_path / "documents", out, params, settings, Progress("features"))
    for name in (tables.CHUNKS, tables.STYLE, "author_style.parquet"):
        assert (outs[0] / name).read_bytes() == (outs[1] / name).read_bytes()


def test_a_damaged_cache_is_made_anew(settings: Settings, params: Params, tmp_path: Path) -> None:
    write(tmp_path / "documents", TEXTS)
    first = features(tmp_path / "documents", tmp_path / "out", params, settings, Progress("features"))
    (cache,) = (settings.home / "embeddings").glob("*.parquet")
    whole = cache.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for damaged in (b"PAR1 torn", whole[: len(whole) // 2], bytes(flipped)):
        cache.write_bytes(damaged)
        again = features(tmp_path / "documents", tmp_path / "out", params, settings, Progress("features"))
        assert again["embedded"] == first["chunks"]


def test_no_documents_leave_an_empty_store_and_a_missing_table_is_named(
    settings: Settings, postgres_url: str, params: Params, tmp_path: Path
) -> None:
    settings = dataclasses.replace(settings, database_url=postgres_url)
    write(tmp_path / "documents", {})
    assert features(tmp_path / "documents", tmp_path / "out", params, settings, Progress("features"))["chunks"] == 0
    with Store(settings) as store:
        assert (store.count("hesk"), store.style("hesk")) == (0, None)
    with pytest.raises(DataError, match=r"input is missing.*documents\.parquet"):
        features(tmp_path / "nowhere", tmp_path / "out", params, settings, Progress("features"))
