"""`twin forget`: says what goes, asks, does it with the database beside it, and finishes what a kill cut short."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from twin import params as params_file
from twin.errors import DataError, ParamsError, TwinError
from twin.progress import Progress
from twin.settings import Settings
from twin.workspace import Workspace

if TYPE_CHECKING:
    from twin.stages.forget_plan import Plan


def forget(settings: Settings, target: tuple[str, str] | None, adapters: bool, preview: bool, yes: bool) -> int:
    """Forget (kind, id) of this project; kind is document, source or author. Returns the exit code, 1 when refused.

    One that was cut short is finished first. Raises DataError when the id is unknown.
    """
    from twin.stages import forget as stage
    from twin.stages import forget_plan

    begun = None if preview else forget_plan.begun(settings)
    if begun is None and target is None:
        raise TwinError("twin forget needs to know what", None, "Give --document ID, --source ID or --author ID.")
    if begun is not None:
        print(f"Finishing what was begun: forgetting {begun.kind} {begun.value}.", file=sys.stderr)
        _carry_out(settings, begun)
    if target is None or (begun is not None and (begun.kind, begun.value) == target):
        return 0
    plan = _plan(settings, *target)
    plan.adapters = adapters
    print(f"To be forgotten, {plan.kind} {plan.value}:")
    for line in stage.preview(plan, settings):
        print(f"  · {line}")
    if preview:
        return 0
    if not yes and not _agreed():
        print("Nothing was changed.")
        return 1
    _carry_out(settings, plan)
    return 0


def _plan(settings: Settings, kind: str, value: str) -> Plan:
    from twin.stages import forget_plan

    if kind != "author":
        params = params_file.load(settings.root / "params.yaml")
        return forget_plan.make(Workspace(settings.root, params.author.id), params, kind, value)
    known = sorted(path.name for path in (settings.root / "data").glob("*") if path.is_dir())
    if value not in known:
        raise DataError("there is no such author", value, f"Known: {', '.join(known) or 'none'}.")
    try:
        given = params_file.load(settings.root / "params.yaml")
    except ParamsError:
        given = None
    return forget_plan.make(Workspace(settings.root, value), given, kind, value)


def _carry_out(settings: Settings, plan: Plan) -> None:
    from twin.local import postgres
    from twin.stages import forget as stage

    with ExitStack() as stack:
        database = settings.database_url
        if not database and (settings.home / "postgres" / "data").exists():
            database = stack.enter_context(postgres.running(settings))
        said = stage.forget(plan, replace(settings, database_url=database), Progress("forget", settings.progress))
    print("Forgotten:")
    for line in said:
        print(f"  · {line}")


def _agreed() -> bool:
    try:
        return input("This can't be undone. Type yes to go on: ").strip().lower() == "yes"
    except EOFError:
        return False
