"""What goes on in the cluster: versions that serve, shares of traffic, trainings, the database, the pipelines' runs."""

from __future__ import annotations

from typing import Any

from twin.cluster import kubectl
from twin.cluster.serving import STAMP
from twin.errors import ClusterError
from twin.params import Params

# What `twin cluster logs` knows by name: the labels of its pods.
PARTS = {
    "transformer": "serving.kserve.io/inferenceservice=twin,component=transformer",
    "predictor": "serving.kserve.io/inferenceservice=twin,component=predictor",
    "canary": "serving.kserve.io/inferenceservice=twin-canary",
    "webui": "app.kubernetes.io/name=webui",
    "mlflow": "app.kubernetes.io/name=mlflow",
    "postgres": "cnpg.io/cluster=twin-postgres",
    "training": "app.kubernetes.io/name=training",
    "pipelines": "workflows.argoproj.io/workflow",
    "backup": "app.kubernetes.io/name=backup",
}


def status(params: Params, host: str = "") -> list[str]:
    """Lines to print. What the cluster does not know is said in its line; raises ClusterError when it is away."""
    groups = kubectl.groups()
    space = params.cluster.namespace
    lines = [f"namespace: {space}"]
    parts: list[tuple[str, str, Any]] = [
        ("service", "inferenceservices.serving.kserve.io", _service),
        ("traffic", "httproutes.gateway.networking.k8s.io", _traffic),
        ("training", "trainjobs.trainer.kubeflow.org", _training),
        ("database", "clusters.postgresql.cnpg.io", _database),
    ]
    for label, resource, words in parts:
        group = resource.partition(".")[2]
        if group not in groups:
            lines.append(f"{label}: {kubectl.lacking(group)}")
            continue
        items = kubectl.read(["-n", space, "get", resource])["items"]
        lines += [f"{label}: {line}" for each in items if (line := words(each))] or [f"{label}: none"]
    return [*lines, *(f"run: {line}" for line in _runs(params, host))]


def logs(params: Params, part: str, tail: int) -> str:
    """The last lines of every pod of a part, each after its pod's name."""
    if part not in PARTS:
        raise ClusterError("no part has that name", part, f"Known are {', '.join(PARTS)}.")
    selector = ["-l", PARTS[part], "--all-containers", "--prefix", f"--tail={tail}", "--max-log-requests=20"]
    return kubectl.kubectl(["-n", params.cluster.namespace, "logs", *selector])


def _condition(found: dict[str, Any], kind: str) -> str:
    conditions = found.get("status", {}).get("conditions") or []
    return next((c["status"] for c in conditions if c["type"] == kind), "Unknown")


def _service(found: dict[str, Any]) -> str:
    stamp = found["spec"]["predictor"].get("annotations", {}).get(STAMP, "none")
    ready = {"True": "ready", "False": "not ready"}.get(_condition(found, "Ready"), "not yet known")
    return f"{found['metadata']['name']} serves version {stamp}, {ready}"


def _traffic(found: dict[str, Any]) -> str:
    backends = [b for rule in found["spec"].get("rules", []) for b in rule.get("backendRefs", [])]
    if len(backends) < 2:
        return ""
    return ", ".join(f"{b['name']} {b.get('weight', 1)}" for b in backends)


def _training(found: dict[str, Any]) -> str:
    states = ("Complete", "Failed", "Suspended")
    state = next((name.lower() for name in states if _condition(found, name) == "True"), "running")
    return f"{found['metadata']['name']} {state}"


def _database(found: dict[str, Any]) -> str:
    state = found.get("status", {})
    ready, wanted = state.get("readyInstances", 0), found["spec"]["instances"]
    return f"{found['metadata']['name']} {ready} of {wanted} ready, {state.get('phase', 'no phase yet')}"


def _runs(params: Params, host: str) -> list[str]:
    import httpx

    url = host or params.cluster.pipelines
    query: dict[str, str | int] = {
        "namespace": params.cluster.namespace, "page_size": 5, "sort_by": "created_at desc",
    }  # fmt: skip
    try:
        answer = httpx.get(f"{url}/apis/v2beta1/runs", params=query, timeout=10)
        runs = answer.raise_for_status().json().get("runs", [])
    except (httpx.HTTPError, ValueError) as error:
        forward = "kubectl -n kubeflow port-forward svc/ml-pipeline 8888"
        return [f"the pipelines' server does not answer at {url} ({type(error).__name__}); `{forward}`, then --host"]
    return [f"{run['display_name']} {run['state'].lower()} ({run['created_at']})" for run in runs] or ["none"]
