"""The inference pipeline: the registry's champion is deployed and tried, then promoted or rolled back."""

from typing import Any

from kfp import dsl

from components.deploy import deploy
from components.probe import probe
from components.promote import promote
from components.rollback import rollback
from components.smoke import smoke
from pipelines.placing import MODELS, placed, watched


def steps(params: Any, models: Any, ready_seconds: Any) -> None:
    """The pipeline's tasks, for the pipelines that contain it."""
    new = placed(deploy(params=params, models=models), cpu="2", memory="4Gi", cached=False, volume=MODELS)
    # Once only: a second try would find its own version current and take that for the one to go back to.
    new.set_retry(0)
    version, before = new.outputs["version"], new.outputs["before"]
    first = smoke(params=params, version=version, timeout_seconds=ready_seconds)
    first = placed(first, cpu="500m", memory="1Gi", minutes=120, cached=False)
    with dsl.If(first.outputs["Output"] == True, name="answered"):  # noqa: E712  (KFP reads the comparison)
        more = placed(probe(params=params, version=version), cpu="500m", memory="1Gi", minutes=1500, cached=False)
        with dsl.If(more.outputs["Output"] == True, name="sound"):  # noqa: E712
            take = promote(params=params, models=models, version=version, before=before, timeout_seconds=ready_seconds)
            _once(take, minutes=120)
        with dsl.Else(name="unsound"):
            _once(rollback(params=params, models=models, version=version, before=before))
    with dsl.Else(name="did-not-answer"):
        _once(rollback(params=params, models=models, version=version, before=before))


def _once(task: Any, minutes: int = 60) -> None:
    """What changes serving ends in an error on purpose, and a second try would only say the same."""
    placed(task, cpu="500m", memory="1Gi", minutes=minutes, cached=False, volume=MODELS).set_retry(0)


@dsl.pipeline(name="twin-inference", description="Deploy the champion, try it, then promote it or roll back.")
def inference(params: str, author: str = "", models: str = MODELS[1], ready_seconds: int = 900) -> None:
    """`models` is the volume that the predictor mounts; `ready_seconds` bounds the wait for its new pods."""
    with watched("inference", author):
        steps(params, models, ready_seconds)
