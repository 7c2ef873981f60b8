"""Component prepare: raw documents become documents to learn from."""

from kfp import dsl

from components.wiring import OPTIONS


@dsl.component(**OPTIONS)
def prepare(
    raw: dsl.Input[dsl.Dataset], params: str, documents: dsl.Output[dsl.Dataset], metrics: dsl.Output[dsl.Metrics]
) -> None:
    """Clean, mask, deduplicate and validate, as `params` (YAML) says."""
    from pathlib import Path

    from components.wiring import context, log, trace
    from twin.stages.prepare import prepare as stage

    chosen, settings, progress = context("prepare", params)
    log(metrics, stage(Path(raw.path), Path(documents.path), chosen, settings, progress))
    trace(documents, chosen)
