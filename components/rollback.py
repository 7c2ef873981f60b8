"""Component rollback: the cluster serves again what it served before; the run fails, since its aim was not reached."""

from kfp import dsl

from components.wiring import OPTIONS


@dsl.component(**OPTIONS)
def rollback(params: str, models: str, version: str, before: dict) -> None:  # type: ignore[type-arg]
    """Undo `deploy`, then raise ServingError: a run that rolled back must not look like one that deployed."""
    from pathlib import Path

    from components.wiring import context
    from twin.cluster import rollout
    from twin.errors import ServingError

    chosen, _, _ = context("rollback", params)
    rollout.roll_back(chosen, Path(models), before)
    was = before["adapter"] or "nothing"
    raise ServingError(
        "the new adapter did not prove itself", f"version {version}", f"Version {was} serves; smoke and probe say why."
    )
