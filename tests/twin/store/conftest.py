"""Frames of made-up chunks whose vectors say which is nearest to which."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from twin.records import content_hash
from twin.settings import Settings
from twin.store import Store


def unit(*values: float) -> np.ndarray:
    """A unit vector of 384 dimensions that begins with these values."""
    vector = np.zeros(384, dtype=np.float32)
    vector[: len(values)] = values
    return vector / np.linalg.norm(vector)


@pytest.fixture
def make_chunks() -> Callable[..., pd.DataFrame]:
    def make(
        texts: list[str], vectors: list[np.ndarray], author: str = "hesk", **columns: list[object]
    ) -> pd.DataFrame:
        start = datetime(2025, 1, 1, tzinfo=UTC)
        frame = pd.DataFrame(
            {
                "id": [f"files:{author}-{i}#0" for i in range(len(texts))],
                "document_id": [f"files:{author}-{i}" for i in range(len(texts))],
                "author": author, "register": "post", "source": "files",
                "url": [f"https://x.example/{author}/{i}" for i in range(len(texts))],
                "title": [f"Title {i}" for i in range(len(texts))], "ordinal": 0, "text": texts, "start": 0,
                "end": [len(text) for text in texts],
                "published_at": [start + timedelta(days=i) for i in range(len(texts))],
                "sha256": [content_hash(text) for text in texts], "embedding": list(vectors),
            }
        )  # fmt: skip
        for name, values in columns.items():
            frame[name] = values
        frame["published_at"] = pd.to_datetime(frame["published_at"], utc=True).astype("datetime64[us, UTC]")
        return frame.assign(event_timestamp=start)

    return make


@pytest.fixture
def store(settings: Settings, postgres_url: str) -> Iterator[Store]:
    with Store(dataclasses.replace(settings, database_url=postgres_url)) as fresh:
        fresh.apply()
        yield fresh
