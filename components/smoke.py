"""Component smoke: one real draft through the transformer, by the adapter that was just deployed."""

from kfp import dsl

from components.wiring import OPTIONS


@dsl.component(**OPTIONS)
def smoke(params: str, version: str, timeout_seconds: int, metrics: dsl.Output[dsl.Metrics]) -> bool:
    """True when the version's own transformer answers; False, never an error, when it is to be rolled back."""
    from components.wiring import context, log
    from twin.cluster import probe, rollout, serving

    chosen, settings, progress = context("smoke", params)
    canary = rollout.canaried(chosen)
    url = serving.address(chosen, settings.endpoint_url, canary)
    with progress.step(f"draft with version {version}"):
        healthy, found = probe.smoke(chosen, url, version, timeout_seconds, canary)
    log(metrics, found)
    return healthy
