"""Component choose: of params.yaml, what each cached stage reads, so that a change elsewhere repeats nothing."""

from typing import NamedTuple

from kfp import dsl

from components.wiring import OPTIONS


@dsl.component(**OPTIONS)
def choose(
    params: str,
) -> NamedTuple("Chosen", [(n, str) for n in ("features", "dataset", "train", "evaluate")]):  # type: ignore[misc, valid-type]
    """One YAML text a stage, with the sections that dvc.yaml names for it and no others."""
    from components.wiring import sections

    return sections(params)
