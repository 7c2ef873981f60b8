"""Component evaluate: the adapter against the base model on held-out texts, and the gate's verdict."""

from kfp import dsl

from components.wiring import OPTIONS


@dsl.component(**OPTIONS)
def evaluate(
    examples: dsl.Input[dsl.Dataset],
    adapter: dsl.Input[dsl.Model],
    features: dsl.Input[dsl.Dataset],
    params: str,
    report: dsl.Output[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
) -> None:
    """Write the whole report, and its page apart: the pipelines' web interface shows it."""
    import shutil
    from pathlib import Path

    from components.wiring import context, log, trace
    from twin.stages.evaluate import evaluate as stage

    places = (Path(examples.path), Path(adapter.path), Path(features.path), Path(report.path))
    chosen, settings, progress = context("evaluate", params)
    log(metrics, stage(*places, chosen, settings, progress))
    trace(report, chosen)
    shutil.copyfile(Path(report.path) / "report.html", page.path)
