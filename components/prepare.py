"""Component prepare: raw documents become documents to learn from."""

from kfp import dsl

from components.wiring import OPTIONS


@dsl.component(**OPTIONS)
def prepare(
    raw: dsl.Input[dsl.Dataset],
    workspace: str,
    params: str,
    documents: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
) -> None:
    """Clean, mask, deduplicate and validate, as `params` (YAML) and the person's choices in `workspace` say."""
    from pathlib import Path

    from components.wiring import context, log, trace
    from twin.stages.prepare import prepare as stage
    from twin.workspace import Workspace

    chosen, settings, progress = context("prepare", params)
    choices = Workspace(Path(workspace), chosen.author.id).choices
    log(metrics, stage(Path(raw.path), choices, Path(documents.path), chosen, settings, progress))
    trace(documents, chosen)
