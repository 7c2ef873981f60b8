"""`twin doctor`: tries every part, says in a line what it found and, for each that fails, what to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace

from twin import params as params_file
from twin import settings as environment
from twin import vault
from twin.errors import TwinError
from twin.local import doctor_files, doctor_services
from twin.local.finding import BAD, OK, SKIPPED, WARN, Finding
from twin.params import Params
from twin.settings import Settings

_MARKS = {OK: "✓", WARN: "!", BAD: "✗", SKIPPED: "·"}

Check = Callable[[Settings, Params], Finding]

CHECKS: tuple[tuple[str, Check], ...] = (
    ("packages", doctor_files.packages), ("folders", doctor_files.folders), ("disk", doctor_files.disk),
    ("private files", doctor_files.private), ("half-written", doctor_files.half_written),
    ("base model", doctor_files.base_model), ("embedder", doctor_files.embedder),
    ("database", doctor_services.database), ("store", doctor_services.store), ("log", doctor_services.log),
    ("registry", doctor_services.registry), ("adapters", doctor_files.adapters), ("pipeline", doctor_files.pipeline),
    ("predictor", doctor_services.predictor), ("endpoint", doctor_services.endpoint),
    ("web interface", doctor_services.webui), ("version that writes", doctor_services.pointer),
    ("drift", doctor_files.drift),
)  # fmt: skip


def run(as_json: bool, groups: Callable[[], set[str]]) -> int:
    """Check all and print (`groups` asks a configured cluster for its API groups); 1 when a part fails, 0 when all are well or only need a look."""
    found = examine(groups)
    if as_json:
        print(json.dumps([one.as_dict() for one in found], ensure_ascii=False, indent=1))
    else:
        print("\n".join(map(_line, found)))
        print(_sum(found), file=sys.stderr)
    return int(any(one.state == BAD for one in found))


def examine(groups: Callable[[], set[str]]) -> list[Finding]:
    """Every part's finding; where the environment or params.yaml can't be read, that one alone."""
    try:
        settings = environment.load()
    except TwinError as error:
        return [_failed("environment", error)]
    try:
        settings = vault.fill(settings)
        tokens = Finding("environment", OK, f"project {settings.root}, home {settings.home}")
    except TwinError as error:
        tokens = _failed("environment", error)
    try:
        params = params_file.load(settings.root / "params.yaml")
    except TwinError as error:
        return [tokens, _failed("params.yaml", error)]
    known = [tokens, Finding("params.yaml", OK, f"the twin of {params.author.name} ({params.author.id})")]
    with ExitStack() as stack:
        settings = _with_database(settings, stack)
        checks = (*CHECKS, ("cluster", lambda *_: doctor_services.cluster(groups)))
        return [*known, *(_tried(name, check, settings, params) for name, check in checks)]


def _with_database(settings: Settings, stack: ExitStack) -> Settings:
    """The embedded server runs while it is looked at; one that was never made is not made for that."""
    from twin.local import postgres

    if settings.database_url or not (settings.home / "postgres" / "data" / "PG_VERSION").exists():
        return settings
    try:
        return replace(settings, database_url=stack.enter_context(postgres.running(settings)))
    except TwinError:
        return replace(settings, database_url=postgres.url_of(settings))  # its check says why


def _tried(name: str, check: Check, settings: Settings, params: Params) -> Finding:
    try:
        return replace(check(settings, params), part=name)
    except TwinError as error:
        return _failed(name, error)
    except Exception as error:  # a check that breaks is a finding, not the end of the examination
        return Finding(name, BAD, f"{type(error).__name__}: {error}", "Read the named file or service's log.")


def _failed(name: str, error: TwinError) -> Finding:
    said = error.thing if error.value is None else f"{error.thing}: {error.value}"
    return Finding(name, BAD, said, error.mend)


def _line(one: Finding) -> str:
    mend = f"\n    → {one.mend}" if one.mend and one.state in (WARN, BAD) else ""
    return f"{_MARKS[one.state]} {one.part}: {one.said}{mend}"


def _sum(found: Sequence[Finding]) -> str:
    bad, warn = (sum(one.state == state for one in found) for state in (BAD, WARN))
    if not bad and not warn:
        return "Everything that is here is well."
    return f"{bad} part{'s' if bad != 1 else ''} failed, {warn} need{'s' if warn == 1 else ''} a look."
