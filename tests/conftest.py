"""Fixtures that every test may ask for: a home of its own and one embedded PostgreSQL for the whole run."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from twin.settings import Settings, load

pytest_plugins = ("kubernetes_api", "kubectl_api", "otlp_collector")

# The same cases in every run, on a slow machine too: a suite must not pass or fail by luck.
hypothesis.settings.register_profile("suite", derandomize=True, deadline=None)
hypothesis.settings.load_profile("suite")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a fresh, empty project: nothing of the developer's environment or home reaches the test."""
    for name in (
        "DATABASE_URL",
        "GITHUB_TOKEN",
        "LINKEDIN_TOKEN",
        "MLFLOW_TRACKING_URI",
        "TWIN_PREDICTOR_URL",
        "TWIN_ENDPOINT_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TWIN_ROOT", str(tmp_path))
    monkeypatch.setenv("TWIN_HOME", str(tmp_path / ".twin"))
    return load()


@pytest.fixture(scope="session")
def _postgres() -> Iterator[str]:
    """One server for the session, in a short folder of its own: pytest's folders shut out the server's user."""
    from twin.local import postgres

    home = Path(tempfile.mkdtemp(prefix="twin-test-"))
    try:
        with postgres.running(dataclasses.replace(load(), home=home, database_url="")) as url:
            yield url
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def postgres_url(_postgres: str) -> str:
    """The URL of an empty database with pgvector. Tests that ask for it want `@pytest.mark.slow`."""
    import psycopg

    with psycopg.connect(_postgres, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS public, feast CASCADE")
        connection.execute("CREATE SCHEMA public")
        connection.execute("CREATE EXTENSION vector")
    return _postgres
