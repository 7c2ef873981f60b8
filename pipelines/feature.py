"""The feature pipeline: sources become documents and features, stored and materialised."""

from typing import Any

from kfp import dsl

from components.choose import choose
from components.collect import collect
from components.features import features as embed
from components.prepare import prepare
from components.shelve import shelve
from pipelines.placing import WORKSPACE, placed, watched


def selected(params: Any) -> dict[str, Any]:
    """What each cached stage reads of `params`, by the stage's name."""
    return dict(placed(choose(params=params), cpu="200m", memory="512Mi", minutes=5).outputs)


def steps(params: Any, workspace: Any, chosen: dict[str, Any]) -> tuple[Any, Any]:
    """The pipeline's tasks, for the pipelines that contain it; returns the artifacts documents and features."""
    raw = placed(collect(workspace=workspace, params=params), cpu="1", memory="2Gi", cached=False, volume=WORKSPACE)
    # Not cached: the person's choices lie in the workspace, where the cache does not look.
    prepared = prepare(raw=raw.outputs["raw"], workspace=workspace, params=params)
    documents = placed(prepared, cpu="1", memory="2Gi", cached=False, volume=WORKSPACE).outputs["documents"]
    features = placed(embed(documents=documents, params=chosen["features"]), cpu="2", memory="4Gi").outputs["features"]
    for place, artifact in (("documents", documents), ("features", features)):
        kept = shelve(artifact=artifact, params=params, workspace=workspace, place=place)
        placed(kept, cpu="500m", memory="512Mi", cached=False, volume=WORKSPACE).set_display_name(f"shelve-{place}")
    return documents, features


@dsl.pipeline(name="twin-feature", description="Sources become documents and features.")
def feature(params: str, author: str = "", workspace: str = WORKSPACE[1]) -> None:
    """`params` is the text of params.yaml; `workspace` the folder that holds data/<author>/inbox.

    The outputs of `prepare` and `features` are what the training pipeline takes. `author` is for messages alone.
    """
    with watched("feature", author):
        steps(params, workspace, selected(params))
