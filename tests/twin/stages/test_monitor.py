"""The monitor stage: from the log to drift.json and drift.html, with only the training posts as reference."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from twin import tables
from twin.errors import DataError
from twin.files import read_json
from twin.monitoring import payload
from twin.params import Params, loads
from twin.progress import Progress
from twin.records import Document, Draft, content_hash
from twin.settings import Settings
from twin.stages.features import style_table
from twin.stages.monitor import monitor
from twin.workspace import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def ready(settings: Settings, postgres_url: str) -> Settings:
    """A project whose author has 30 posts, 20 of them for training."""
    texts = [
        f"Tide {i} came in late, and the ferry with it. I {'sighed' if i % 2 else 'waited'}." * (i % 3 + 1)
        for i in range(30)
    ]
    documents = [
        Document(
            id=f"files:{i}", author="hesk", source="files", register="post", title="", text=text, url="",
            published_at=None, fetched_at=datetime(2025, 1, 1, tzinfo=UTC), sha256=content_hash(text),
        )
        for i, text in enumerate(texts)
    ]  # fmt: skip
    work = Workspace(settings.root, "hesk")
    tables.write(style_table(tables.documents_frame(documents)), work.features / tables.STYLE)
    splits = pd.DataFrame({"document_id": [d.id for d in documents], "split": ["train"] * 20 + ["test"] * 10})
    tables.write(splits, work.dataset / tables.SPLIT_TABLE, "splits")
    return dataclasses.replace(settings, database_url=postgres_url)


@pytest.fixture
def params() -> Params:
    return loads("author: {id: hesk, name: Hesk}\nmonitor: {min_requests: 10, drift_share: 0.2}")


def log(url: str, texts: list[str]) -> None:
    for i, text in enumerate(texts):
        payload.record(url, Draft(id=str(i), author="hesk", register="post", brief="b", text=text, adapter="v1"), 2.0)
    assert payload.flush(url)


def test_too_few_requests_are_told_on_the_page_and_in_json(ready: Settings, params: Params, tmp_path: Path) -> None:
    metrics = monitor(tmp_path / "out", params, ready, Progress("monitor"))
    assert (metrics["requests"], metrics["enough"], metrics["drifted"]) == (0, 0, 0)
    assert "0 drafts were logged and 10 are needed" in (tmp_path / "out" / "drift.html").read_text(encoding="utf-8")
    assert read_json(tmp_path / "out" / "drift.json")["enough"] is False


def test_shouting_drafts_are_found_to_drift(ready: Settings, params: Params, tmp_path: Path) -> None:
    log(ready.database_url, [f"TIDE {i}!!! 🚀🚀\n\n→ WOW\n→ GO" for i in range(12)])
    metrics = monitor(tmp_path / "out", params, ready, Progress("monitor"))
    assert (metrics["requests"], metrics["references"], metrics["drifted"]) == (12, 20, 1)
    found = read_json(tmp_path / "out" / "drift.json")
    assert found["columns"]["exclamation"]["drifted"] and found["adapters"] == {"v1": 12}
    assert found["latency"]["p95"] == 2.0
    monitor(tmp_path / "out", params, ready, Progress("monitor"))
    points = read_json(tmp_path / "out" / "history.json")
    assert [(point["drifted"], point["requests"], point["alarm"]) for point in points] == [(True, 12, 0.2)] * 2


def test_missing_features_are_named(settings: Settings, postgres_url: str, params: Params, tmp_path: Path) -> None:
    empty = dataclasses.replace(settings, database_url=postgres_url)
    with pytest.raises(DataError, match=r"input is missing.*style\.parquet"):
        monitor(tmp_path / "out", params, empty, Progress("monitor"))
