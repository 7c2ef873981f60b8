"""`twin forget`: says what goes, asks, does it with the database beside it, and finishes what a kill cut short."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from twin import params as params_file
from twin.choices import digest
from twin.errors import DataError, ParamsError, TwinError
from twin.progress import Progress
from twin.settings import Settings
from twin.workspace import Workspace

if TYPE_CHECKING:
    from twin.stages.forget_plan import Plan


def forget(
    settings: Settings, target: tuple[str, str] | None, adapters: bool, preview: bool, yes: bool, quiet: bool = False
) -> int:  # fmt: skip
    """Forget (kind, id) of this project; kind is document, source or author. Returns the exit code, 1 when refused.

    Instead of an id its SHA-256 will do. One that was cut short is finished first. `quiet` names no text and no file, for a log that is kept. Raises
    DataError when the id is unknown.
    """
    from twin.stages import forget as stage
    from twin.stages import forget_plan

    begun = None if preview else forget_plan.begun(settings)
    if begun is None and target is None:
        raise TwinError("twin forget needs to know what", None, "Give --document ID, --source ID or --author ID.")
    if begun is not None:
        named = "" if quiet else f" {begun.value}"
        print(f"Finishing what was begun: forgetting {begun.kind}{named}.", file=sys.stderr)
        _carry_out(settings, begun, quiet)
    if target is None or (begun and target[0] == begun.kind and target[1] in (begun.value, digest(begun.value))):
        return 0
    plan = _plan(settings, *target)
    plan.adapters = adapters
    if not quiet:
        _say(f"To be forgotten, {plan.kind} {plan.value}:", stage.preview(plan, settings))
    if preview:
        return 0
    if not yes and not _agreed():
        print("Nothing was changed.")
        return 1
    _carry_out(settings, plan, quiet)
    return 0


def _plan(settings: Settings, kind: str, value: str) -> Plan:
    from twin.stages import forget_plan

    if kind != "author":
        params = params_file.load(settings.root / "params.yaml")
        models = (params.train.base_model, settings.writer_model)
        return forget_plan.make(Workspace(settings.root, params.author.id), params, kind, value, models)
    known = sorted(path.name for path in (settings.root / "data").glob("*") if path.is_dir())
    value = forget_plan.named(known, value)
    if value not in known:
        raise DataError("there is no such author", value, f"Known: {', '.join(known) or 'none'}.")
    try:
        given = params_file.load(settings.root / "params.yaml")
    except ParamsError:
        given = None
    return forget_plan.make(Workspace(settings.root, value), given, kind, value)


def _carry_out(settings: Settings, plan: Plan, quiet: bool) -> None:
    from twin.local import postgres
    from twin.stages import forget as stage

    with ExitStack() as stack:
        database = settings.database_url
        if not database and (settings.home / "postgres" / "data").exists():
            database = stack.enter_context(postgres.running(settings))
        said = stage.forget(plan, replace(settings, database_url=database), Progress("forget", settings.progress))
    if quiet:
        _say(f"Forgotten: {len(plan.ids)} texts, in {len(said)} places.", [x for x in said if x.startswith("adapter ")])
    else:
        _say("Forgotten:", said)


def _say(title: str, lines: Sequence[str]) -> None:
    print(title)
    for line in lines:
        print(f"  · {line}")


def _agreed() -> bool:
    try:
        return input("This can't be undone. Type yes to go on: ").strip().lower() == "yes"
    except EOFError:
        return False
