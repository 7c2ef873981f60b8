"""kubectl as a person would call it, and its complaints turned into what is missing and how to add it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from typing import Any

from twin.errors import ClusterError

# API group → what brings it and, where tools/operators.sh installs it, its name there.
OPERATORS = {
    "postgresql.cnpg.io": ("CloudNativePG", "cnpg"),
    "serving.kserve.io": ("KServe", "kserve"),
    "trainer.kubeflow.org": ("Kubeflow Trainer", "trainer"),
    "jobset.x-k8s.io": ("JobSet", "trainer"),
    "feast.dev": ("the Feast operator", "feast"),
    "gateway.networking.k8s.io": ("the Gateway API", "gateway"),
    "keda.sh": ("KEDA", "keda"),
    "monitoring.coreos.com": ("the Prometheus operator", "prometheus"),
    "external-secrets.io": ("External Secrets", "external-secrets"),
    "kueue.x-k8s.io": ("Kueue", "kueue"),
    "barmancloud.cnpg.io": ("CloudNativePG's Barman plug-in", "barman"),
}
_INSTALL = "Install {}: `sh tools/operators.sh {}`, then run this again."
_FIND = "Install {}, then run this again."


def kubectl(arguments: Sequence[str], given: str = "", accept: Sequence[int] = (0,)) -> str:
    """Run kubectl with `given` on its standard input; returns its output. Raises ClusterError with a mend."""
    try:
        done = subprocess.run(["kubectl", *arguments], input=given, capture_output=True, text=True)
    except FileNotFoundError:
        mend = "Install it: https://kubernetes.io/docs/tasks/tools."
        raise ClusterError("there is no kubectl on this machine", "kubectl", mend) from None
    if done.returncode not in accept:
        raise explained(done.stderr.strip())
    return done.stdout


def read(arguments: Sequence[str]) -> Any:
    """The JSON that `kubectl … -o json` prints."""
    return json.loads(kubectl([*arguments, "-o", "json"]))


def groups() -> set[str]:
    """The API groups this cluster knows."""
    found = json.loads(kubectl(["get", "--raw", "/apis"]))
    return {group["name"] for group in found["groups"]}


def lacking(group: str) -> ClusterError:
    """The error that names what an API group belongs to."""
    who, name = OPERATORS.get(group, (f"what serves {group}", ""))
    mend = _INSTALL.format(who, name) if name else _FIND.format(who)
    return ClusterError("the cluster does not know an API group", group, mend)


def explained(said: str) -> ClusterError:
    """What kubectl said on stderr, as the thing that is missing, its name and the way to add it."""
    last = said.splitlines()[-1] if said else "no reason given"
    if found := re.search(r'no matches for kind "(\w+)" in version "([^"/]+)/', said):
        return lacking(found[2])
    if found := re.search(r"doesn't have a resource type \"([\w.-]+)\"", said):
        return lacking(found[1].partition(".")[2] or found[1])
    if found := re.search(r'namespaces "([^"]+)" not found', said):
        return ClusterError("there is no such namespace", found[1], "Make it with `twin cluster apply`.")
    if found := re.search(r'(\w+)(?:\.[\w.]+)? "([^"]+)" not found', said):
        return ClusterError(f"the cluster has no such thing among its {found[1]}", found[2], "See `twin cluster plan`.")
    if found := re.search(r'conflict with "([^"]+)".*?: (\.[\w.\[\]"=,{}-]+)', said, re.DOTALL):
        mend = "`twin cluster apply OVERLAY --force` takes it back."
        return ClusterError("a field was changed past the manifests", f"{found[2]}, by {found[1]}", mend)
    if "forbidden" in said.lower():
        return ClusterError("the cluster refused", last, "Ask its administrator for the rights this names.")
    if found := re.search(r'unknown field "([^"]+)"', said):
        mend = "The installed version is another than docs/operations.md names: bring it there."
        return ClusterError("the cluster does not know a field", found[1], mend)
    if re.search(r"refused|Unable to connect|no such host|timed? ?out|no configuration|current-context", said):
        mend = "Start it, or name another one with `kubectl config use-context`."
        return ClusterError("the cluster does not answer", last, mend)
    return ClusterError("kubectl failed", last, "`twin cluster plan` shows what the cluster has.")
