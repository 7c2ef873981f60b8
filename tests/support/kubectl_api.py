"""A stand-in for a whole API server, as far as kubectl needs one: discovery, get, list, server-side apply, dry runs."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

WHOLE = {"Namespace", "ClusterRole", "ClusterRoleBinding", "PriorityClass", "ClusterTrainingRuntime"}


@dataclass
class Cluster:
    """`kinds` are (apiVersion, kind) that are known; `objects` by path; `changes` counts writes that were meant."""

    kinds: set[tuple[str, str]] = field(default_factory=set)
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    strict: list[str] = field(default_factory=list)
    forced: list[str] = field(default_factory=list)
    changes: int = 0

    def get(self, path: str) -> Any:
        """Discovery, one object or a list; None for 404."""
        groups = sorted({version.rpartition("/")[0] for version, _ in self.kinds} - {""})
        if path == "/version":
            return {"major": "1", "minor": "36", "gitVersion": "v1.36.0"}
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [self._group(name) for name in groups]}
        if path == "/openapi/v3":
            places = sorted({_root(v)[1:] for v, _ in self.kinds})
            return {"paths": {place: {"serverRelativeURL": f"/openapi/v3/{place}"} for place in places}}
        if path.startswith("/openapi/v3/"):
            return self._openapi(path.removeprefix("/openapi/v3"))
        version = path.removeprefix("/apis/").removeprefix("/api/")
        known = [kind for v, kind in self.kinds if v == version]
        if known:
            resources = [self._resource(kind) for kind in sorted(known)]
            return {"kind": "APIResourceList", "groupVersion": version, "resources": resources}
        if path in self.objects:
            return self.objects[path]
        for v, kind in self.kinds:
            if path.startswith(_root(v)) and path.endswith("/" + plural(kind)):
                items = [o for p, o in self.objects.items() if p.startswith(f"{path}/")]
                return {"apiVersion": v, "kind": f"{kind}List", "metadata": {}, "items": items}
        return None

    def apply(self, path: str, query: dict[str, list[str]], body: dict[str, Any]) -> dict[str, Any]:
        """Server-side apply: the object as it then is; a dry run leaves everything as it was."""
        made = copy.deepcopy(body)
        made["metadata"] |= {"uid": "1", "resourceVersion": "1", "generation": 1}
        if "dryRun" not in query:
            self.strict += query.get("fieldValidation", [])
            self.forced += query.get("force", [])
            self.changes += self.objects.get(path) != made
            self.objects[path] = made
        return made

    def _group(self, name: str) -> dict[str, Any]:
        versions = sorted({v for v, _ in self.kinds if v.rpartition("/")[0] == name})
        listed = [{"groupVersion": v, "version": v.rpartition("/")[2]} for v in versions]
        return {"name": name, "versions": listed, "preferredVersion": listed[0]}

    def _openapi(self, root: str) -> dict[str, Any]:
        """Enough for kubectl to see that the server validates fields itself."""
        paths = {}
        for version, kind in self.kinds:
            if _root(version) == root:
                group, _, number = version.rpartition("/")
                names = {"group": group, "version": number, "kind": kind}
                asked = [{"name": name, "in": "query"} for name in ("dryRun", "fieldValidation", "fieldManager")]
                paths[f"{root}/{plural(kind)}/{{name}}"] = {
                    "patch": {"parameters": asked, "x-kubernetes-group-version-kind": names, "responses": {}}
                }
        return {"openapi": "3.0.0", "info": {"title": "x", "version": "1"}, "paths": paths}

    @staticmethod
    def _resource(kind: str) -> dict[str, Any]:
        verbs = ["get", "list", "create", "patch", "delete"]
        return {"name": plural(kind), "kind": kind, "namespaced": kind not in WHOLE, "verbs": verbs}


def plural(kind: str) -> str:
    """As Kubernetes names resources."""
    word = kind.lower()
    return word[:-1] + "ies" if word.endswith("y") else word + ("es" if word.endswith(("s", "x")) else "s")


def _root(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """The server, with a KUBECONFIG that leads kubectl to it."""
    kept = Cluster()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: Any) -> None: ...

        def _answer(self, found: Any, code: int = 200) -> None:
            if found is None:
                name = urlsplit(self.path).path.rpartition("/")[2]
                code, found = 404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound",
                                    "code": 404, "message": f'things "{name}" not found'}  # fmt: skip
            body = json.dumps(found).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self._answer(kept.get(urlsplit(self.path).path))

        def do_PATCH(self) -> None:
            where = urlsplit(self.path)
            body = yaml.safe_load(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(kept.apply(where.path, parse_qs(where.query), body))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "test", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "test", "user": {}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": "twin"}}],
    }  # fmt: skip
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setenv("HOME", str(tmp_path))
    yield kept
    server.shutdown()
    server.server_close()
