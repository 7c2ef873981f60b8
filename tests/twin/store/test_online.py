"""The plug-in behind Feast's own API: declared, written, read and searched as any Feast user would."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from twin.errors import StoreError
from twin.settings import Settings
from twin.store import Store

pytestmark = pytest.mark.slow
Make = Callable[..., pd.DataFrame]
FIELDS = [f"chunk_embeddings:{name}" for name in ("text", "register", "ordinal", "published_at", "embedding")]


def unit(*values: float) -> np.ndarray:
    vector = np.zeros(384, dtype=np.float32)
    vector[: len(values)] = values
    return vector / np.linalg.norm(vector)


def searched(store: Store, query: np.ndarray, **more: object) -> pd.DataFrame:
    """What Feast's own vector search answers, as a table."""
    asked = {"features": FIELDS, "query": query.tolist(), "top_k": 3, "distance_metric": "cosine", **more}
    return pd.DataFrame(store.feast().retrieve_online_documents_v2(**asked).to_dict())


@pytest.fixture
def frame(make_chunks: Make) -> pd.DataFrame:
    texts = ["The tide table was wrong.", "An index broke.", "The kettle 🫖\n→ tea"]
    return make_chunks(texts, [unit(1), unit(0, 1), unit(0, 0, 1)], register=["post", "article", "post"])


def test_what_the_client_searches_is_what_feast_reads(store: Store, frame: pd.DataFrame) -> None:
    store.write_chunks(frame)
    hits = store.search("hesk", unit(1, 0.4, 0.1), "", 3)
    rows = store.feast().get_online_features(FIELDS, [{"id": h.chunk.id} for h in hits]).to_dict()
    assert rows["text"] == [h.chunk.text for h in hits]
    assert rows["ordinal"] == [h.chunk.ordinal for h in hits]
    assert rows["published_at"] == [h.chunk.published_at for h in hits]
    assert np.allclose(rows["embedding"][0], unit(1))
    found = searched(store, unit(1, 0.4, 0.1)).sort_values("distance")
    assert found["id"].tolist() == [h.chunk.id for h in hits]
    assert found["text"].tolist() == rows["text"]
    assert (1 - found["distance"]).tolist() == pytest.approx([h.similarity for h in hits])


def test_each_key_gets_its_own_features_whatever_the_order_of_the_distances(store: Store, frame: pd.DataFrame) -> None:
    store.write_chunks(frame)
    for query in (unit(0.1, 0.2, 1), unit(0.1, 1, 0.2), unit(0.5, 0.1, 1)):
        found = searched(store, query).set_index("id")
        assert found["text"].to_dict() == frame.set_index("id")["text"].to_dict()
        nearest = max(frame.itertuples(), key=lambda row: float(row.embedding @ query))
        assert found["distance"].idxmin() == nearest.id


def test_the_clients_idea_of_the_table_is_the_plug_ins(store: Store) -> None:
    from twin.store.client import _CHUNK_FIELDS, _chunk_table
    from twin.store.online import table_of

    feast = store.feast()
    real = table_of(feast.config, feast.get_feature_view("chunk_embeddings"))
    columns = {c.name: c for c in real.columns}
    assert real.name == _chunk_table().name
    assert all(columns[c.name] == c for c in _chunk_table().columns)
    assert set(_CHUNK_FIELDS) == (set(columns) | {c.name for c in real.keys}) - {"embedding"}


def test_feasts_hybrid_search_and_filters(store: Store, frame: pd.DataFrame) -> None:
    from feast.filter_models import ComparisonFilter, CompoundFilter

    store.write_chunks(frame)
    both = searched(store, unit(0, 1), query_string="kettle").sort_values("text_rank", ascending=False)
    assert both["text"].tolist()[0] == "The kettle 🫖\n→ tea"
    posts = ComparisonFilter(type="eq", key="register", value="post")
    some = ComparisonFilter(type="in", key="document_id", value=["files:hesk-0", "files:hesk-1"])
    only = searched(store, unit(0, 1), filters=CompoundFilter(type="and", filters=[posts, some]))
    assert only["text"].tolist() == ["The tide table was wrong."]
    with pytest.raises(StoreError, match="no such field to filter on: nonsense"):
        searched(store, unit(0, 1), filters=ComparisonFilter(type="eq", key="nonsense", value=1))


