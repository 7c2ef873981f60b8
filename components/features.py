"""Component features: documents become chunks, embeddings and style, offline and in the online store."""

from kfp import dsl

from components.wiring import OPTIONS


@dsl.component(**OPTIONS)
def features(
    documents: dsl.Input[dsl.Dataset], params: str, features: dsl.Output[dsl.Dataset], metrics: dsl.Output[dsl.Metrics]
) -> None:
    """Write the offline features and materialise them into the database of DATABASE_URL."""
    from pathlib import Path

    from components.wiring import context, log, trace
    from twin.stages.features import features as stage

    chosen, settings, progress = context("features", params)
    log(metrics, stage(Path(documents.path), Path(features.path), chosen, settings, progress))
    trace(features, chosen)
