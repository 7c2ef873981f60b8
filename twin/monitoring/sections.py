"""What is held against what: the report's sections, each two tables of numbers with the same columns.

Every column is computed alike on both sides and from nothing that was fitted to one of them: a centre or a projection
of the reference's own would make any other table look further away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twin.voice import stylometry

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

FIRST = 300  # answers of a version that later ones are held against
TOPICS = 6
_FAR = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """`reference` and `current` have the same numeric columns; `against` says in words what the reference is."""

    name: str
    against: str
    reference: pd.DataFrame
    current: pd.DataFrame


def style(texts: Sequence[str], registers: Sequence[str]) -> pd.DataFrame:
    """Texts as the columns of style.parquet: register, words and the stylometric measures of each text."""
    import pandas as pd

    rows = [
        {"register": register, "words": len(text.split()), **stylometry.features(text)}
        for register, text in zip(registers, texts, strict=True)
    ]
    return pd.DataFrame(rows, columns=["register", "words", *stylometry.features("")])


def logged_style(log: pd.DataFrame) -> pd.DataFrame:
    """The same columns of logged drafts, whose measures were taken when they were written."""
    import pandas as pd

    names = list(stylometry.features(""))
    measures = pd.DataFrame(list(log["measures"]), columns=names, index=log.index)
    return pd.concat([log[["register", "words"]], measures], axis=1)


def voice(
    against: str, reference: pd.DataFrame, current: pd.DataFrame, scores: tuple[Any, Any] | None = None
) -> Section:
    """How drafts are written: stylometric columns, their distance from the middle of all, and `scores` of authorship."""
    both = _numbers(reference, current)
    if scores is not None:
        both[0]["authorship"], both[1]["authorship"] = scores
    return Section(name="voice", against=against, reference=both[0], current=both[1])


def requests(
    reference: pd.DataFrame, current: pd.DataFrame, vectors: tuple[Vectors, Vectors] | None, basis: Vectors | None
) -> Section:
    """What is asked for: lengths and registers of briefs, and their topics where both sides were embedded.

    `reference` and `current` have `register` and `brief_words`. `basis` are embeddings of the author's chunks: the
    topics are the briefs' projections on the directions in which these differ most.
    """
    both = _numbers(reference[["register", "brief_words"]], current[["register", "brief_words"]], distance=False)
    if vectors is not None and basis is not None and len(basis) > TOPICS:
        for frame, found in zip(both, _topics(vectors, basis), strict=True):
            for place in range(TOPICS):
                frame[f"topic_{place + 1}"] = found[:, place]
            frame["topic_known"] = found[:, TOPICS]
    return Section(name="requests", against="training prompts", reference=both[0], current=both[1])


def answers(log: pd.DataFrame, window: int) -> Section | None:
    """A version's newest answers against its first: style, scores, retrieval, time. None while there are too few.

    `log` holds one version's drafts, newest first.
    """
    if len(log) < 2:
        return None
    late = min(window, len(log) // 2)
    frame = _answers(log)
    first, newest = frame.iloc[late:].tail(FIRST), frame.iloc[:late]
    both = _numbers(first, newest)
    return Section(name="answers", against="this version's first answers", reference=both[0], current=both[1])


def verdicts(kept: pd.DataFrame, window: int) -> Section | None:
    """What the person made of drafts: `accepted` (0 or 1) and `edited` (share of words changed), newest first."""
    if len(kept) < 2:
        return None
    late = min(window, len(kept) // 2)
    frame = kept[["accepted", "edited"]].astype(float)
    return Section(
        name="verdicts", against="your verdicts on earlier drafts", reference=frame.iloc[late:], current=frame.iloc[:late]
    )  # fmt: skip


def documents(taught: pd.DataFrame, new: pd.DataFrame) -> Section:
    """What the author wrote since the training (rows of style.parquet) against what was learned from."""
    both = _numbers(taught, new)
    return Section(name="documents", against="training posts", reference=both[0], current=both[1])


def edited(written: str, made: str) -> float:
    """The share of words that a person changed, 0 to 1: one minus the ratio of words that stayed."""
    import difflib

    return 1.0 - difflib.SequenceMatcher(None, written.split(), made.split(), autojunk=False).ratio()


def _answers(log: pd.DataFrame) -> pd.DataFrame:
    """One row a draft: style, the chain's own scores and what retrieval found."""
    import pandas as pd

    def scored(name: str) -> list[float]:
        return [float((scores or {}).get(name) or 0.0) for scores in log["scores"]]

    def best(row: Any) -> float:
        return max((float(chunk["cosine"]) for chunk in row or [] if chunk.get("cosine") is not None), default=0.0)

    def cited(row: Any) -> float:
        return max((float(one["score"]) for one in row or []), default=0.0)

    more = {
        "copied_words": scored("longest_copy"), "unsupported": scored("unsupported"), "cited": scored("cited_share"),
        "retrieval": [best(row) for row in log["chunks"]], "citation": [cited(row) for row in log["citations"]],
    }  # fmt: skip
    return pd.concat([logged_style(log), pd.DataFrame(more, index=log.index)], axis=1)


def _numbers(reference: pd.DataFrame, current: pd.DataFrame, *, distance: bool = True) -> list[pd.DataFrame]:
    """Both tables' shared numbers, a column of 0 and 1 for each register, and the rows' distance from the middle."""
    import numpy as np
    import pandas as pd

    names = [
        name for name in reference.columns if name in current.columns and pd.api.types.is_numeric_dtype(reference[name])
    ]
    both = [frame[names].astype(float).fillna(0.0).reset_index(drop=True) for frame in (reference, current)]
    if "register" in reference.columns and "register" in current.columns:
        for kind in sorted({*reference["register"], *current["register"]}):
            for made, frame in zip(both, (reference, current), strict=True):
                made[f"register_{kind}"] = (frame["register"] == kind).to_numpy(float)
    if distance and names:
        rows = np.concatenate([frame[names].to_numpy() for frame in both])
        spread = rows.std(0)
        z = np.abs(rows - rows.mean(0))[:, spread > 0] / spread[spread > 0]
        far = np.minimum(z, _FAR).mean(1) if z.size else np.zeros(len(rows))
        both[0]["style_distance"], both[1]["style_distance"] = far[: len(both[0])], far[len(both[0]) :]
    return both


def _topics(vectors: tuple[Vectors, Vectors], basis: Vectors) -> list[Any]:
    import numpy as np

    middle = basis.mean(0)
    directions = np.linalg.svd(basis - middle, full_matrices=False)[2][:TOPICS]
    return [np.column_stack([(one - middle) @ directions.T, (one @ basis.T).max(1)]) for one in vectors]
