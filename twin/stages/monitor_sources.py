"""Where the monitor's tables come from: the log, the champion's evaluation, the training set, the person's verdicts."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from twin import registry, tables
from twin.errors import TwinError
from twin.files import read_json
from twin.monitoring import sections as kinds
from twin.monitoring.sections import Section
from twin.params import Params
from twin.settings import Settings
from twin.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

MOST = 5000
_PROMPTS = 400
_ARMS = ("lora_rag", "lora")  # as served, with facts, first
_TEXTS = 300

Pair = tuple[Any, Any]


def sections(log: pd.DataFrame, work: Workspace, params: Params, settings: Settings) -> list[Section]:
    """The report's sections, the voice first; those of which nothing is here at all are left out.

    `log` holds the author's drafts, newest first. Raises DataError when style.parquet is missing.
    """
    chosen = params.monitor
    style = tables.read(work.features / tables.STYLE)
    splits = _splits(work)
    posts = style if splits is None else style[style["document_id"].isin(_taught(splits))]
    newest = str(log["adapter"].iloc[0]) if len(log) else ""
    version = log[log["adapter"] == newest]
    found: list[Section | None] = [
        _voice(version.head(chosen.window), posts, work, params, settings),
        _requests(log.head(chosen.window), work, params),
        kinds.answers(version, chosen.window),
        kinds.verdicts(_verdicts(settings, params.author.id), chosen.window),
    ]
    if splits is not None:
        found.append(kinds.documents(posts, style[~style["document_id"].isin(splits["document_id"])]))
    return [section for section in found if section is not None]


def _splits(work: Workspace) -> pd.DataFrame | None:
    path = work.dataset / tables.SPLIT_TABLE
    return tables.read(path, "splits") if path.exists() else None


def _taught(splits: pd.DataFrame) -> pd.Series[str]:
    """The documents that the adapter learned from."""
    return splits.loc[splits["split"] == "train", "document_id"]


def _voice(current: pd.DataFrame, posts: pd.DataFrame, work: Workspace, params: Params, settings: Settings) -> Section:
    generated = _generated(settings, params) if len(current) >= params.monitor.min_requests else []
    measured = kinds.logged_style(current)
    if len(generated) < params.monitor.min_requests:
        return kinds.voice("training posts", posts, measured)
    texts = [str(one["text"]) for one in generated]
    reference = kinds.style(texts, [str(one["register"]) for one in generated])
    return kinds.voice(
        "generations at promotion", reference, measured, _authorship(texts, list(current["text"]), work, params)
    )


def _generated(settings: Settings, params: Params) -> list[dict[str, Any]]:
    """What the champion wrote when it was evaluated, of the arm that is most like what is served."""
    local = settings.mlflow_uri.startswith("sqlite:")
    if local and not (settings.home / "mlflow").exists():
        return []
    try:
        found = registry.evaluated(settings, params.author.id)
    except TwinError:
        return []  # without the registry there is still the author's own style to hold drafts against
    for arm in _ARMS:
        if len(mine := [one for one in found if one.get("arm") == arm]) >= params.monitor.min_requests:
            return mine
    return []


def _authorship(reference: list[str], current: list[str], work: Workspace, params: Params) -> Pair | None:
    """Log-odds of single texts, by a verifier that learned the training posts and the shipped strangers.

    None where a side's texts were kept out of the log, or where the author's documents are not here.
    """
    import numpy as np

    from twin.evaluation import others
    from twin.voice import verifier

    path, splits = work.documents / tables.DOCUMENTS, _splits(work)
    if not all(current) or splits is None or not path.exists():
        return None
    documents = tables.read(path, "documents")
    own = list(documents.loc[documents["id"].isin(_taught(splits)), "text"])[-_TEXTS:]
    strangers = [texts[:_TEXTS] for texts in others.shipped().values()]
    if len(own) < params.monitor.min_requests:
        return None
    judge = verifier.fit(own, strangers, 1, params.evaluate.seed)
    return tuple(  # type: ignore[return-value]
        judge.scores(judge.measure(texts), np.arange(len(texts))[:, None]) for texts in (reference, current)
    )


def _requests(log: pd.DataFrame, work: Workspace, params: Params) -> Section | None:
    path = work.dataset / tables.EXAMPLES
    if not path.exists():
        return None
    prompts = _prompts(tables.read(path, "examples"), params.author.name)
    vectors = basis = None
    enough = params.monitor.min_requests
    if min(len(log), len(prompts)) >= enough and all(log["brief"]):
        import numpy as np

        from twin.embedding import Embedder

        chunks = tables.read(work.features / tables.CHUNKS, "chunks")
        basis = np.stack(list(chunks["embedding"])).astype(np.float32) if len(chunks) else None
        embedder = Embedder(params.features.embedder)
        vectors = (embedder.encode(list(prompts["brief"])), embedder.encode(list(log["brief"])))
    return kinds.requests(prompts, log, vectors, basis)


def _prompts(examples: pd.DataFrame, name: str) -> pd.DataFrame:
    """The training prompts' briefs with their registers, one a document."""
    import pandas as pd

    from twin.evaluation.arms import brief_of

    rows = []
    asked = examples[(examples["split"] == "train") & (examples["kind"] == "brief")]
    for register, messages in asked.drop_duplicates("document_id")[["register", "messages"]].itertuples(index=False):
        with contextlib.suppress(TwinError):
            brief = brief_of(json.loads(messages), name, register)
            rows.append({"register": register, "brief": brief, "brief_words": len(brief.split())})
    return pd.DataFrame(rows[-_PROMPTS:], columns=["register", "brief", "brief_words"])


def _verdicts(settings: Settings, author: str) -> pd.DataFrame:
    """What the person made of drafts in the web interface, newest first; empty where it keeps its drafts elsewhere."""
    import pandas as pd

    rows = []
    for path in sorted((settings.home / "drafts" / author).glob("*.json"), reverse=True)[:MOST]:
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            record = read_json(path)
            if record.get("verdict") in ("accepted", "rejected"):
                written = str((record.get("draft") or {}).get("text") or record.get("text") or "")
                rows.append(
                    {
                        "accepted": float(record["verdict"] == "accepted"),
                        "edited": kinds.edited(written, str(record.get("text") or "")),
                    }
                )
    return pd.DataFrame(rows, columns=["accepted", "edited"])
