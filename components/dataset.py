"""Component dataset: documents and features become examples, split by time."""

from kfp import dsl

from components.wiring import OPTIONS


@dsl.component(**OPTIONS)
def dataset(
    documents: dsl.Input[dsl.Dataset],
    features: dsl.Input[dsl.Dataset],
    params: str,
    examples: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
) -> None:
    """Split by document and time, then expand each text into examples."""
    from pathlib import Path

    from components.wiring import context, log, trace
    from twin.stages.dataset import dataset as stage

    chosen, settings, progress = context("dataset", params)
    places = (Path(documents.path), Path(features.path), Path(examples.path))
    log(metrics, stage(*places, chosen, settings, progress))
    trace(examples, chosen)
