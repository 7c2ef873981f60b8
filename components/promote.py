"""Component promote: the version that was proved takes the service's place, and all traffic."""

from kfp import dsl

from components.wiring import OPTIONS


@dsl.component(**OPTIONS)
def promote(params: str, models: str, version: str, before: dict, timeout_seconds: int) -> None:  # type: ignore[type-arg]
    """Restart the service with it while the canary still answers, try it there, then end the canary.

    Rolls back and raises ServingError when the service does not answer with what the canary answered with.
    """
    from pathlib import Path

    from components.wiring import context
    from twin.cluster import probe, rollout, serving
    from twin.errors import ServingError

    chosen, settings, progress = context("promote", params)
    with progress.step(f"promote version {version}"):
        rollout.promote(chosen, Path(models), version)
        url = serving.address(chosen, settings.endpoint_url)
        healthy, found = probe.smoke(chosen, url, version, timeout_seconds)
        if not healthy:
            rollout.roll_back(chosen, Path(models), before)
            mend = f"Version {before['adapter'] or 'nothing'} serves again."
            raise ServingError("the service did not answer after its canary had", found["reason"], mend)
        rollout.settle(chosen, Path(models))
