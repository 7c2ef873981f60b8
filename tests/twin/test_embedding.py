"""The bundled embedder: unit vectors, the same alone and in a batch, and close where the meaning is."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from twin.embedding import DIMENSION, Embedder
from twin.errors import ModelError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder("bundled")


def test_vectors_are_unit_and_near_where_the_meaning_is(embedder: Embedder) -> None:
    vectors = embedder.encode(["The ferry was late again.", "Our boat did not come on time.", "I like rye bread 🍞"])
    assert vectors.shape == (3, DIMENSION) and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.3


def test_a_text_has_the_same_vector_alone_and_among_many_of_other_lengths(embedder: Embedder) -> None:
    texts = [" ".join(["tide", "pager", "kettle"][: i % 3 + 1] * (i + 1)) for i in range(40)]
    together = embedder.encode(texts)
    alone = np.stack([embedder.encode([text])[0] for text in texts])
    assert (together * alone).sum(axis=1).min() > 0.999


def test_what_is_remembered_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = Embedder("bundled", kept=3).load()
    read: list[str] = []
    encode = embedder._encoded
    monkeypatch.setattr(embedder, "_encoded", lambda texts: (read.extend(texts), encode(texts))[1])
    first = embedder.encode(["tide", "pager", "tide"])
    assert read == ["tide", "pager"] and np.array_equal(first[0], first[2])
    assert np.array_equal(embedder.encode(["pager", "tide"]), first[[1, 0]]) and read == ["tide", "pager"]
    assert embedder.encode(["one", "two", "three", "four"]).shape == (4, DIMENSION)  # more than are remembered
    embedder.encode(["four", "tide"])
    assert read == ["tide", "pager", "one", "two", "three", "four", "tide"]


def test_nothing_gives_an_empty_table_of_the_right_width(embedder: Embedder) -> None:
    assert embedder.encode([]).shape == (0, embedder.dimension)


def test_threads_may_share_one(embedder: Embedder) -> None:
    found: list[np.ndarray] = []
    work = [threading.Thread(target=lambda: found.append(embedder.encode(["the same words"])[0])) for _ in range(6)]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert len(found) == 6 and all(np.allclose(found[0], vector, atol=1e-6) for vector in found)


def test_a_model_that_is_nowhere_is_named_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=r"no-such/model.*features\.embedder"):
        Embedder("no-such/model").load()
