"""`python -m pipelines.local feature`: a pipeline on this machine, the components' own code, no cluster."""

import argparse
import builtins
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from pipelines.compile import NAMES, definition
from pipelines.submit import inputs


def run(name: str, texts: Sequence[str], root: Path, arguments: Mapping[str, Any]) -> Path:
    """Run to the end under kfp.local; returns the run's folder below `root`: <task>/<artifact>.

    `texts` are those of params.yaml: one, or one an author for the fleet. Raises RuntimeError when a task fails; the
    task's own words are on stdout. Tasks run in this environment.
    """
    from kfp import local

    with _environment(), warnings.catch_warnings():
        # The runner warns of images without "python" in their names and of limits; here neither is used at all.
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.filterwarnings("ignore", "Task .* have no effect in the current local runner")
        local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(root))
        printing = builtins.print
        try:
            _once(definition(name))(**inputs(name, texts, "local"), **arguments)
        finally:
            # The runner indents by replacing `print`, and its parallel tasks put each other's replacement back.
            builtins.print = printing
    return max(root.glob(f"twin-{name}-*"))


def _once(pipeline: Any) -> Any:
    """A copy whose tasks are tried once: what fails here fails by its own fault, and waiting would not mend it."""
    pipeline = deepcopy(pipeline)
    graph = pipeline.component_spec.implementation.graph
    for dag in (graph.root.dag, *(component.dag for component in graph.components.values())):
        for task in dag.tasks.values():
            task.ClearField("retry_policy")
    return pipeline


@contextmanager
def _environment() -> Iterator[None]:
    """The embedded services for tasks, which find them as they do on the cluster: in the environment."""
    from twin import settings
    from twin.local import postgres

    loaded = settings.load()
    before = os.environ.get("DATABASE_URL")
    with postgres.running(loaded) as url:
        os.environ["DATABASE_URL"] = url
        try:
            yield
        finally:
            if before is None:
                del os.environ["DATABASE_URL"]
            else:
                os.environ["DATABASE_URL"] = before


def main() -> None:
    """Read the command line and run; further pipeline arguments as NAME=VALUE."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pipeline", choices=NAMES)
    parser.add_argument("--params", type=Path, action="append", help="again for each author of a fleet")
    parser.add_argument("--root", type=Path, default=Path(".twin/pipelines"), help="where artifacts go")
    parser.add_argument("arguments", nargs="*", metavar="NAME=VALUE", help="such as workspace=.")
    given = parser.parse_intermixed_args()
    arguments = dict(pair.split("=", 1) for pair in given.arguments)
    texts = [path.read_text(encoding="utf-8") for path in given.params or [Path("params.yaml")]]
    print(run(given.pipeline, texts, given.root.resolve(), arguments))


if __name__ == "__main__":
    main()
