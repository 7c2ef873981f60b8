"""What an overlay puts on a cluster: rendered, held against what is there, and applied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from twin.cluster import kubectl
from twin.errors import ClusterError
from twin.params import Params
from twin.settings import Settings

PARAMS = "twin-params"
_MANAGER = "twin"
# Secrets that somebody else writes: CloudNativePG, KFP.
_MADE = {"twin-postgres-app", "mlpipeline-minio-artifact"}
# Add-ons that follow as soon as the cluster knows their kinds.
_FOLLOWING = {"monitoring.coreos.com": "prometheus"}
# A database that archives by this plug-in needs the add-on that says where to.
_PLUGIN = "barman-cloud.cloudnative-pg.io"


@dataclass(slots=True)
class Plan:
    """`objects` is everything to apply; `new` those that are not there yet, as kind/name; `diff` for the others."""

    objects: list[dict[str, Any]]
    new: list[str] = field(default_factory=list)
    missing: list[ClusterError] = field(default_factory=list)
    diff: str = ""


def overlays(root: Path) -> list[str]:
    """The names of the overlays."""
    return sorted(path.parent.name for path in (root / "manifests" / "overlays").glob("*/kustomization.yaml"))


def render(folder: Path) -> list[dict[str, Any]]:
    """The objects of a kustomization. Raises ClusterError."""
    text = kubectl.kubectl(["kustomize", str(folder)])
    return [found for found in yaml.safe_load_all(text) if found]


def plan(settings: Settings, params: Params, overlay: str) -> Plan:
    """Compare an overlay with the cluster; changes nothing. Raises ClusterError when the cluster is away."""
    known = overlays(settings.root)
    if overlay not in known:
        raise ClusterError("there is no such overlay", overlay, f"Known are {', '.join(known) or 'none'}.")
    manifests = settings.root / "manifests"
    objects = render(manifests / "overlays" / overlay)
    _same_author(objects, params)
    groups = kubectl.groups()
    for name in _addons(objects, groups):
        if (manifests / "addons" / name).is_dir():
            objects += render(manifests / "addons" / name)
    objects.append(_params(settings, params))
    found = Plan(objects, missing=_missing_groups(objects, groups))
    if found.missing:
        return found
    there = set(kubectl.kubectl(["get", "--ignore-not-found", "-f", "-", "-o", "name"], _text(objects)).split())
    named = {_name(each): each for each in objects}
    found.new = [label for label in named if label not in there]
    found.missing = list(_missing_secrets(objects, params.cluster.namespace, bool(there)))
    old = [each for label, each in named.items() if label in there]
    if old:
        found.diff = kubectl.kubectl(
            ["diff", "--server-side", "--force-conflicts", f"--field-manager={_MANAGER}", "-f", "-"],
            _text(old), accept=(0, 1),
        )  # fmt: skip
    return found


def apply(settings: Settings, params: Params, overlay: str, force: bool = False) -> list[str]:
    """Apply an overlay with the server's strict validation; returns what kubectl did, a line an object.

    With `force`, fields that were changed by hand are taken back, else they are an error. Raises ClusterError before anything is changed when the cluster lacks a kind or a secret.
    """
    found = plan(settings, params, overlay)
    if found.missing:
        raise found.missing[0]
    arguments = ["apply", "--server-side", "--validate=strict", f"--field-manager={_MANAGER}", "-f", "-"]
    arguments += ["--force-conflicts"] * force
    # The namespace first and alone: what lies in it is refused before it exists.
    first = [each for each in found.objects if each["kind"] == "Namespace"]
    rest = [each for each in found.objects if each["kind"] != "Namespace"]
    return [line for part in (first, rest) if part for line in kubectl.kubectl(arguments, _text(part)).splitlines()]


def _addons(objects: list[dict[str, Any]], groups: set[str]) -> list[str]:
    """The add-ons that these objects or this cluster ask for."""
    plugins = [p["name"] for each in objects if each["kind"] == "Cluster" for p in each["spec"].get("plugins", [])]
    return [name for group, name in _FOLLOWING.items() if group in groups] + ["backups"] * (_PLUGIN in plugins)


def _same_author(objects: list[dict[str, Any]], params: Params) -> None:
    named = next((o["data"]["id"] for o in objects if _name(o) == "configmap/twin-author"), params.author.id)
    if named != params.author.id:
        mend = f"Write id={params.author.id} into manifests/base/serving/author.env."
        raise ClusterError("manifests and params.yaml name different authors", f"{named}, {params.author.id}", mend)


def _params(settings: Settings, params: Params) -> dict[str, Any]:
    text = (settings.root / "params.yaml").read_text(encoding="utf-8")
    metadata = {"name": PARAMS, "namespace": params.cluster.namespace, "labels": {"app.kubernetes.io/part-of": "twin"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"params.yaml": text}}


def _missing_groups(objects: list[dict[str, Any]], groups: set[str]) -> list[ClusterError]:
    wanted = {each["apiVersion"].partition("/")[0] for each in objects if "/" in each["apiVersion"]}
    return [kubectl.lacking(group) for group in sorted(wanted - groups)]


def _missing_secrets(objects: list[dict[str, Any]], namespace: str, there: bool) -> Iterator[ClusterError]:
    """Secrets that objects name and nobody makes. Optional ones, and those of the objects themselves, are left out."""
    own = {each["metadata"]["name"] for each in objects if each["kind"] == "Secret"}
    wanted = {name for each in objects for name in _secrets(each)} - own - _MADE
    have: set[str] = set()
    if there and wanted:
        listed = kubectl.kubectl(["-n", namespace, "get", "secrets", "-o", "name"])
        have = {line.removeprefix("secret/") for line in listed.split()}
    for name in sorted(wanted - have):
        mend = (
            f"`kubectl -n {namespace} create secret generic {name} …`, with the keys that docs/operations.md names, or "
            "apply manifests/addons/external-secrets."
        )
        yield ClusterError("a secret is missing", name, mend)


def _secrets(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key in ("secretRef", "secretKeyRef"):
            reference = node.get(key)
            if isinstance(reference, dict) and "name" in reference and not reference.get("optional"):
                yield reference["name"]
        if isinstance(mounted := node.get("secret"), dict) and "secretName" in mounted and not mounted.get("optional"):
            yield mounted["secretName"]
        for value in node.values():
            yield from _secrets(value)
    elif isinstance(node, list):
        for value in node:
            yield from _secrets(value)


def _name(found: dict[str, Any]) -> str:
    group = found["apiVersion"].partition("/")[0] if "/" in found["apiVersion"] else ""
    kind = found["kind"].lower() + (f".{group}" if group else "")
    return f"{kind}/{found['metadata']['name']}"


def _text(objects: list[dict[str, Any]]) -> str:
    return yaml.safe_dump_all(objects, sort_keys=False)
