"""A stand-in for the Kubernetes API server: it keeps objects and speaks HTTP, so the real clients run against it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml


@dataclass
class Api:
    """`objects` by path; `posted` and `patched` in order; `verdict` is what the trainer's controller makes of a job."""

    url: str = ""
    verdict: str = "Complete"
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    logs: str = ""
    posted: list[dict[str, Any]] = field(default_factory=list)
    patched: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    def get(self, path: str) -> Any:
        if path.endswith("/log"):
            return self.logs
        if path in self.lists:
            return {"kind": "List", "apiVersion": "v1", "metadata": {}, "items": self.lists[path]}
        return self.objects.get(path)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.posted.append(json.loads(json.dumps(body)))
        if body["kind"] != "TrainJob":
            self.objects[f"{path}/{body['metadata']['name']}"] = body
            return body
        body["metadata"] |= {"namespace": "twin", "creationTimestamp": "2026-01-01T00:00:00Z"}
        body["status"] = {"conditions": [_condition(self.verdict)]}
        self.objects[f"{path}/{body['metadata']['name']}"] = body
        self.lists.setdefault(path, []).append(body)
        return body


def merge(kept: dict[str, Any], patch: dict[str, Any]) -> None:
    """JSON merge patch, as the server does it for custom resources."""
    for key, value in patch.items():
        if value is None:
            kept.pop(key, None)
        elif isinstance(value, dict):
            inner = kept.get(key)
            if not isinstance(inner, dict):
                inner = kept[key] = {}
            merge(inner, value)
        else:
            kept[key] = value


def _condition(kind: str) -> dict[str, str]:
    return {"type": kind, "status": "True", "reason": "x", "message": "x", "lastTransitionTime": "2026-01-01T00:00:00Z"}


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The server, with a kubeconfig that leads to it."""
    kept = Api()
    jobs = "/apis/trainer.kubeflow.org/v1alpha1/namespaces/twin/trainjobs"
    kept.lists = {jobs: [], "/api/v1/namespaces/twin/pods": []}

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None: ...

        def _answer(self, found: Any, code: int = 200) -> None:
            body = found if isinstance(found, str) else json.dumps(found or {"kind": "Status", "code": 404})
            self.send_response(code if found is not None else 404)
            self.send_header("Content-Type", "text/plain" if isinstance(found, str) else "application/json")
            self.end_headers()
            self.wfile.write(body.encode())

        def _body(self) -> Any:
            return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

        def do_GET(self) -> None:
            self._answer(kept.get(urlsplit(self.path).path))

        def do_POST(self) -> None:
            path, body = urlsplit(self.path).path, self._body()
            taken = f"{path}/{body['metadata'].get('name', '')}" in kept.objects
            self._answer({"kind": "Status"} if taken else kept.post(path, body), 409 if taken else 201)

        def do_DELETE(self) -> None:
            path = urlsplit(self.path).path
            kept.deleted.append(path)
            self._answer(kept.objects.pop(path, None))

        def do_PATCH(self) -> None:
            path, body = urlsplit(self.path).path, self._body()
            kept.patched.append((path, body))
            if path in kept.objects:
                merge(kept.objects[path], body)
            self._answer(kept.get(path))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kept.url = f"http://127.0.0.1:{server.server_port}"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": kept.url}}],
        "users": [{"name": "test", "user": {}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": "twin"}}],
    }
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    # The client reads KUBECONFIG once, at its import.
    for module in ("kubernetes.config", "kubernetes.config.kube_config"):
        monkeypatch.setattr(f"{module}.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "kubeconfig"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    yield kept
    server.shutdown()
    server.server_close()
