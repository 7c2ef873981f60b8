"""The quality of collected documents: what is missing, doubled, rejected or old, as numbers and as Evidently's page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.monitoring.page import render

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("source", "register", "language", "words", "characters", "has_title", "has_url", "age_days")


def measure(documents: pd.DataFrame, rejected: int, page: Path) -> dict[str, Any]:
    """Figures of documents.parquet (`rejected` rows were set aside); writes Evidently's summary to `page`.

    Shares are of one, ages in days. An empty table gives zeros and no page.
    """
    count = len(documents)
    figures: dict[str, Any] = {"documents": count, "rejected": rejected}
    if not count:
        return figures
    table = _table(documents)
    _page(table, page)
    dated = table["age_days"].dropna()
    return figures | {
        "without_title": float((table["has_title"] == 0).mean()), "without_url": float((table["has_url"] == 0).mean()),
        "without_date": float(table["age_days"].isna().mean()),
        "duplicates": int(documents["sha256"].duplicated().sum()),
        "words_median": float(table["words"].median()), "words_total": int(table["words"].sum()),
        "newest_days": float(dated.min()) if len(dated) else None,
        "sources": {str(k): int(v) for k, v in table["source"].value_counts().items()},
        "registers": {str(k): int(v) for k, v in table["register"].value_counts().items()},
    }  # fmt: skip


def _table(documents: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    published = pd.to_datetime(documents["published_at"], utc=True)
    fetched = pd.to_datetime(documents["fetched_at"], utc=True)
    return pd.DataFrame(
        {
            "source": documents["source"].astype(str), "register": documents["register"].astype(str),
            "language": documents["language"].astype(str) if "language" in documents else "",
            "words": documents["text"].map(lambda text: len(text.split())),
            "characters": documents["text"].map(len),
            "has_title": documents["title"].map(bool).astype(int), "has_url": documents["url"].map(bool).astype(int),
            "age_days": (fetched.max() - published).dt.total_seconds() / 86_400,
        },
        columns=list(_COLUMNS),
    )  # fmt: skip


def _page(table: pd.DataFrame, page: Path) -> None:
    from evidently import DataDefinition
    from evidently.presets import DataSummaryPreset

    shape = DataDefinition(
        numerical_columns=["words", "characters", "has_title", "has_url", "age_days"],
        categorical_columns=["source", "register", "language"],
    )
    render(DataSummaryPreset(), shape, page, table)
