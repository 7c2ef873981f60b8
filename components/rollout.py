"""Which adapter the cluster serves: files on the models' volume, links to the current ones, and a rolling restart.

The InferenceService in manifests/ never changes: it mounts `base/current` and `adapters/<author>/current`. Publishing
moves those links and stamps the predictor's pods with the version, so re-applying the manifests undoes nothing.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twin.errors import ServingError
from twin.params import Params

Metrics = dict[str, float | int | str]
STAMP = "twin/adapter"
BRIEF = "A short post about something small that changed the way you work."
_GROUP = {"group": "serving.kserve.io", "version": "v1beta1", "plural": "inferenceservices"}


def deploy(params: Params, models: Path, base: Any, adapter: Path, version: str, api: Any = None) -> dict[str, str]:
    """Publish base model and adapter below `models`, restart the predictor; returns what was current before."""
    before = {
        "base": publish(base.folder, models / "base", base.name.replace("/", "--")),
        "adapter": publish(adapter, models / "adapters" / params.author.id, version),
    }
    restart(params, version, api)
    return before


def roll_back(params: Params, models: Path, before: dict[str, str], api: Any = None) -> None:
    """Make what `deploy` returned current again and restart the predictor."""
    point(models / "base", before["base"])
    point(models / "adapters" / params.author.id, before["adapter"])
    restart(params, before["adapter"], api)


def publish(source: Path, folder: Path, version: str) -> str:
    """Copy `source` to `folder/<version>` once and make it current; returns the version before ('' if none)."""
    from twin.files import replacing

    if not (folder / version).exists():
        with replacing(folder / version) as fresh:
            shutil.copytree(source, fresh)
    link = folder / "current"
    before = link.readlink().name if link.is_symlink() else ""
    point(folder, version)
    return before


def point(folder: Path, version: str) -> None:
    """Let `folder/current` name this version; '' takes the link away."""
    if not version:
        (folder / "current").unlink(missing_ok=True)
        return
    # Relative, since the cluster mounts the folder elsewhere; by rename, so that no reader ever finds no link.
    fresh = folder / ".next"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(version)
    fresh.replace(folder / "current")


def patch(version: str) -> dict[str, Any]:
    """The merge patch that makes the predictor's pods start anew with what is current; '' removes the stamp."""
    return {"spec": {"predictor": {"annotations": {STAMP: version or None}}}}


def restart(params: Params, version: str, api: Any = None) -> None:
    """Stamp the predictor's pods, unless params name no service. Raises ServingError naming what the cluster lacks."""
    from kubernetes.client.exceptions import ApiException  # type: ignore[import-untyped]

    cluster = params.cluster
    if not cluster.service:
        return
    try:
        (api or _api()).patch_namespaced_custom_object(
            **_GROUP, namespace=cluster.namespace, name=cluster.service, body=patch(version)
        )
    except ApiException as error:
        raise ServingError(
            "the InferenceService can't be changed",
            f"{cluster.namespace}/{cluster.service} ({error.status} {error.reason})",
            "Apply manifests/overlays/kind or gpu first; the pipelines' account needs the role twin-pipelines.",
        ) from error


def smoke(params: Params, url: str, version: str, timeout: float, pods: Any = None) -> tuple[bool, Metrics]:
    """Whether the author's adapter wrote a draft through the transformer at `url` before `timeout` seconds; figures."""
    began = time.monotonic()
    pods = pods or (_pods(params) if params.cluster.service else list)
    while True:
        reason, found = "the predictor's new pods are not ready", Metrics()
        if not params.cluster.service or fresh(pods(), version):
            reason, found = draft(url, params.author.id, timeout)
        seconds = time.monotonic() - began
        if not reason or seconds >= timeout:
            return not reason, {**found, "waited_seconds": seconds, "reason": reason}
        time.sleep(min(5.0, timeout))


def draft(url: str, author: str, timeout: float) -> tuple[str, Metrics]:
    """Why no draft by the author's adapter came back ('' when one did), and the draft's figures."""
    import httpx

    asked = time.monotonic()
    request = {"author": author, "register": "post", "brief": BRIEF, "links": [], "adapter": author}
    try:
        answer = httpx.post(f"{url}/v1/models/twin:predict", json={"instances": [request]}, timeout=timeout)
        written = answer.raise_for_status().json()["predictions"][0]
        text, adapter = str(written["text"]).strip(), str(written["adapter"])
    except (httpx.HTTPError, ValueError, KeyError, IndexError, TypeError) as error:
        return f"{type(error).__name__}: {error}", {}
    found: Metrics = {"draft_seconds": time.monotonic() - asked, "characters": len(text), "adapter": adapter}
    if not text or adapter == "base":
        return f"{len(text)} characters by {adapter}", found
    return "", found


def fresh(pods: list[dict[str, Any]], version: str) -> bool:
    """Whether every pod of the predictor that is ready carries this version's stamp, and at least one does."""
    stamps = [
        pod["metadata"].get("annotations", {}).get(STAMP, "")
        for pod in pods
        if any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions") or [])
    ]
    return bool(stamps) and set(stamps) == {version}


def _pods(params: Params) -> Callable[[], list[dict[str, Any]]]:
    from kubernetes import client, config  # type: ignore[import-untyped]

    config.load_config()
    api = client.CoreV1Api()
    labels = f"serving.kserve.io/inferenceservice={params.cluster.service},component=predictor"

    def read() -> list[dict[str, Any]]:
        found = api.list_namespaced_pod(params.cluster.namespace, label_selector=labels)
        items: list[dict[str, Any]] = api.api_client.sanitize_for_serialization(found)["items"]
        return items

    return read


def _api() -> Any:
    from kubernetes import client, config  # type: ignore[import-untyped]

    config.load_config()
    return client.CustomObjectsApi()
