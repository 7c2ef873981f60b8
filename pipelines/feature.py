"""The feature pipeline: sources become documents and features, stored and materialised."""

from typing import Any, NamedTuple

from kfp import dsl

from components.collect import collect
from components.features import features as embed
from components.prepare import prepare
from components.shelve import shelve
from pipelines.placing import WORKSPACE, placed


class Stored(NamedTuple):
    """What the training pipeline takes: two folders, by their URIs."""

    documents: dsl.Dataset
    features: dsl.Dataset


def steps(params: Any, workspace: Any) -> tuple[Any, Any]:
    """The pipeline's tasks, for the pipelines that contain it; returns the artifacts documents and features."""
    raw = placed(collect(workspace=workspace, params=params), cpu="1", memory="2Gi", cached=False, volume=WORKSPACE)
    # Not cached: the person's choices lie in the workspace, where the cache does not look.
    prepared = prepare(raw=raw.outputs["raw"], workspace=workspace, params=params)
    documents = placed(prepared, cpu="1", memory="2Gi", cached=False, volume=WORKSPACE).outputs["documents"]
    features = placed(embed(documents=documents, params=params), cpu="2", memory="4Gi").outputs["features"]
    for place, artifact in (("documents", documents), ("features", features)):
        kept = shelve(artifact=artifact, params=params, workspace=workspace, place=place)
        placed(kept, cpu="500m", memory="512Mi", cached=False, volume=WORKSPACE).set_display_name(f"shelve-{place}")
    return documents, features


@dsl.pipeline(name="twin-feature", description="Sources become documents and features.")
def feature(params: str, workspace: str = WORKSPACE[1]) -> Stored:
    """`params` is the text of params.yaml; `workspace` the folder that holds data/<author>/inbox."""
    documents, features = steps(params, workspace)
    return Stored(documents=documents, features=features)
