"""Fixtures of the readers' tests: a moment of fetching, an archive made of names and texts, and all that it gives."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from twin.records import Document
from twin.sources.reading import Item, Skipped

Pack = Callable[[Mapping[str, bytes | str]], Path]


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """Write a ZIP of these names and contents and give its path."""

    def write(files: Mapping[str, bytes | str]) -> Path:
        path = tmp_path / "export.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path

    return write


@pytest.fixture
def sort_out() -> Callable[[Iterable[Item]], tuple[list[Document], list[Skipped]]]:
    """Documents and skipped items apart."""

    def apart(items: Iterable[Item]) -> tuple[list[Document], list[Skipped]]:
        found = list(items)
        return [i for i in found if isinstance(i, Document)], [i for i in found if isinstance(i, Skipped)]

    return apart
