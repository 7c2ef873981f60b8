"""Component monitor: logged requests against the author's own texts."""

from kfp import dsl

from components.wiring import OPTIONS


@dsl.component(**OPTIONS)
def monitor(
    params: str,
    workspace: str,
    drift: dsl.Output[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
) -> bool:
    """True when an alarm calls for new training (monitor.retrain_on) and none began in monitor.cooldown_days.

    `workspace` is where the feature and training pipelines shelved what the author's texts are known by.
    """
    import shutil
    from dataclasses import replace
    from pathlib import Path

    from components.wiring import context, log
    from twin.stages.monitor import claim
    from twin.stages.monitor import monitor as stage

    chosen, settings, progress = context("monitor", params)
    here = replace(settings, root=Path(workspace))
    found = stage(Path(drift.path), chosen, here, progress)
    log(metrics, found)
    shutil.copyfile(Path(drift.path) / "drift.html", page.path)
    return bool(found["due"]) and claim(chosen, here)
