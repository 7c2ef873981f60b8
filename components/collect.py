"""Component collect: the author's sources become raw documents."""

from kfp import dsl

from components.wiring import OPTIONS


@dsl.component(**OPTIONS)
def collect(workspace: str, params: str, raw: dsl.Output[dsl.Dataset], metrics: dsl.Output[dsl.Metrics]) -> None:
    """Read every source of `params` (YAML); the author's inbox lies below `workspace`, as for people."""
    from pathlib import Path

    from components.wiring import context, log, trace
    from twin.stages.collect import collect as stage
    from twin.workspace import Workspace

    chosen, settings, progress = context("collect", params)
    inbox = Workspace(Path(workspace), chosen.author.id).inbox
    log(metrics, stage(inbox, Path(raw.path), chosen, settings, progress))
    trace(raw, chosen)
