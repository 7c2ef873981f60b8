"""Component shelve: a run's artifact, where people, the web interface and `monitor` look for it."""

from kfp import dsl

from components.wiring import OPTIONS


@dsl.component(**OPTIONS)
def shelve(artifact: dsl.Input[dsl.Artifact], params: str, workspace: str, place: str) -> None:
    """Copy it whole to the author's folder `place` (a name of twin.workspace.Workspace) below `workspace`."""
    import shutil
    from pathlib import Path

    from components.wiring import context
    from twin.files import replacing
    from twin.workspace import Workspace

    chosen, _, progress = context("shelve", params)
    target: Path = getattr(Workspace(Path(workspace), chosen.author.id), place)
    with progress.step(f"shelve {place}"), replacing(target) as fresh:
        shutil.copytree(artifact.path, fresh)
