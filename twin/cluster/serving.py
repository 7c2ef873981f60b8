"""What the API server is told about serving: stamps on the predictor's pods, the canary beside it, shares of traffic.

The InferenceService in manifests/ never changes: vLLM reads the links on the models' volume, and a stamp starts its
pods anew. The canary is a copy of that InferenceService, transformer included, so what it answers has passed through
retrieval as well; the weights of our own HTTPRoute decide who is asked.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from twin.errors import ServingError
from twin.params import Params

STAMP = "twin/adapter"
_KSERVE = {"group": "serving.kserve.io", "version": "v1beta1", "plural": "inferenceservices"}
_ROUTES = {"group": "gateway.networking.k8s.io", "version": "v1", "plural": "httproutes"}
_AUTOSCALER = "serving.kserve.io/autoscalerClass"


def address(params: Params, endpoint: str, canary: bool = False) -> str:
    """Where the transformer is asked: its own Service, past the route; `endpoint` where params name no service."""
    service = params.cluster.service
    return f"http://{service}-writing{'-canary' if canary else ''}:8080" if service else endpoint


def restart(params: Params, version: str, api: Any = None) -> None:
    """Stamp the predictor's pods, which starts them anew with what is current; '' removes the stamp.

    Does nothing where params name no service. Raises ServingError naming what the cluster lacks.
    """
    if not params.cluster.service:
        return
    body = {"spec": {"predictor": {"annotations": {STAMP: version or None}}}}
    with _explained(params, params.cluster.service):
        (api or _api()).patch_namespaced_custom_object(
            **_KSERVE, namespace=params.cluster.namespace, name=params.cluster.service, body=body
        )


def canary_of(stable: dict[str, Any], author: str, version: str) -> dict[str, Any]:
    """The canary's InferenceService: the one that serves, with the canary's links, its own predictor and one pod each.

    `stable` is the object as the API server gives it. Only this author's adapter is another: others stay as they are.
    """
    name = stable["metadata"]["name"]
    spec = copy.deepcopy(stable["spec"])
    predictor, transformer = spec["predictor"], spec["transformer"]
    for part in (predictor, transformer):
        part.pop("autoScaling", None)
        part |= {"minReplicas": 1, "maxReplicas": 1}
    predictor["annotations"] = {**predictor.get("annotations", {}), STAMP: version}
    for entry in predictor["storageUris"]:
        entry["uri"] = _on_canary(entry["uri"], "/base/current")
    predictor["model"]["args"] = [_on_canary(each, f"/{author}/current") for each in predictor["model"]["args"]]
    (container,) = transformer["containers"]
    container["args"] = [
        argument.replace(f"{name}-generation", f"{name}-generation-canary") for argument in container["args"]
    ]
    annotations = {
        key: value
        for key, value in stable["metadata"].get("annotations", {}).items()
        if key.startswith("serving.kserve.io/") and key != _AUTOSCALER
    }
    metadata = {
        "name": f"{name}-canary",
        "namespace": stable["metadata"]["namespace"],
        "labels": {"app.kubernetes.io/part-of": "twin"},
        "annotations": {**annotations, _AUTOSCALER: "none"},
    }
    return {"apiVersion": stable["apiVersion"], "kind": stable["kind"], "metadata": metadata, "spec": spec}


def _on_canary(place: str, ending: str) -> str:
    return place.removesuffix("current") + "canary" if place.endswith(ending) else place


def start_canary(params: Params, version: str, api: Any = None) -> None:
    """Put a canary of this version beside the service, in place of any earlier one. Raises ServingError."""
    from kubernetes.client.exceptions import ApiException  # type: ignore[import-untyped]

    api, where = api or _api(), {**_KSERVE, "namespace": params.cluster.namespace}
    with _explained(params, params.cluster.service):
        canary = canary_of(
            api.get_namespaced_custom_object(**where, name=params.cluster.service), params.author.id, version
        )
        try:
            api.create_namespaced_custom_object(**where, body=canary)
        except ApiException as error:
            if error.status != 409:
                raise
            api.patch_namespaced_custom_object(**where, name=canary["metadata"]["name"], body=canary)


def end_canary(params: Params, api: Any = None) -> None:
    """All traffic to the service, then no canary; both are right already where there is none. Raises ServingError."""
    from kubernetes.client.exceptions import ApiException

    if not params.cluster.service:
        return
    api, name = api or _api(), f"{params.cluster.service}-canary"
    weigh(params, 0, api)
    with _explained(params, name):
        try:
            api.delete_namespaced_custom_object(**_KSERVE, namespace=params.cluster.namespace, name=name)
        except ApiException as error:
            if error.status != 404:
                raise


def weigh(params: Params, percent: int, api: Any = None) -> bool:
    """Give the canary this share of the route's traffic; False where the cluster has no such route. ServingError."""
    from kubernetes.client.exceptions import ApiException

    name = f"{params.cluster.service}-writing"
    api, where = api or _api(), {**_ROUTES, "namespace": params.cluster.namespace, "name": name}
    with _explained(params, name):
        try:
            rules = api.get_namespaced_custom_object(**where)["spec"]["rules"]
        except ApiException as error:
            if error.status == 404:
                return False
            raise
        for backend in (backend for rule in rules for backend in rule.get("backendRefs", [])):
            backend["weight"] = percent if backend["name"].endswith("-canary") else 100 - percent
        api.patch_namespaced_custom_object(**where, body={"spec": {"rules": rules}})
    return True


def fresh(pods: list[dict[str, Any]], version: str) -> bool:
    """Whether every pod of a predictor that is ready carries this version's stamp, and at least one does."""
    stamps = [
        pod["metadata"].get("annotations", {}).get(STAMP, "")
        for pod in pods
        if any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions") or [])
    ]
    return bool(stamps) and set(stamps) == {version}


def pods(params: Params, canary: bool = False) -> Callable[[], list[dict[str, Any]]]:
    """A function that reads the predictor's pods, or the canary's."""
    from kubernetes import client, config  # type: ignore[import-untyped]

    config.load_config()
    api = client.CoreV1Api()
    name = params.cluster.service + ("-canary" if canary else "")

    def read() -> list[dict[str, Any]]:
        labels = f"serving.kserve.io/inferenceservice={name},component=predictor"
        found = api.list_namespaced_pod(params.cluster.namespace, label_selector=labels)
        items: list[dict[str, Any]] = api.api_client.sanitize_for_serialization(found)["items"]
        return items

    return read


@contextmanager
def _explained(params: Params, name: str) -> Iterator[None]:
    from kubernetes.client.exceptions import ApiException

    try:
        yield
    except ApiException as error:
        raise ServingError(
            "the cluster's serving can't be changed",
            f"{params.cluster.namespace}/{name} ({error.status} {error.reason})",
            "Apply the manifests first (`twin cluster apply`); the pipelines' account needs the role twin-pipelines.",
        ) from error


def _api() -> Any:
    from kubernetes import client, config

    config.load_config()
    return client.CustomObjectsApi()
