"""A small store in memory and vectors made of words, so that a test sees why something was found."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from twin.records import Chunk, content_hash
from twin.store import Hit, Style
from twin.writing.sentences import words


def _encode(texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Unit vectors of 384: texts that share words lie near each other."""
    vectors = np.full((len(texts), 384), 1e-6, dtype=np.float32)
    for row, text in enumerate(texts):
        for word in words(text):
            vectors[row, int(hashlib.sha256(word.encode()).hexdigest(), 16) % 384] += 1
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _chunk(name: str, text: str, register: str = "post") -> Chunk:
    return Chunk(
        id=f"files:{name}#0", document_id=f"files:{name}", author="hesk", register=register, source="files",
        url=f"https://x.example/{name}", title=name, ordinal=0, text=text, start=0, end=len(text), published_at=None,
        sha256=content_hash(text),
    )  # fmt: skip


class Memory:
    """A store that answers from a list."""

    def __init__(self, chunks: list[Chunk]) -> None:
        self.chunks_ = chunks

    def search(self, author: str, embedding: Any, text: str, limit: int) -> list[Hit]:
        """The nearest by cosine."""
        near = [float(embedding @ _encode([chunk.text])[0]) for chunk in self.chunks_]
        order = sorted(range(len(near)), key=lambda i: -near[i])[:limit]
        return [Hit(chunk=self.chunks_[i], score=near[i], similarity=near[i], why="near") for i in order]

    def chunks(self, author: str, ids: Sequence[str]) -> list[Chunk]:
        """By id."""
        return [chunk for name in ids for chunk in self.chunks_ if chunk.id == name and chunk.author == author]

    def openings(self, author: str, limit: int) -> list[Chunk]:
        """All of them."""
        return self.chunks_[:limit]

    def style(self, author: str) -> Style:
        """An author who writes three words a sentence and never a comma."""
        means = {"sentence_words": 3.0, "comma": 0.0}
        return Style(
            author=author, documents=3, words=30, means=means, deviations={"sentence_words": 1.0, "comma": 1.0}
        )

    def exemplars(self, author: str, register: str, k: int) -> list[Hit]:
        """The first of the register."""
        own = [chunk for chunk in self.chunks_ if chunk.register == register]
        return [Hit(chunk=chunk, score=1.0, similarity=None, why="voice") for chunk in own[:k]]


@pytest.fixture
def encode() -> Callable[[Sequence[str]], Any]:
    return _encode


@pytest.fixture
def make_chunk() -> Callable[..., Chunk]:
    return _chunk


@pytest.fixture
def memory() -> type[Memory]:
    return Memory
