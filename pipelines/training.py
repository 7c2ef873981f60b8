"""The training pipeline: stored documents and features become an adapter, a report and a registered version."""

from typing import Any

from kfp import dsl

from components.dataset import dataset
from components.evaluate import evaluate
from components.register import register
from components.shelve import shelve
from components.train import train
from pipelines.feature import selected
from pipelines.placing import SHARED, WORKSPACE, placed, watched


def steps(params: Any, documents: Any, features: Any, workspace: Any, chosen: dict[str, Any]) -> Any:
    """The pipeline's tasks, for the pipelines that contain it; returns whether the new version is champion."""
    split = placed(dataset(documents=documents, features=features, params=chosen["dataset"]), cpu="1", memory="4Gi")
    examples = split.outputs["examples"]
    learn = train(examples=examples, params=chosen["train"])
    adapter = placed(learn, cpu="4", memory="8Gi", minutes=1440, volume=SHARED).outputs["adapter"]
    measure = evaluate(examples=examples, adapter=adapter, features=features, params=chosen["evaluate"])
    report = placed(measure, cpu="4", memory="8Gi", minutes=360).outputs["report"]
    for place, artifact in (("dataset", examples), ("report", report)):
        kept = shelve(artifact=artifact, params=params, workspace=workspace, place=place)
        placed(kept, cpu="500m", memory="512Mi", cached=False, volume=WORKSPACE).set_display_name(f"shelve-{place}")
    entry = placed(register(adapter=adapter, report=report, params=params), cpu="1", memory="2Gi", cached=False)
    return entry.outputs["Output"]


@dsl.pipeline(name="twin-training", description="Documents and features become a measured, registered adapter.")
def training(params: str, documents: str, features: str, author: str = "", workspace: str = WORKSPACE[1]) -> None:
    """`documents` and `features` are the URIs that the feature pipeline stored."""
    with watched("training", author):
        given = [dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset).output for uri in (documents, features)]
        steps(params, given[0], given[1], workspace, selected(params))
