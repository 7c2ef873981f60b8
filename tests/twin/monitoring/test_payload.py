"""The payload log: quick for the request, whole after the database was away, bounded always."""

from __future__ import annotations

import dataclasses
import os
import signal
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from twin.errors import StoreError
from twin.local import postgres
from twin.monitoring import payload
from twin.records import Citation, Draft
from twin.settings import Settings

pytestmark = pytest.mark.slow


def draft(number: int, author: str = "hesk", **more: object) -> Draft:
    cited = Citation(
        sentence=0, chunk_id="c", document_id="files:a", title="A", url="https://x.example/a", score=0.5, quote="tide"
    )
    fields = {
        "text": f"Draft {number} 😅\n→ done",
        "scores": {"copy": 0.0},
        "citations": [cited],
        "adapter": "hesk",
        **more,
    }
    return Draft(id=f"{author}-{number}", author=author, register="post", brief="the tide", **fields)  # type: ignore[arg-type]


def test_what_is_recorded_is_read_newest_first(postgres_url: str) -> None:
    assert payload.read(postgres_url, "hesk", 10).empty
    for number in range(3):
        payload.record(postgres_url, draft(number), 1.5)
    payload.record(postgres_url, draft(0, author="other"), 1.0)
    assert payload.flush(postgres_url)
    frame = payload.read(postgres_url, "hesk", 2)
    assert frame["id"].tolist() == ["hesk-2", "hesk-1"]
    row = frame.iloc[0]
    assert (row["text"], row["seconds"], row["scores"], row["adapter"]) == (
        "Draft 2 😅\n→ done",
        1.5,
        {"copy": 0.0},
        "hesk",
    )
    assert row["citations"][0]["document_id"] == "files:a"
    assert payload.forget(postgres_url, "hesk") == 3
    assert len(payload.read(postgres_url, "other", 9)) == 1


def test_odd_text_and_scores_are_logged_and_the_same_draft_only_once(postgres_url: str) -> None:
    odd = draft(1, text="nul \x00 and \ud800 half", scores={"x": float("nan"), "y": float("inf")})
    payload.record(postgres_url, odd, 1)
    payload.record(postgres_url, odd, 1)
    payload.record(postgres_url, draft(2), 1)
    assert payload.flush(postgres_url)
    frame = payload.read(postgres_url, "hesk", 9)
    assert frame["id"].tolist() == ["hesk-2", "hesk-1"]
    assert frame["text"].iloc[1] == "nul  and ? half"
    assert frame["scores"].iloc[1] == {"x": None, "y": None}


def test_a_request_never_waits_or_fails_and_the_queue_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload, "QUEUE", 50)
    away = "postgresql://u@127.0.0.1:1/x"
    started = time.monotonic()
    for number in range(80):
        payload.record(away, draft(number), 1)
    assert time.monotonic() - started < 0.5
    assert payload.dropped(away) == 30
    assert not payload.flush(away, 0.05)
    with pytest.raises(StoreError, match="twin up"):
        payload.read(away, "hesk", 1)
    payload._writers.pop(away)._queue.clear()


def test_nothing_is_lost_when_the_database_is_killed_and_comes_back(settings: Settings) -> None:
    own = dataclasses.replace(settings, home=Path(tempfile.mkdtemp(prefix="twin-log-")))
    with postgres.running(own) as url:
        payload.record(url, draft(0), 1)
        assert payload.flush(url)
        os.kill(int((own.home / "postgres" / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        for number in range(1, 6):
            payload.record(url, draft(number), 1)
        time.sleep(0.5)
        assert postgres.ensure(own) == url
        assert payload.flush(url)
        assert len(payload.read(url, "hesk", 99)) == 6
        postgres.stop(own)


def test_the_table_is_kept_to_its_newest_rows(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload, "KEEP_ROWS", 5)
    monkeypatch.setattr(payload, "_TIDY_EVERY", 4)
    monkeypatch.setattr(payload, "_writers", {})
    for number in range(12):
        payload.record(postgres_url, draft(number), 1)
    assert payload.flush(postgres_url)
    time.sleep(0.3)
    with psycopg.connect(postgres_url) as connection:
        rows = connection.execute("SELECT id FROM payload_log ORDER BY at").fetchall()
    assert [row[0] for row in rows] == [f"hesk-{number}" for number in range(7, 12)]
