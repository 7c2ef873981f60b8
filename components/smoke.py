"""Component smoke: one real draft through the transformer, by the adapter that was just deployed."""

from kfp import dsl

from components.wiring import OPTIONS


@dsl.component(**OPTIONS)
def smoke(params: str, version: str, timeout_seconds: int, metrics: dsl.Output[dsl.Metrics]) -> bool:
    """True when the service is ready and the twin answers; False, never an error, when it is to be rolled back."""
    from components import rollout
    from components.wiring import context, log

    chosen, settings, progress = context("smoke", params)
    with progress.step(f"draft with version {version}"):
        healthy, found = rollout.smoke(chosen, settings.endpoint_url, version, timeout_seconds)
    log(metrics, found)
    return healthy
