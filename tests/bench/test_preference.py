"""The preference bench looks at the validation split alone."""

from __future__ import annotations

import pandas as pd

from bench.preference import shifted


def test_the_test_split_is_left_out_and_validation_takes_its_place() -> None:
    splits = ["train"] * 20 + ["validation"] * 3 + ["test"] * 3
    rows = pd.DataFrame(
        [{"id": f"{n}#0", "document_id": str(n), "kind": "brief", "split": split} for n, split in enumerate(splits)]
    )
    found = shifted(rows)
    assert set(found["document_id"]) == {str(n) for n in range(23)} and found["id"].is_unique
    assert list(found.loc[found["split"].eq("test"), "document_id"]) == ["20", "21", "22"]
    # What the verifier is warmed with was learned from; it is nothing that is measured.
    assert set(found.loc[found["split"].eq("validation"), "document_id"]) <= {str(n) for n in range(20)}
