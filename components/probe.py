"""Component probe: drafts by the version while it takes its share of the traffic."""

from kfp import dsl

from components.wiring import OPTIONS


@dsl.component(**OPTIONS)
def probe(params: str, version: str, metrics: dsl.Output[dsl.Metrics]) -> bool:
    """True when every draft that was asked for came and is sound; False, never an error, else."""
    from components.wiring import context, log
    from twin.cluster import probe as probing
    from twin.cluster import rollout, serving

    chosen, settings, progress = context("probe", params)
    canary, cluster = rollout.canaried(chosen), chosen.cluster
    shared = canary and serving.weigh(chosen, cluster.canary_percent)
    url = serving.address(chosen, settings.endpoint_url, canary)
    with progress.step(f"probe version {version}"):
        sound, found = probing.quality(chosen, url, cluster.canary_seconds if shared else 0)
    log(metrics, {**found, "percent": cluster.canary_percent if shared else 0})
    return sound
