"""The payload log: quick for the request, whole after the database was away, bounded always."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cloudevents.http import from_json

from twin.errors import StoreError
from twin.local import postgres
from twin.monitoring import database, payload, spool
from twin.monitoring.events import of
from twin.records import Citation, Draft, Step
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


@pytest.fixture(autouse=True)
def fresh_writers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test must not meet the queue or the connection of another one."""
    monkeypatch.setattr(payload, "_writers", {})


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
    assert row["citations"][0]["document_id"] == "files:a" and row["measures"]["arrow"] > 0
    assert payload.forget(postgres_url, "hesk") == 6
    assert len(payload.read(postgres_url, "other", 9)) == 1


def test_all_who_come_first_at_once_find_the_tables(postgres_url: str) -> None:
    for _ in range(5):
        with ThreadPoolExecutor(8) as threads:
            for connection in threads.map(database.connect, [postgres_url] * 8):
                with connection:
                    assert connection.execute("SELECT count(*) FROM payload_events").fetchone() == (0,)
        with psycopg.connect(postgres_url) as owner:
            owner.execute("DROP TABLE payload_events, drift_reports")


def test_a_request_and_its_answer_are_cloudevents_of_kserves_kinds(postgres_url: str) -> None:
    steps = [
        Step(name="facts", input="the tide", output="files:a#0: 1st nearest in meaning (cosine 0.71)", seconds=0.02),
        Step(name="draft", input="[user]\nWrite of the tide.", output="x", seconds=1.2),
    ]
    payload.record(postgres_url, draft(1, steps=steps), 1.5)
    refused = payload.Refused(id="no", author="hesk", register="post", brief="fog", status=503, why="it is away")
    payload.record(postgres_url, refused, 0.1)
    assert payload.flush(postgres_url)
    found = {event["id"]: event for event in payload.events(postgres_url, "hesk")}
    assert set(found) == {"hesk-1-request", "hesk-1-response", "no-request", "no-response"}
    for event in found.values():
        read = from_json(json.dumps(event))
        assert read["specversion"] == "1.0" and read["requestid"] in ("hesk-1", "no")
        assert read["type"].startswith("org.kubeflow.serving.inference.re")
        assert datetime.fromisoformat(read["time"]).tzinfo and read["author"] == "hesk"
    answer, asked = found["hesk-1-response"], found["hesk-1-request"]
    assert answer["prompthash"] == hashlib.sha256(b"[user]\nWrite of the tide.").hexdigest()
    assert answer["adapter"] == "hesk" and answer["inferenceservicename"] == "twin"
    assert answer["data"]["chunks"] == [{"id": "files:a#0", "for": "facts", "cosine": 0.71}]
    assert {"step": "draft", "seconds": 1.2} in answer["data"]["timings"]
    begun, ended = (datetime.fromisoformat(event["time"]) for event in (asked, answer))
    assert (ended - begun).total_seconds() == pytest.approx(1.5, abs=0.01)
    assert found["no-response"]["data"] == {"seconds": 0.1, "status": 503, "error": "it is away"}
    assert payload.read(postgres_url, "hesk", 9)["id"].tolist() == ["hesk-1"], "a refusal is no draft"


def test_texts_are_logged_as_far_as_the_policy_lets_them() -> None:
    said = dataclasses.replace(draft(1, text="Write to ann@sea-mail.org of the tide."), brief="For ann@sea-mail.org")
    now = datetime.now(UTC)
    full, redacted, none = (json.dumps(of(said, 1.0, now, policy)) for policy in ("full", "redacted", "none"))
    assert "ann@sea-mail.org" in full
    assert "ann@" not in redacted and "[email]" in redacted and "of the tide" in redacted
    assert "tide" not in none and "ann@" not in none
    measured = of(said, 1.0, now, "none")[1]["data"]
    assert measured["text"] is None and measured["words"] == 6 and measured["measures"]["word_the"] > 0


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
    assert time.monotonic() - started < 5, "80 requests did not wait for a database"
    assert payload.dropped(away) == 30
    refused = payload.Refused(id="r", author="hesk", register="post", brief="b", status=429, why="full")
    payload.record(away, refused, 0.0)
    assert payload.dropped(away) == 31, "a storm of refusals pushes no draft out"
    assert not payload.flush(away, 0.05)
    with pytest.raises(StoreError, match="twin up"):
        payload.read(away, "hesk", 1)


