"""The monitoring pipeline: logged requests against the author's texts; where they drifted, all is learned anew."""

from typing import Any

from kfp import dsl

from components.monitor import monitor
from pipelines import feature, inference, training
from pipelines.placing import MODELS, WORKSPACE, placed, watched


def steps(params: Any, workspace: Any, models: Any, ready_seconds: Any) -> None:
    """The pipeline's tasks, for the pipelines that contain it."""
    watch = placed(monitor(params=params, workspace=workspace), cpu="1", memory="2Gi", cached=False, volume=WORKSPACE)
    with dsl.If(watch.outputs["Output"] == True, name="drifted"):  # noqa: E712  (KFP reads the comparison)
        chosen = feature.selected(params)
        documents, features = feature.steps(params, workspace, chosen)
        champion = training.steps(params, documents, features, workspace, chosen)
        with dsl.If(champion == True, name="champion"):  # noqa: E712
            inference.steps(params, models, ready_seconds)


@dsl.pipeline(name="twin-monitoring", description="Measure drift; retrain and redeploy by the rule in params.yaml.")
def monitoring(
    params: str, author: str = "", workspace: str = WORKSPACE[1], models: str = MODELS[1], ready_seconds: int = 900
) -> None:
    """The rule: an alarm in `monitor.retrain_on`, and no training in `monitor.cooldown_days`; then the other three run."""
    with watched("monitoring", author):
        steps(params, workspace, models, ready_seconds)
