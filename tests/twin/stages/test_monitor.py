"""The monitor stage: from the log to drift.json and drift.html, with only the training posts as reference."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg
import pytest

from twin import registry, tables
from twin.errors import DataError
from twin.files import read_json
from twin.monitoring import payload
from twin.params import Params, loads
from twin.progress import Progress
from twin.prompts import draft
from twin.records import Document, Draft, content_hash
from twin.settings import Settings
from twin.stages.features import chunk_table, style_table
from twin.stages.monitor import claim, monitor
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
    tables.write(tables.documents_frame(documents), work.documents / tables.DOCUMENTS, "documents")
    splits = pd.DataFrame({"document_id": [d.id for d in documents], "split": ["train"] * 20 + ["test"] * 10})
    tables.write(splits, work.dataset / tables.SPLIT_TABLE, "splits")
    return dataclasses.replace(settings, database_url=postgres_url)


@pytest.fixture
def params() -> Params:
    return loads("author: {id: hesk, name: Hesk}\nmonitor: {min_requests: 10}")


def asked(settings: Settings) -> None:
    """Training prompts and chunks, as the dataset and features stages write them."""
    work = Workspace(settings.root, "hesk")
    documents = tables.read(work.documents / tables.DOCUMENTS, "documents")
    rows = [
        {
            "id": f"{d.id}#0", "document_id": d.id, "register": "post", "kind": "brief", "split": "train",
            "messages": json.dumps(draft(name="Hesk", register="post", brief=f"tide {number} and the ferry")),
            "completion": d.text, "ends": True,
        }
        for number, d in enumerate(tables.documents_from(documents)[:20])
    ]  # fmt: skip
    tables.write(pd.DataFrame(rows), work.dataset / tables.EXAMPLES, "examples")
    chunks = chunk_table(documents, loads("author: {id: hesk, name: Hesk}"))
    vectors = np.random.default_rng(1).normal(size=(len(chunks), 384)).astype(np.float32)
    tables.write(chunks.assign(embedding=list(vectors)), work.features / tables.CHUNKS, "chunks")


def log(url: str, texts: list[str]) -> None:
    for i, text in enumerate(texts):
        payload.record(
            url,
            Draft(id=str(i), author="hesk", register="post", brief=f"tide {i} and the ferry", text=text, adapter="v1"),
            2.0,
        )
    assert payload.flush(url)


def test_too_few_requests_are_told_on_the_page_and_in_json(ready: Settings, params: Params, tmp_path: Path) -> None:
    metrics = monitor(tmp_path / "out", params, ready, Progress("monitor"))
    assert (metrics["requests"], metrics["enough"], metrics["drifted"], metrics["due"]) == (0, 0, 0, 0)
    assert "0 were logged and 10 are needed" in (tmp_path / "out" / "drift.html").read_text(encoding="utf-8")
    assert read_json(tmp_path / "out" / "drift.json")["enough"] is False


def test_shouting_drafts_alarm_and_one_training_is_due_until_it_has_cooled_down(
    ready: Settings, params: Params, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    log(ready.database_url, [f"TIDE {i}!!! 🚀🚀\n\n→ WOW\n→ GO" for i in range(12)])
    metrics = monitor(out, params, ready, Progress("monitor"))
    assert (metrics["requests"], metrics["references"], metrics["drifted"], metrics["due"]) == (12, 20, 1, 1)
    found = read_json(out / "drift.json")
    (voice,) = [section for section in found["sections"] if section["name"] == "voice"]
    assert voice["alarm"] and voice["columns"]["exclamation"]["moved"] and found["adapters"] == {"v1": 12}
    first = voice["columns"]["exclamation"]["since"]
    assert found["latency"]["p95"] == 2.0 and found["alarms"] == ["voice"]

    assert claim(params, ready) and not claim(params, ready), "two runs at once start one training"
    metrics = monitor(out, params, ready, Progress("monitor"))
    assert (metrics["drifted"], metrics["due"]) == (1, 0) and not claim(params, ready), "it cools down"
    found = read_json(out / "drift.json")
    assert found["cooling"] and found["sections"][0]["columns"]["exclamation"]["since"] == first
    points = read_json(out / "history.json")
    assert [(point["drifted"], point["requests"], point["alarm"]) for point in points] == [(True, 12, 1.0)] * 2
    assert all(point["share"] > 1 for point in points)

    with psycopg.connect(ready.database_url) as connection:
        connection.execute("UPDATE drift_reports SET at = at - interval '8 days' WHERE retrain")
    metrics = monitor(out, params, ready, Progress("monitor"))
    assert metrics["due"] == 1 and claim(params, ready), "a week later it may start again"


def test_the_champions_own_generations_are_the_reference(
    ready: Settings, params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"arm": "lora", "seed": 0, "register": "post", "brief": "b", "text": f"WOW {i}!!! 🚀 GO {'NOW ' * (i % 4)}"}
        for i in range(24)
    ]
    # The registry itself is asked in test_register.py: a new one takes longer than all else here.
    (ready.home / "mlflow").mkdir(parents=True)
    monkeypatch.setattr(registry, "evaluated", lambda *_: rows)
    log(ready.database_url, [f"WOW {i}!!! 🚀 GO {'NOW ' * (i % 4)}" for i in range(12)])
    asked(ready)
    monitor(tmp_path / "out", params, ready, Progress("monitor"))
    voice, requests, *_ = read_json(tmp_path / "out" / "drift.json")["sections"]
    assert (voice["against"], voice["references"], voice["alarm"]) == ("generations at promotion", 24, False)
    assert "authorship" in voice["columns"], "a judge of style that learned the training posts alone"
    assert (requests["references"], requests["rows"], requests["alarm"]) == (20, 12, False)
    assert {"topic_1", "topic_known"} <= set(requests["columns"])
    assert read_json(tmp_path / "out" / "drift.json")["documents"]["documents"] == 30


def test_missing_features_are_named(settings: Settings, postgres_url: str, params: Params, tmp_path: Path) -> None:
    empty = dataclasses.replace(settings, database_url=postgres_url)
    with pytest.raises(DataError, match=r"input is missing.*style\.parquet"):
        monitor(tmp_path / "out", params, empty, Progress("monitor"))
