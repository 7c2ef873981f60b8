"""Stage dataset: documents and their features become examples, split by time."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from twin import tables
from twin.files import replacing, write_json
from twin.params import Params
from twin.progress import Progress
from twin.records import Document
from twin.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

Metrics = dict[str, float | int | str]


def dataset(
    documents: Path, features: Path, out: Path, params: Params, settings: Settings, progress: Progress
) -> Metrics:
    """Write `examples.parquet`, `splits.parquet` and `report.json` below `out`; raises DataError on too few texts."""
    import pandas as pd

    from twin.stages.summaries import written
    from twin.training.briefs import Briefs
    from twin.training.examples import Builder, Mix
    from twin.training.groups import groups
    from twin.training.split import temporal_split
    from twin.training.taught import taught

    chosen = params.dataset
    texts = tables.documents_from(tables.read(documents / tables.DOCUMENTS, "documents"))
    chunks = tables.read(features / tables.CHUNKS, "chunks")
    splits = temporal_split(texts, chosen.train_share, chosen.validation_share)
    learned, masked = taught(texts, splits)
    briefs = Briefs(written(learned, params, settings, progress), prefer_written=bool(settings.writer_url))
    builder = Builder(
        name=params.author.name, max_tokens=chosen.max_tokens, mix=Mix(**chosen.mix.model_dump()),
        facts_for=_neighbours(chunks, splits), seed=chosen.seed, briefs=briefs,
    )  # fmt: skip
    with progress.step("write briefs", len(learned)) as step:
        examples = builder.build(learned, splits, step.advance)
    frame = pd.DataFrame([{**asdict(e), "messages": json.dumps(e.messages, ensure_ascii=False)} for e in examples])
    metrics: Metrics = {"documents": len(texts), "examples": len(frame)}
    for split in ("train", "validation", "test"):
        part = frame[frame["split"] == split]
        metrics[f"{split}_documents"] = int(part["document_id"].nunique())
        # Of the texts, once each: the mix asks for some of them several times.
        metrics[f"{split}_words"] = sum(len(d.text.split()) for d in learned if splits[d.id] == split)
    with replacing(out) as fresh:
        fresh.mkdir()
        tables.write(frame, fresh / tables.EXAMPLES, "examples")
        sums = {document.id: document.sha256 for document in texts}
        table = pd.DataFrame(
            {"document_id": list(splits), "split": list(splits.values()), "sha256": [sums[name] for name in splits]}
        )
        tables.write(table, fresh / tables.SPLIT_TABLE, "splits")
        kinds = {split: part["kind"].value_counts().to_dict() for split, part in frame.groupby("split")}
        together = [[d.id for d in group] for group in groups(texts) if len(group) > 1]
        report = {**metrics, "kinds": kinds, "briefs": briefs.report(), "kept_together": together, "masked": masked}
        write_json(fresh / "report.json", report)
    return metrics


def _neighbours(chunks: pd.DataFrame, splits: dict[str, str]) -> Callable[[Document], Sequence[str]]:
    """Chunks of other training documents nearest to a document's first chunk: held-out text never informs a prompt."""
    import numpy as np

    first = chunks.sort_values("ordinal").groupby("document_id", sort=False).first()
    allowed = chunks[chunks["document_id"].map(splits).eq("train")]
    matrix = np.stack(list(allowed["embedding"])) if len(allowed) else np.zeros((0, 1), np.float32)
    owners, texts = allowed["document_id"].to_numpy(), allowed["text"].to_numpy()

    def near(document: Document) -> Sequence[str]:
        if document.id not in first.index or not len(matrix):
            return []
        scores = matrix @ np.asarray(first.loc[document.id, "embedding"], np.float32)
        scores[owners == document.id] = -1.0
        return [str(texts[i]) for i in np.argsort(-scores)[:2] if scores[i] > 0.3]

    return near