def test_materialize_and_historical_features_read_the_parquet_of_all_authors(
    store: Store, settings: Settings, frame: pd.DataFrame, make_chunks: Make
) -> None:
    for name, rows in {"hesk": frame, "other": make_chunks(["Other."], [unit(1)], author="other")}.items():
        folder = settings.root / "data" / name / "features"
        folder.mkdir(parents=True)
        rows.to_parquet(folder / "chunks.parquet", index=False)
    feast = store.feast()
    feast.materialize(datetime(2024, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), ["chunk_embeddings"])
    assert (store.count("hesk"), store.count("other")) == (3, 1)
    asked = pd.DataFrame({"id": ["files:other-0#0"], "event_timestamp": [datetime(2026, 1, 1, tzinfo=UTC)]})
    past = feast.get_historical_features(asked, ["chunk_embeddings:text"]).to_df()
    assert past["text"].tolist() == ["Other."]


def test_unknown_keys_read_as_missing_and_missing_dates_stay_missing(store: Store, frame: pd.DataFrame) -> None:
    frame.loc[0, "published_at"] = pd.NaT
    store.write_chunks(frame)
    rows = store.feast().get_online_features(FIELDS, [{"id": "nobody"}, {"id": frame["id"][0]}]).to_dict()
    assert rows["text"] == [None, "The tide table was wrong."]
    assert rows["published_at"] == [None, None]


def test_any_feast_users_types_survive_and_a_changed_view_changes_its_table(store: Store, tmp_path: Path) -> None:
    from feast import Entity, FeatureView, Field, FileSource
    from feast.types import Array, Bool, Bytes, Float64, Int64, Map, String

    def view(*fields: Field) -> FeatureView:
        source = FileSource(path=str(tmp_path / "x.parquet"), timestamp_field="event_timestamp", name="odd")
        return FeatureView(name="odd", entities=[entity], schema=list(fields), source=source)

    from feast import ValueType

    entity = Entity(name="shop", join_keys=["shop_id"], value_type=ValueType.INT64)
    kinds = {"i": Int64, "s": String, "b": Bool, "y": Bytes, "f": Float64, "ss": Array(String), "m": Map}
    row = {"i": 3, "s": "ä\n", "b": True, "y": b"\x00\x01", "f": 0.5, "ss": ["a", "b"], "m": {"k": "v"}}
    feast = store.feast()
    feast.apply([entity, view(Field(name="shop_id", dtype=Int64), *(Field(name=n, dtype=t) for n, t in kinds.items()))])
    frame = pd.DataFrame([{"shop_id": 7, **row, "event_timestamp": datetime(2025, 1, 1, tzinfo=UTC)}])
    feast.write_to_online_store("odd", frame)
    read = feast.get_online_features([f"odd:{n}" for n in kinds], [{"shop_id": 7}]).to_dict()
    assert {name: read[name][0] for name in kinds} == row
    feast.apply(
        [
            entity,
            view(Field(name="shop_id", dtype=Int64), Field(name="i", dtype=String), Field(name="new", dtype=String)),
        ]
    )
    feast.refresh_registry()
    feast.write_to_online_store("odd", frame[["shop_id", "event_timestamp"]].assign(i="three", new="n"))
    read = feast.get_online_features(["odd:i", "odd:new"], [{"shop_id": 7}]).to_dict()
    assert (read["i"], read["new"]) == (["three"], ["n"])
    feast.teardown()
    with store._pool().connection() as connection:
        assert connection.execute(
            "SELECT to_regclass('twin_odd'), to_regclass('twin_chunk_embeddings')"
        ).fetchone() == (None, None)
