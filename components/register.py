"""Component register: a new version in the registry; it becomes champion when the gate said so."""

from kfp import dsl

from components.wiring import OPTIONS


@dsl.component(**OPTIONS)
def register(
    adapter: dsl.Input[dsl.Model],
    report: dsl.Input[dsl.Artifact],
    params: str,
    registration: dsl.Output[dsl.Artifact],
    metrics: dsl.Output[dsl.Metrics],
) -> bool:
    """True when the new version is the champion. A refused one is registered too: its figures are kept."""
    from pathlib import Path

    from components.wiring import context, log, trace
    from twin.stages.register import register as stage

    chosen, settings, progress = context("register", params)
    found = stage(Path(adapter.path), Path(report.path), Path(registration.path), chosen, settings, progress)
    log(metrics, found)
    run = {"mlflow_run_id": str(found["run_id"]), "version": str(found["version"]), "mlflow": settings.mlflow_uri}
    trace(registration, chosen, **run)
    return bool(found["promoted"])
