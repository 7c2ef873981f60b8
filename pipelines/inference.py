"""The inference pipeline: the registry's champion is deployed, drafts once, and stays only if it answered."""

from typing import Any, cast

from kfp import dsl

from components.deploy import deploy
from components.rollback import rollback
from components.smoke import smoke
from pipelines.placing import MODELS, placed


def steps(params: Any, models: Any, ready_seconds: Any) -> Any:
    """The pipeline's tasks, for the pipelines that contain it; returns whether the champion serves."""
    new = placed(deploy(params=params, models=models), cpu="2", memory="4Gi", cached=False, volume=MODELS)
    # Once only: a second try would find its own version current and take that for the one to go back to.
    new.set_retry(0)
    proof = placed(
        smoke(params=params, version=new.outputs["version"], timeout_seconds=ready_seconds),
        cpu="500m", memory="1Gi", cached=False,
    )  # fmt: skip
    with dsl.If(proof.outputs["Output"] == False, name="did-not-answer"):  # noqa: E712  (KFP reads the comparison)
        undo = rollback(params=params, models=models, version=new.outputs["version"], before=new.outputs["before"])
        # Once only: it ends in an error on purpose, and a second try would say the same.
        placed(undo, cpu="500m", memory="1Gi", cached=False, volume=MODELS).set_retry(0)
    return proof.outputs["Output"]


@dsl.pipeline(name="twin-inference", description="Deploy the champion, try it, roll back if it does not answer.")
def inference(params: str, models: str = MODELS[1], ready_seconds: int = 900) -> bool:
    """`models` is the volume that the predictor mounts; `ready_seconds` bounds the wait for its new pods."""
    return cast(bool, steps(params, models, ready_seconds))
