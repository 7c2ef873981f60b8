"""Component deploy: the registry's champion and its base model reach the cluster, as canary or at once."""

from typing import NamedTuple

from kfp import dsl

from components.wiring import OPTIONS


@dsl.component(**OPTIONS)
def deploy(params: str, models: str) -> NamedTuple("Deployed", [("version", str), ("before", dict)]):  # type: ignore[valid-type]
    """Publish to the volume `models` and start a predictor with it; `before` is what a roll-back needs."""
    from pathlib import Path

    from components.wiring import context
    from twin import registry
    from twin.basemodel import local_path
    from twin.cluster import rollout
    from twin.errors import RegistryError

    chosen, settings, progress = context("deploy", params)
    champion = registry.champion(settings, chosen.author.id)
    if champion is None:
        raise RegistryError(
            "no champion to deploy", chosen.author.id, "Train one that passes the gate, or promote one."
        )
    version, adapter = champion
    base = local_path(chosen.train.base_model, settings.home / "models")
    with progress.step(f"publish version {version}"):
        return version, rollout.deploy(chosen, Path(models), base, adapter, version)