def test_every_event_is_there_once_after_the_database_was_stopped_under_load(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payload, "QUEUE", 40)  # far fewer than are asked for meanwhile: the spool must take them
    own = dataclasses.replace(settings, home=Path(tempfile.mkdtemp(prefix="twin-log-")))
    where: dict[str, Any] = {"spool": payload.place(own.home)}
    with postgres.running(own) as url:
        payload.record(url, draft(0), 1, **where)
        assert payload.flush(url)
        postgres.stop(own)
        slowest = 0.0
        for number in range(1, 201):
            began = time.monotonic()
            payload.record(url, draft(number), 1, **where)
            slowest = max(slowest, time.monotonic() - began)
            if number % 20 == 0:
                time.sleep(0.3)
        waited = sum(len(file.read_bytes().splitlines()) for file in where["spool"].glob("*.jsonl"))
        assert waited >= 100, "what waits lies on disk, where a kill can't reach it"
        assert postgres.ensure(own) == url
        assert payload.flush(url, 60)
        assert payload.dropped(url) == 0 and slowest < 2
        with psycopg.connect(url) as connection:
            rows = connection.execute("SELECT id FROM payload_events").fetchall()
        assert sorted(row[0] for row in rows) == sorted(
            f"hesk-{number}-{part}" for number in range(201) for part in ("request", "response")
        )
        assert not list(where["spool"].glob("*.jsonl")), "the spool is empty again"
        postgres.stop(own)


KILLED = """
import sys, time, os, signal
from pathlib import Path
from twin.monitoring import payload
from twin.records import Draft
for n in range(20):
    draft = Draft(id=f"k{n}", author="hesk", register="post", brief="b", text="A kettle.")
    payload.record("postgresql://u@127.0.0.1:1/x", draft, 1.0, spool=Path(sys.argv[1]))
until = time.monotonic() + 60
while time.monotonic() < until:
    if sum(f.read_bytes().count(b"\\n") for f in Path(sys.argv[1]).glob("*.jsonl")) >= 40:
        break
    time.sleep(0.05)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_is_replayed_once_and_a_torn_line_is_passed_over(
    postgres_url: str, tmp_path: Path
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], timeout=120, env={**os.environ})
    assert done.returncode == -signal.SIGKILL
    (left,) = tmp_path.glob("*.jsonl")
    with open(left, "ab") as file:
        file.write(b'{"id": "torn", "da')
    payload.record(postgres_url, draft(1), 1.0)
    assert payload.flush(postgres_url)
    assert payload.replay(postgres_url, tmp_path, 365) == 40
    assert payload.replay(postgres_url, tmp_path, 365) == 0 and not list(tmp_path.iterdir())
    assert len(payload.read(postgres_url, "hesk", 99)) == 21


def test_the_spool_is_bounded_and_a_living_process_keeps_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = of(draft(1), 1.0, datetime.now(UTC), "full")
    size = sum(len(json.dumps(event, ensure_ascii=False).encode()) + 1 for event in events)
    monkeypatch.setattr(spool, "MOST_BYTES", 3 * size)
    mine = spool.Spool(tmp_path / "spool")
    assert [mine.append(events) for _ in range(4)] == [2, 2, 2, 0]
    assert list(spool.Spool(tmp_path / "spool").waiting()) == [], "its writer lives"
    ((path, lines),) = mine.waiting()
    assert len(lines) == 6 and path.stat().st_mode & 0o077 == 0
    mine.done(path)
    assert mine.append(events) == 2


def test_what_is_too_old_leaves_the_log(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC)
    with database.connect(postgres_url) as connection:
        for days in (1, 29, 31, 400):
            one = dataclasses.replace(draft(days), id=f"d{days}")
            database.write(connection, of(one, 1.0, now - timedelta(days=days), "full"))
    payload.record(postgres_url, draft(0), 1.0, keep_days=30)
    assert payload.flush(postgres_url)
    until = time.monotonic() + 20
    while len(payload.read(postgres_url, "hesk", 99)) > 3 and time.monotonic() < until:
        time.sleep(0.05)
    assert payload.read(postgres_url, "hesk", 99)["id"].tolist() == ["hesk-0", "d1", "d29"], "without anybody asking"
    monkeypatch.setattr(database, "MOST_ROWS", 2)
    with database.connect(postgres_url) as connection:
        assert database.tidy(connection, 30) == 4
    assert payload.read(postgres_url, "hesk", 99)["id"].tolist() == ["hesk-0"]


def test_the_figures_for_prometheus_count_what_became_of_events(postgres_url: str) -> None:
    from prometheus_client import REGISTRY

    def written() -> float:
        return REGISTRY.get_sample_value("twin_log_events_total", {"outcome": "written"}) or 0.0

    from twin.monitoring.meters import meters

    meters()
    before = written()
    many = [threading.Thread(target=payload.record, args=(postgres_url, draft(n), 1.0)) for n in range(10)]
    for thread in many:
        thread.start()
    for thread in many:
        thread.join()
    assert payload.flush(postgres_url) and written() == before + 20
