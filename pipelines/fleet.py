"""The fleet: the monitoring pipeline for many authors, a few at a time."""

from kfp import dsl

from pipelines import monitoring
from pipelines.placing import MODELS, PARALLEL, WORKSPACE, watched


@dsl.pipeline(name="twin-fleet", description="Measure drift for every author; retrain whose requests have drifted.")
def fleet(authors: list[str], workspace: str = WORKSPACE[1], models: str = MODELS[1], ready_seconds: int = 900) -> None:
    """`authors` are texts of params.yaml, one an author; one author's failure stops no other's run."""
    with watched("fleet"), dsl.ParallelFor(authors, parallelism=PARALLEL) as params:
        monitoring.steps(params, workspace, models, ready_seconds)
