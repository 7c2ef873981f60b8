"""The endpoint's role in a real database: it searches, logs and tidies, and every other statement is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import psycopg
import pytest

from twin.errors import StoreError
from twin.monitoring import database, payload, reports, roles
from twin.monitoring.events import Refused
from twin.store import Store

pytestmark = pytest.mark.slow

REFUSED = [
    "CREATE TABLE mine (id int)", "CREATE SCHEMA mine", "CREATE ROLE mine", "CREATE DATABASE mine", "CREATE TEMP TABLE t (id int)",
    "DROP TABLE payload_events", "ALTER TABLE payload_events ADD COLUMN x int", "TRUNCATE payload_events",
    "UPDATE payload_events SET author = 'ben'", "CREATE INDEX ON payload_events (status)", "DELETE FROM drift_reports",
    "DELETE FROM twin_chunk_embeddings", "UPDATE twin_chunk_embeddings SET author = 'ben'",
    "INSERT INTO twin_chunk_embeddings (entity_key, event_ts) VALUES ('x', now())", "DROP TABLE twin_chunk_embeddings",
    "SELECT * FROM feast.projects", "ALTER ROLE twin_serving SUPERUSER", "SET ROLE postgres", "SELECT * FROM pg_authid",
    "COPY payload_events TO PROGRAM 'cat'", "SELECT pg_read_file('PG_VERSION')",
]  # fmt: skip


def test_a_role_that_is_not_there_is_named(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "SERVING", "twin_nobody")
    with pytest.raises(StoreError, match=r"twin_nobody.*operator"):
        roles.grant(postgres_url)


def test_the_endpoints_role_does_its_work_and_nothing_else(settings: Any, postgres_url: str) -> None:
    url = roles.make(postgres_url)
    assert roles.make(postgres_url) == url and "//twin_serving@/" in url
    with psycopg.connect(postgres_url, autocommit=True) as owner:  # made after the role: `twin features` comes later
        owner.execute("CREATE SCHEMA feast")
        owner.execute("CREATE TABLE feast.projects (id int)")
        owner.execute(
            "CREATE TABLE twin_chunk_embeddings (entity_key bytea PRIMARY KEY, event_ts timestamptz, author text)"
        )
        owner.execute("INSERT INTO twin_chunk_embeddings VALUES ('a', now(), 'ada')")
    with Store(dataclasses.replace(settings, database_url=url)) as store:
        assert store._rows(
            "SELECT count(*) FROM twin_chunk_embeddings WHERE author = %(author)s", {"author": "ada"}
        ) == [(1,)]
    payload.record(url, Refused(id="1", author="ada", register="post", brief="tea", status=429, why="later"), 0.1)
    assert payload.flush(url, 20) and len(payload.events(url, "ada")) == 2
    with database.asking(url) as connection:
        reports.show(connection)
        assert database.tidy(connection, keep_days=0) == 2
        for statement in REFUSED:
            try:
                connection.execute(statement)
            except psycopg.errors.InsufficientPrivilege:
                continue
            pytest.fail(f"it may: {statement}")
