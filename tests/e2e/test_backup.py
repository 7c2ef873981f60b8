"""The database is dumped, destroyed and restored, and answers as it did before."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg
import pytest

from twin.local.pg_programs import programs
from twin.monitoring import payload
from twin.records import Draft, content_hash
from twin.settings import Settings
from twin.store import Store

TEXTS = ["The tide came in late.", "Our deploy forgot the fog.", "A kettle taught me patience."]


def chunks() -> pd.DataFrame:
    """Three chunks of one author, each with a vector of its own."""
    when = pd.Timestamp("2025-01-01", tz="UTC")
    vectors = list(np.eye(384, dtype=np.float32)[:3])
    frame = pd.DataFrame(
        {
            "id": [f"files:{i}#0" for i in range(3)], "document_id": [f"files:{i}" for i in range(3)],
            "author": "hesk", "register": "post", "source": "files", "url": "", "title": "", "ordinal": 0,
            "text": TEXTS, "start": 0, "end": [len(text) for text in TEXTS], "published_at": when,
            "sha256": [content_hash(text) for text in TEXTS], "embedding": vectors,
        }
    )  # fmt: skip
    frame["published_at"] = frame["published_at"].astype("datetime64[us, UTC]")
    return frame.assign(event_timestamp=when)


def answers(settings: Settings) -> list[object]:
    """What a person would notice: texts found by meaning and by words with their figures, and the log of drafts."""
    query = np.zeros(384, dtype=np.float32)
    query[:3] = (0.5, 0.2, 0.1)
    with Store(settings) as store:
        hits = [store.search("hesk", query, "kettle fog", 3), store.search("hesk", None, "patience", 1)]
    log = payload.read(settings.database_url, "hesk", 10)
    return [hits, log.to_json()]


def pg(program: str, url: str, *arguments: str) -> None:
    """One of PostgreSQL's own programs on the database of this URL."""
    done = subprocess.run([str(programs() / program), *arguments, f"--dbname={url}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_restored_database_gives_the_same_answers(settings: Settings, postgres_url: str, tmp_path: Path) -> None:
    settings = dataclasses.replace(settings, database_url=postgres_url)
    with Store(settings) as store:
        store.apply()
        store.write_chunks(chunks())
    payload.record(postgres_url, Draft(id="d1", author="hesk", register="post", brief="tea", text="A kettle."), 1.5)
    assert payload.flush(postgres_url)
    before = answers(settings)
    assert len(before[0][0]) == 3  # type: ignore[index]

    dump = tmp_path / "twin.dump"
    pg("pg_dump", postgres_url, "--format=custom", f"--file={dump}")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        schemas = [row[0] for row in connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)'").fetchall()]  # fmt: skip
        for schema in schemas:
            connection.execute(f'DROP SCHEMA "{schema}" CASCADE')  # type: ignore[call-overload]
        connection.execute("CREATE SCHEMA public")
    with psycopg.connect(postgres_url) as connection:
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert found == (0,), "nothing is left to answer from"

    pg("pg_restore", postgres_url, "--clean", "--if-exists", "--no-owner", str(dump))

    assert answers(settings) == before
