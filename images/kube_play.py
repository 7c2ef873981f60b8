"""The Deployments of the rendered `kind` overlay, started by `podman kube play` until their own readiness probe passes."""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from containers import (
    NET,
    PREFIX,
    TAG,
    asked,
    demand,
    engine,
    locked_down,
    megabytes,
    memory_kills,
    resident,
    succeeds,
    until,
)

ROOT = Path(__file__).resolve().parent.parent
PAGES = {"mlflow": "http://127.0.0.1:5000/", "twin-webui": "http://127.0.0.1:8080/"}
"""What each Deployment is asked for once it is ready."""


def rendered(overlay: str = "kind") -> list[dict[str, Any]]:
    """The objects of an overlay. Raises CalledProcessError when it does not render."""
    command = ["kubectl", "kustomize", str(ROOT / "manifests" / "overlays" / overlay)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [found for found in yaml.safe_load_all(text) if found]


def playable(deployment: dict[str, Any], secrets: dict[str, dict[str, str]], tag: str = TAG) -> dict[str, Any]:
    """The Deployment in the words podman 4.3 knows; commands, limits and security contexts stay as they are.

    `secrets` maps a Secret's name to its values. Names get our prefix: podman's volumes, pods and secrets are the
    user's own.
    """
    changed: dict[str, Any] = json.loads(json.dumps(deployment))
    name = changed["metadata"]["name"] = f"{PREFIX}-{changed['metadata']['name']}"
    pod = changed["spec"]["template"]["spec"]
    whole = {mount["name"] for c in pod["containers"] for mount in c["volumeMounts"] if "subPath" in mount}
    empty = {volume["name"] for volume in pod["volumes"] if "emptyDir" in volume}
    for volume in pod["volumes"]:
        if claim := volume.get("persistentVolumeClaim"):
            claim["claimName"] = f"{PREFIX}-{claim['claimName']}"
        elif volume["name"] in empty:
            # podman has one volume of this name for every pod: each gets its own.
            volume["name"] = f"{name}-{volume['name']}"
    # A ConfigMap is mounted whole or not at all: `files` puts such a file into the volume it was to lie over.
    pod["volumes"] = [volume for volume in pod["volumes"] if volume["name"] not in whole]
    for container in pod["containers"]:
        container["image"] = f"localhost/{container['image'].rpartition('/')[2].rpartition(':')[0]}:{tag}"
        container["volumeMounts"] = [
            mount | {"name": f"{name}-{mount['name']}" if mount["name"] in empty else mount["name"]}
            for mount in container["volumeMounts"] if mount["name"] not in whole
        ]  # fmt: skip
        _environment(container, secrets)
        _probes(container)
        # Every port of a container would be published on this machine.
        container.pop("ports", None)
    return changed


def _environment(container: dict[str, Any], secrets: dict[str, dict[str, str]]) -> None:
    """$(NAME) is left as it is, where Kubernetes puts the variable's value."""
    values: dict[str, str] = {}
    for entry in container.get("env", []):
        if reference := entry.get("valueFrom", {}).get("secretKeyRef"):
            values[entry["name"]] = secrets[reference["name"]][reference["key"]]
            reference["name"] = f"{PREFIX}-{reference['name']}"
        else:
            for key, value in values.items():
                entry["value"] = entry["value"].replace(f"$({key})", value)


def _probes(container: dict[str, Any]) -> None:
    """httpGet becomes curl, which the images lack, and a port's name becomes 0: both asked by Python instead."""
    ports = {port["name"]: port["containerPort"] for port in container.get("ports", []) if "name" in port}
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        if get := container.get(kind, {}).pop("httpGet", None):
            url = f"http://127.0.0.1:{ports.get(get['port'], get['port'])}{get['path']}"
            ask = f"import urllib.request as u; u.urlopen('{url}', timeout=3)"
            container[kind]["exec"] = {"command": ["python", "-c", ask]}


def bytes_of(quantity: str) -> int:
    """A Kubernetes quantity of memory in bytes; raises KeyError for a unit no manifest of ours uses."""
    return int(quantity[:-2]) * {"Mi": 1 << 20, "Gi": 1 << 30}[quantity[-2:]]


def play(found: dict[str, Any], settings: list[dict[str, Any]], params: str) -> tuple[float, str]:
    """Start one playable Deployment, ask it for its page, take it down; seconds to ready and what was seen."""
    pod = found["spec"]["template"]["spec"]
    (main,) = pod["containers"]
    name = f"{found['metadata']['name']}-pod-0"
    container = f"{name}-{main['name']}"
    claims = [v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"] if "persistentVolumeClaim" in v]
    empty = [v["name"] for v in pod["volumes"] if "emptyDir" in v]
    for claim in claims:
        engine("volume", "create", claim)
        files(claim, main["image"], {"params.yaml": params})
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump_all([*settings, found], file)
        file.flush()
        began = time.monotonic()
        engine("kube", "play", "--network", NET, file.name)
        probe = main["readinessProbe"]["exec"]["command"]
        until(name, lambda: succeeds("exec", container, *probe))
        seconds = time.monotonic() - began
        locked_down(container)
        limit = int(engine("inspect", "--format", "{{.HostConfig.Memory}}", container))
        demand(limit == bytes_of(main["resources"]["limits"]["memory"]), f"{container}: a limit of {limit} bytes")
        page = asked(container, PAGES[found["metadata"]["name"].removeprefix(f"{PREFIX}-")])
        demand("<html" in page.lower(), page[:300])
        most = watched(container)
        demand(memory_kills(container) == 0, f"{container}: processes killed for memory")
        seen = f"{megabytes(most)} of {megabytes(limit)}"
        engine("kube", "down", file.name, check=False)
    for volume in (*claims, *empty):
        engine("volume", "rm", "-f", volume, check=False)
    return seconds, seen


def watched(container: str, seconds: float = 10) -> int:
    """The most memory a container holds in its first seconds of service, in bytes."""
    most, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        most = max(most, resident(container))
        time.sleep(0.5)
    return most


def files(volume: str, of: str, contents: dict[str, str]) -> None:
    """Write files into a volume as user 1000, who then owns it as `fsGroup` would have it."""
    script = "import json, pathlib, sys\nfor name, text in json.load(sys.stdin).items(): pathlib.Path('/v', name).write_text(text)"
    options = ["--rm", "-i", "--user=1000:1000", "--network=none", "-v", f"{volume}:/v"]
    engine("run", *options, of, "python", "-c", script, given=json.dumps(contents))


def deployments(database: str, params: str) -> list[tuple[str, str, float, str]]:
    """Play every Deployment of the overlay against the database at this address; a row for each."""
    values = {
        "host": database, "username": "twin", "password": "unused",
        "uri": f"postgresql://twin:unused@{database}:5432/twin",
    }  # fmt: skip
    # podman 4.3 reads a pod's secrets from its own store, as JSON of base64.
    coded = json.dumps({key: base64.b64encode(value.encode()).decode() for key, value in values.items()})
    engine("secret", "create", f"{PREFIX}-twin-postgres-app", "-", given=coded)
    objects = rendered()
    settings = [o for o in objects if o["kind"] == "ConfigMap" and o["metadata"]["name"] == "twin-settings"]
    rows = []
    for found in (o for o in objects if o["kind"] == "Deployment"):
        seconds, seen = play(playable(found, {"twin-postgres-app": values}), settings, params)
        rows.append(
            (f"kube play Deployment/{found['metadata']['name']}, start to ready", "kind overlay", seconds, seen)
        )
    return rows
