"""The client: the right chunks of the right author, each with its reason, and nothing after it was forgotten."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from twin.errors import StoreError
from twin.settings import Settings
from twin.store import Store

pytestmark = pytest.mark.slow
Make = Callable[..., pd.DataFrame]

TEXTS = [
    "The tide table was wrong again and the ferry left without us.",
    "I broke the index on a Friday, which is when indexes break.",
    "Dorrie's kettle has opinions 🫖\n\nso do I",
]


def unit(*values: float) -> np.ndarray:
    vector = np.zeros(384, dtype=np.float32)
    vector[: len(values)] = values
    return vector / np.linalg.norm(vector)


@pytest.fixture
def filled(store: Store, make_chunks: Make) -> Store:
    vectors = [unit(1, 0, 0), unit(0, 1, 0), unit(0, 0, 1)]
    store.write_chunks(make_chunks(TEXTS, vectors, register=["post", "article", "post"]))
    store.write_chunks(make_chunks(["Another author's kettle."], [unit(1, 0, 0)], author="other"))
    return store


def test_meaning_and_words_are_fused_and_each_hit_says_why(filled: Store) -> None:
    first, second, _ = filled.search("hesk", unit(1, 0.5, 0.1), "the kettle", 3)
    assert first.chunk.text == TEXTS[2]
    assert first.why == "3rd nearest in meaning (cosine 0.09), 1st by shared words"
    assert second.chunk.text == TEXTS[0]
    assert second.similarity == pytest.approx(0.89, abs=0.01)
    assert second.chunk.url == "https://x.example/hesk/0"
    assert second.chunk.published_at == datetime(2025, 1, 1, tzinfo=UTC)


def test_filters_hold_in_both_kinds_of_search(filled: Store) -> None:
    near = unit(1, 1, 1)
    assert {h.chunk.author for h in filled.search("hesk", near, "kettle", 9)} == {"hesk"}
    assert [h.chunk.text for h in filled.search("hesk", near, "kettle", 9, register="article")] == [TEXTS[1]]
    assert filled.search("hesk", near, "kettle", 9, source="medium") == []
    only = filled.search("hesk", near, "kettle", 9, documents=["files:hesk-0", "files:other-0"])
    assert [h.chunk.document_id for h in only] == ["files:hesk-0"]
    assert filled.search("hesk", near, "kettle", 9, documents=[]) == []


def test_one_kind_alone_and_odd_queries_work(filled: Store) -> None:
    assert [h.chunk.text for h in filled.search("hesk", None, "KETTLES", 2)] == [TEXTS[2]]
    assert len(filled.search("hesk", unit(1), "", 2)) == 2
    assert len(filled.search("hesk", unit(1), "'); DROP TABLE x; -- & | ! :* the of", 2)) == 2
    assert filled.search("hesk", None, "zebra", 2) == []
    with pytest.raises(StoreError, match="needs an embedding or words"):
        filled.search("hesk", None, " ", 2)


def test_exemplars_are_unlike_each_other_and_fill_in_from_other_registers(store: Store, make_chunks: Make) -> None:
    plain = "The tide came in late, and the ferry came with it. We waited on the pier for the fog to lift."
    texts = [
        plain,
        plain.replace("tide", "wind"),
        "WOW!!! 🚀🚀\n\n→ ship it\n→ ship it\n→ ship it again!!! " * 3,
        plain * 2,
        "Masked: write to [email], and never to [phone]. We wait for what comes of it on the pier.",
    ]
    registers = ["post", "post", "post", "article", "post"]
    store.write_chunks(make_chunks(texts, [unit(1)] * 5, register=registers))
    chosen = store.exemplars("hesk", "post", 2)
    assert texts[2] in {h.chunk.text for h in chosen} and len(chosen) == 2
    assert store.exemplars("hesk", "post", 2) == chosen
    every = store.exemplars("hesk", "post", 9)
    assert [h.chunk.register for h in every] == ["post"] * 3 + ["article"]
    assert "another register (article)" in every[-1].why
    only = store.exemplars("hesk", "post", 9, documents=["files:hesk-3"])
    assert [h.chunk.document_id for h in only] == ["files:hesk-3"]
    assert store.exemplars("nobody", "post", 2) == []


def test_style_comes_back_as_named_means(store: Store) -> None:
    row = {
        "author": "hesk", "documents": 3, "words": 90, "names": ["comma", "emoji"], "means": [4.5, 0.1],
        "deviations": [1.0, 0.3], "event_timestamp": datetime(2025, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    store.write_style(pd.DataFrame([row]))
    style = store.style("hesk")
    assert style is not None
    assert (style.documents, style.means, style.deviations) == (
        3,
        {"comma": 4.5, "emoji": 0.1},
        {"comma": 1.0, "emoji": 0.3},
    )
    assert store.style("nobody") is None


def test_forgetting_and_pruning_reach_only_what_was_named(filled: Store) -> None:
    assert filled.forget(document_id="files:hesk-0") == 1
    assert filled.prune("hesk", ["files:hesk-2#0"]) == 1
    assert (filled.count("hesk"), filled.count("other")) == (1, 1)
    assert filled.forget(author="hesk") == 1
    assert (filled.count("hesk"), filled.count("other")) == (0, 1)
    with pytest.raises(StoreError, match="nothing to forget"):
        filled.forget()


def test_writing_twice_replaces(filled: Store, make_chunks: Make) -> None:
    filled.write_chunks(make_chunks(["New words on the same piece."], [unit(1)]))
    assert filled.count("hesk") == 3
    assert filled.search("hesk", unit(1), "", 1)[0].chunk.text == "New words on the same piece."


def test_a_large_table_gets_its_index_and_still_finds_the_nearest(store: Store, make_chunks: Make) -> None:
    from twin.store.client import _chunk_table
    from twin.store.query import search

    store.feast().config.online_store.exact_rows = 300
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(500, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    store.write_chunks(make_chunks([f"text {i}" for i in range(300)], list(vectors[:300])))
    assert vector_indexes(store) == []
    assert store.search("hesk", vectors[3], "", 1)[0].chunk.text == "text 3"
    with store._pool().connection() as connection:  # what earlier versions made
        connection.execute(
            "CREATE INDEX twin_chunk_embeddings_embedding_hnsw ON twin_chunk_embeddings "
            "USING hnsw (embedding vector_cosine_ops)"
        )
    store.write_chunks(make_chunks([f"text {i}" for i in range(500)], list(vectors)))
    assert vector_indexes(store) == ["twin_chunk_embeddings_embedding_half"]
    made = index_number(store)
    store.write_chunks(make_chunks(["text 0"], [vectors[0]]))
    assert index_number(store) == made
    store.write_chunks(make_chunks([f"text {i}" for i in range(500)], list(vectors)))
    assert index_number(store) > made  # made anew: faster than 500 rows one by one
    for place in (3, 77, 499):
        hit = store.search("hesk", vectors[place], "", 1)[0]
        assert (hit.chunk.text, hit.similarity) == (f"text {place}", pytest.approx(1.0, abs=1e-6))
    with store._pool().connection() as connection:
        connection.execute("SET enable_seqscan = off; SET enable_sort = off")
        asked = search(
            _chunk_table(), ("id",), limit=1, vector=True, text=False, where="author = %(author)s", indexed=True
        )
        told = connection.execute(
            "EXPLAIN " + asked.as_string(None), {"embedding": vectors[3], "author": "hesk"}
        ).fetchall()
    assert "twin_chunk_embeddings_embedding_half" in str(told)


def index_number(store: Store) -> int:
    with store._pool().connection() as connection:
        row = connection.execute("SELECT 'twin_chunk_embeddings_embedding_half'::regclass::oid::bigint").fetchone()
    assert row is not None
    return int(row[0])


def vector_indexes(store: Store) -> list[str]:
    with store._pool().connection() as connection:
        return [n for (n,) in connection.execute("SELECT indexname FROM pg_indexes WHERE indexdef LIKE '%hnsw%'")]


def test_words_that_stand_everywhere_do_not_crowd_out_a_rare_one(
    store: Store, make_chunks: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from twin.store import query

    monkeypatch.setattr(query, "_WORDED", 5)
    query.search.cache_clear()
    common = [f"The garden table, the kettle and {'it' * (i % 7)} number{i}" for i in range(200)]
    store.write_chunks(make_chunks([*common, "A garden \\' heron"], [unit(1)] * 201))
    found = store.search("hesk", None, "the heron's garden table \\ '", 3)
    assert [hit.chunk.text for hit in found] == ["A garden \\' heron"]
    assert len(store.search("hesk", None, "garden", 3)) == 3
    assert store.search("hesk", None, "the and", 3) == []
    query.search.cache_clear()


def test_an_absent_database_and_an_empty_one_say_what_to_do(settings: Settings, postgres_url: str) -> None:
    with pytest.raises(StoreError, match="twin up"):
        Store(settings)
    away = dataclasses.replace(settings, database_url="postgresql://u:secret@127.0.0.1:1/x?connect_timeout=1")
    with Store(away) as store, pytest.raises(StoreError, match="does not answer") as error:
        store.count("hesk")
    assert "secret" not in str(error.value)
    empty = Store(dataclasses.replace(settings, database_url=postgres_url))
    with empty, pytest.raises(StoreError, match="Run `twin features` first"):
        empty.count("hesk")


def test_dates_bound_a_search(store: Store, make_chunks: Callable[..., pd.DataFrame]) -> None:
    store.write_chunks(make_chunks(["one", "two", "three"], [unit(1), unit(1, 1), unit(0, 1)]))
    second = datetime(2025, 1, 2, tzinfo=UTC)
    assert [h.chunk.text for h in store.search("hesk", unit(1), "", 9, since=second)] == ["two", "three"]
    assert [h.chunk.text for h in store.search("hesk", unit(1), "", 9, until=second)] == ["one", "two"]
    assert [h.chunk.text for h in store.search("hesk", unit(1), "", 9, since=second, until=second)] == ["two"]


def test_chunks_by_id_are_only_the_authors_own(store: Store, make_chunks: Callable[..., pd.DataFrame]) -> None:
    store.write_chunks(make_chunks(["mine", "mine too"], [unit(1), unit(0, 1)]))
    store.write_chunks(make_chunks(["theirs"], [unit(1)], author="other"))
    ids = ["files:hesk-1#0", "files:other-0#0", "files:hesk-0#0", "nobody"]
    assert [chunk.text for chunk in store.chunks("hesk", ids)] == ["mine too", "mine"]
