"""Where each stage's output lies: one folder an author, the same names for people, DVC and the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

EDITED = "pairs.jsonl"
"""In `Workspace.edits`: one line for each draft that a person changed."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Paths of one author below the project's root."""

    root: Path
    author: str

    @property
    def params(self) -> Path:
        """The run's choices."""
        return self.root / "params.yaml"

    @property
    def inbox(self) -> Path:
        """What the person handed in: export archives, folders, uploaded files."""
        return self._data("inbox")

    @property
    def choices(self) -> Path:
        """The person's word on single documents: what they are, which to leave out."""
        return self._data("choices.json")

    @property
    def raw(self) -> Path:
        """`documents.parquet` as collected and `sources.json`, the record of consent."""
        return self._data("raw")

    @property
    def documents(self) -> Path:
        """`documents.parquet` ready to learn from, `rejected.parquet`, `report.json`."""
        return self._data("documents")

    @property
    def features(self) -> Path:
        """`chunks.parquet` with embeddings and `style.parquet`: Feast's offline store."""
        return self._data("features")

    @property
    def dataset(self) -> Path:
        """`examples.parquet`, `splits.parquet`, `report.json`."""
        return self._data("dataset")

    @property
    def edits(self) -> Path:
        """`pairs.jsonl`: drafts and what the person made of them."""
        return self._data("edits")

    @property
    def adapter(self) -> Path:
        """The trained LoRA adapter: safetensors, GGUF, `train.json`, `loss.csv`, after preference tuning its curve, too."""
        return self.root / "models" / self.author / "adapter"

    @property
    def report(self) -> Path:
        """`metrics.json`, `report.html` and plots of the evaluation."""
        return self.root / "reports" / self.author / "evaluation"

    @property
    def registration(self) -> Path:
        """`registration.json`: version, alias and the gate's verdict."""
        return self.root / "models" / self.author / "registration"

    @property
    def monitoring(self) -> Path:
        """`drift.html` and `drift.json` of the logged requests."""
        return self.root / "reports" / self.author / "monitoring"

    def _data(self, name: str) -> Path:
        return self.root / "data" / self.author / name
