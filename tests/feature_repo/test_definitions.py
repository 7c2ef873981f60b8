"""The declarations fit the records that the stages write, and `feast apply` takes the folder as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from twin.records import Chunk

pytestmark = pytest.mark.slow


def test_the_view_holds_every_field_of_a_chunk() -> None:
    from feature_repo.definitions import DIMENSION, declare
    from twin.embedding import DIMENSION as EMBEDDED

    view = declare("data").chunk_embeddings
    names = {field.name for field in (*view.features, *view.entity_columns)}
    assert names == set(Chunk.__dataclass_fields__) | {"embedding"}
    assert DIMENSION == EMBEDDED


def test_feast_apply_takes_the_folder(postgres_url: str) -> None:
    from twin.store.config import registry_url

    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS feast")
    root = Path(__file__).parents[2]
    env = {"DATABASE_URL": postgres_url, "FEAST_REGISTRY": registry_url(postgres_url), "PYTHONPATH": str(root)}
    done = subprocess.run(
        [str(Path(sys.executable).parent / "feast"), "apply", "--skip-source-validation"],
        cwd=root / "feature_repo", capture_output=True, text=True,
        env={**os.environ, **env},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute("SELECT count(*) FROM twin_chunk_embeddings").fetchone()
    assert row == (0,)
