"""`twin cluster …`: what a person does with the twin on Kubernetes, thin over kubectl and the pipelines' server."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from twin import params as params_file
from twin import settings as environment
from twin.errors import ClusterError, RegistryError
from twin.params import Params
from twin.settings import Settings

PIPELINES = ("feature", "training", "inference", "monitoring", "fleet")


def options(parser: argparse.ArgumentParser) -> None:
    """The commands below `twin cluster` and what each takes."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="action")
    for name, words in (("plan", "what would be applied, and what is missing"), ("apply", "apply an overlay")):
        each = commands.add_parser(name, help=words, description=words)
        each.add_argument("overlay", nargs="?", default="kind", help="kind (default), gpu or prod")
    each.add_argument("--force", action="store_true", help="take back what was changed by hand")
    words = "which versions serve, with what traffic; trainings, database, runs"
    _host(commands.add_parser("status", help=words, description=words))
    each = commands.add_parser("submit", help="start a pipeline", description="start a pipeline")
    each.add_argument("pipeline", choices=PIPELINES)
    each.add_argument("--author", action="append", default=[], help="whose params: params.yaml or params/ID.yaml")
    each.add_argument("--cron", default="", help='make it a recurring run, such as "0 0 3 * * *"')
    each.add_argument("arguments", nargs="*", metavar="NAME=VALUE", help="such as documents=s3://… features=s3://…")
    _host(each)
    each = commands.add_parser("promote", help="make a version champion and deploy it", description="deploy a version")
    each.add_argument("version")
    _host(each)
    words = "make the former champion champion again and deploy it"
    _host(commands.add_parser("rollback", help=words, description=words))
    each = commands.add_parser("logs", help="the last lines of a part's pods", description="the last lines of a part")
    each.add_argument(
        "part", help="transformer, predictor, canary, webui, mlflow, postgres, training, pipelines, backup"
    )
    each.add_argument("--tail", type=int, default=50)


def _host(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="", help="the KFP API server (default: cluster.pipelines of params.yaml)")


def run(given: argparse.Namespace) -> int:
    """Run one command; 0, or the error that says what is missing."""
    settings = environment.load()
    action = {
        "plan": _plan, "apply": _apply, "status": _status, "submit": _submit, "promote": _promote,
        "rollback": _rollback, "logs": _logs,
    }[given.action]  # fmt: skip
    return action(given, settings, params_file.load(settings.root / "params.yaml"))


def _plan(given: argparse.Namespace, settings: Settings, params: Params) -> int:
    from twin.cluster import install

    found = install.plan(settings, params, given.overlay)
    for error in found.missing:
        print(f"missing: {error}")
    for name in found.new:
        print(f"new: {name}")
    print(found.diff, end="")
    changed = found.diff.count("\ndiff ") + found.diff.startswith("diff ")
    print(f"{len(found.objects)} objects: {len(found.new)} new, {changed} changed, {len(found.missing)} missing")
    return 0


def _apply(given: argparse.Namespace, settings: Settings, params: Params) -> int:
    from twin.cluster import install

    for line in install.apply(settings, params, given.overlay, given.force):
        print(line)
    return 0


def _status(given: argparse.Namespace, settings: Settings, params: Params) -> int:
    from twin.cluster import state

    print("\n".join(state.status(params, given.host)))
    return 0


def _logs(given: argparse.Namespace, settings: Settings, params: Params) -> int:
    from twin.cluster import state

    print(state.logs(params, given.part, given.tail), end="")
    return 0


def _submit(given: argparse.Namespace, settings: Settings, params: Params) -> int:
    files = [author_file(settings.root, params, author) for author in given.author] or [settings.root / "params.yaml"]
    return submit(settings.root, given.pipeline, files, given.host, [*_cron(given.cron), *given.arguments])


def _cron(cron: str) -> list[str]:
    return ["--cron", cron] if cron else []


def submit(root: Path, pipeline: str, files: list[Path], host: str, more: list[str]) -> int:
    """Hand a compiled pipeline to the KFP API server. Raises ClusterError with the server's last words."""
    command = [sys.executable, "-m", "pipelines.submit", pipeline]
    command += [part for file in files for part in ("--params", str(file))]
    command += [*(["--host", host] if host else []), *more]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        forward = "kubectl -n kubeflow port-forward svc/ml-pipeline 8888"
        mend = f"If the server is not reachable from here: `{forward}`, then --host http://localhost:8888."
        raise ClusterError(f"the {pipeline} pipeline was not started", said[-1] if said else "no reason given", mend)
    # KFP's client prints links before the id.
    print(f"run {done.stdout.split()[-1]}")
    return 0


def author_file(root: Path, params: Params, author: str) -> Path:
    """The params file of an author: params.yaml where it is theirs, else params/<id>.yaml. Raises ClusterError."""
    if author == params.author.id:
        return root / "params.yaml"
    file = root / "params" / f"{author}.yaml"
    if not file.exists():
        mend = f"params.yaml is {params.author.id}'s; write {file.relative_to(root)} for this one."
        raise ClusterError("nothing is known of this author", author, mend)
    return file


def _promote(given: argparse.Namespace, settings: Settings, params: Params) -> int:
    from twin import registry

    former = registry.promote(settings, params.author.id, given.version)
    print(f"champion: version {given.version}, before {former or 'none'}")
    return submit(settings.root, "inference", [settings.root / "params.yaml"], given.host, [])


def _rollback(given: argparse.Namespace, settings: Settings, params: Params) -> int:
    from twin import registry

    now = registry.champion(settings, params.author.id)
    former = ""
    if now is not None:
        with registry.client(settings) as mlflow:
            found = mlflow.get_model_version(registry.model_name(params.author.id), now[0])
            former = found.tags.get("former_champion", "")
    if not former:
        raise RegistryError(
            "there is no former champion to go back to", params.author.id, "Name one: `twin cluster promote VERSION`."
        )
    given.version = former
    return _promote(given, settings, params)
