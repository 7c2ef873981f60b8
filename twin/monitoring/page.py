"""Evidently's pages: one way to make one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def render(preset: Any, shape: Any, page: Path, current: pd.DataFrame, reference: pd.DataFrame | None = None) -> Any:
    """Write `page` (self-contained, no network) of a preset over tables of one DataDefinition; returns Evidently's run."""
    import warnings

    from evidently import Dataset, Report

    tables = [
        Dataset.from_pandas(one, data_definition=shape) if one is not None else None for one in (current, reference)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a constant column has no correlation: nobody need hear it
        run = Report([preset]).run(*tables)
        page.parent.mkdir(parents=True, exist_ok=True)
        run.save_html(str(page))
    return run
