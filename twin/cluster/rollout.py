"""A version's way into service: beside the one that serves, or in its place, and back when it does not answer.

With `cluster.canary_percent` above 0 a version is first tried as a canary; with 0 it takes the place at once, which a
machine without room for two predictors needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twin.cluster import serving, shelf
from twin.params import Params


def canaried(params: Params) -> bool:
    """Whether versions are tried beside the one that serves."""
    return bool(params.cluster.service and params.cluster.canary_percent)


def deploy(params: Params, models: Path, base: Any, adapter: Path, version: str, api: Any = None) -> dict[str, str]:
    """Publish base model and adapter below `models` and start a predictor with them; returns what was there before.

    `base` is a twin.basemodel.BasePaths. The keys are `base` and `adapter`, the versions that serve until now.
    """
    link = shelf.CANARY if canaried(params) else shelf.CURRENT
    places = {"base": models / "base", "adapter": models / "adapters" / params.author.id}
    before = {key: shelf.named(place) for key, place in places.items()}
    shelf.publish(base.folder, places["base"], base.name.replace("/", "--"), link)
    shelf.publish(adapter, places["adapter"], version, link)
    if canaried(params):
        serving.start_canary(params, version, api)
    else:
        serving.restart(params, version, api)
    return before


def promote(params: Params, models: Path, version: str, api: Any = None) -> None:
    """Let the service take what the canary proved; the canary keeps its traffic until `settle`."""
    if not canaried(params):
        return
    for place in (models / "base", models / "adapters" / params.author.id):
        shelf.point(place, shelf.named(place, shelf.CANARY))
    serving.restart(params, version, api)


def settle(params: Params, models: Path, api: Any = None) -> None:
    """All traffic to the service and no canary left, on the cluster or the volume."""
    if canaried(params):
        serving.end_canary(params, api)
    for place in (models / "base", models / "adapters" / params.author.id):
        shelf.point(place, "", shelf.CANARY)


def roll_back(params: Params, models: Path, before: dict[str, str], api: Any = None) -> None:
    """Make what `deploy` returned serve again, restarting the predictor only where it had been changed."""
    places = {"base": models / "base", "adapter": models / "adapters" / params.author.id}
    changed = any(shelf.named(place) != before[key] for key, place in places.items())
    for key, place in places.items():
        shelf.point(place, before[key])
    if changed:
        serving.restart(params, before["adapter"], api)
    settle(params, models, api)
