"""`twin cluster` as a person types it, through the real kubectl against a stand-in of the API server."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from twin import cli
from twin.cluster import install, kubectl
from twin.params import load as load_params
from twin.settings import Settings, load

ROOT = Path(__file__).resolve().parents[3]

needs_kubectl = pytest.mark.skipif(
    not shutil.which("kubectl"), reason="kubectl is not on this machine: install it to speak to a cluster"
)


@pytest.fixture
def project(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's root with the manifests, the pipelines and the sample author's params.yaml."""
    for name in ("manifests", "pipelines", "components", "twin", "params.yaml", "dvc.yaml"):
        (settings.root / name).symlink_to(ROOT / name)
    return settings.root


@pytest.fixture
def small(project: Path) -> Path:
    """The same with one overlay, `kind`, of a few concerns: kubectl asks for its objects one by one, slowly."""
    (project / "manifests").unlink()
    shutil.copytree(ROOT / "manifests", project / "manifests", ignore=shutil.ignore_patterns("overlays", "addons"))
    concerns = ["namespace", "settings", "serving", "training"]
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [f"../../base/{name}" for name in concerns],
        "components": ["../../images"],
    }
    (project / "manifests" / "overlays" / "kind").mkdir(parents=True)
    (project / "manifests" / "overlays" / "kind" / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return project


@pytest.fixture
def server() -> Iterator[tuple[str, list[Any]]]:
    """The pipelines' API server, as far as starting and listing runs go: (its URL, what was posted)."""
    posted: list[Any] = []
    run = {"run_id": "r-1", "display_name": "training juno-marsh", "state": "SUCCEEDED", "created_at": "2026-01-01"}

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None: ...

        def _answer(self, found: Any) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def do_GET(self) -> None:
            self._answer({"runs": [run]} if "/runs" in self.path else {})

        def do_POST(self) -> None:
            posted.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")))
            self._answer({**run, "experiment_id": "e-1", "recurring_run_id": "c-1"})

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}", posted
    httpd.shutdown()
    httpd.server_close()


def known(cluster: Any, overlay: str, without: str = "") -> None:
    """Let the cluster know every kind of an overlay, but for one group."""
    for found in install.render(ROOT / "manifests" / "overlays" / overlay):
        if not (without and found["apiVersion"].startswith(without)):
            cluster.kinds.add((found["apiVersion"], found["kind"]))
    cluster.kinds.add(("v1", "Secret"))


@needs_kubectl
@pytest.mark.slow
def test_an_overlay_is_planned_applied_strictly_and_then_nothing_is_left_to_do(
    small: Path, cluster: Any, server: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    known(cluster, "kind")
    assert cli.main(["cluster", "plan"]) == 0
    planned = capsys.readouterr().out
    assert "new: inferenceservice.serving.kserve.io/twin" in planned and "new: configmap/twin-params" in planned
    assert cluster.changes == 0, "a plan changes nothing"

    assert cli.main(["cluster", "apply", "kind"]) == 0
    said = capsys.readouterr().out
    assert "inferenceservice.serving.kserve.io/twin serverside-applied" in said
    assert said.splitlines()[0].startswith("namespace/twin")
    assert set(cluster.strict) == {"Strict"} and cluster.changes > 10
    assert "true" not in cluster.forced, "what was changed by hand is not taken back unasked"

    assert cli.main(["cluster", "plan"]) == 0
    assert "0 new, 0 changed, 0 missing" in capsys.readouterr().out
    service = "/apis/serving.kserve.io/v1beta1/namespaces/twin/inferenceservices/twin"
    cluster.objects[service]["spec"]["transformer"]["maxReplicas"] = 9
    assert cli.main(["cluster", "plan"]) == 0
    again = capsys.readouterr().out
    assert "-    maxReplicas: 9" in again and "0 new, 1 changed" in again
    assert cli.main(["cluster", "apply", "--force"]) == 0
    assert cluster.forced[-1] == "true" and "serverside-applied" in capsys.readouterr().out

    cluster.objects[service]["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
    assert cli.main(["cluster", "status", "--host", server[0]]) == 0
    status = capsys.readouterr().out
    assert "service: twin serves version none, ready" in status and "training: twin-by-hand running" in status
    assert "run: training juno-marsh succeeded" in status and "traffic: the cluster does not know" in status


@needs_kubectl
def test_a_cluster_that_lacks_an_operator_is_told_which_and_nothing_is_applied(
    project: Path, cluster: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    known(cluster, "kind", without="serving.kserve.io")
    assert cli.main(["cluster", "apply"]) == 2
    assert "serving.kserve.io. Install KServe: `sh tools/operators.sh kserve`" in capsys.readouterr().err
    assert cluster.changes == 0


@needs_kubectl
def test_a_database_that_archives_wants_the_plug_in_that_does_it(
    project: Path, cluster: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    known(cluster, "prod")
    assert cli.main(["cluster", "plan", "prod"]) == 0
    assert "barmancloud.cnpg.io. Install CloudNativePG's Barman plug-in: `sh" in capsys.readouterr().out


@needs_kubectl
def test_a_secret_that_nobody_makes_is_named_before_anything_is_applied(
    project: Path, cluster: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    known(cluster, "gpu")
    assert cli.main(["cluster", "apply", "gpu"]) == 2
    said = capsys.readouterr().err
    assert "a secret is missing: twin-webui-oidc" in said and "create secret generic twin-webui-oidc" in said
    assert cluster.changes == 0


@needs_kubectl
def test_manifests_for_another_author_are_refused(
    project: Path, cluster: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    known(cluster, "kind")
    (project / "params.yaml").unlink()
    (project / "params.yaml").write_text("author: {id: ada, name: Ada}\n")
    assert cli.main(["cluster", "plan"]) == 2
    assert "juno-marsh, ada. Write id=ada into manifests/base/serving/author.env" in capsys.readouterr().err


@needs_kubectl
def test_a_cluster_that_is_away_says_so(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert cli.main(["cluster", "status"]) == 2
    assert "the cluster does not answer" in capsys.readouterr().err


def test_no_kubectl_says_where_it_comes_from(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert cli.main(["cluster", "plan"]) == 2
    assert "no kubectl on this machine" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('error: no matches for kind "TrainJob" in version "trainer.kubeflow.org/v1alpha1"', "Install Kubeflow Trainer"),
        ('error: the server doesn\'t have a resource type "clusters.postgresql.cnpg.io"', "Install CloudNativePG"),
        ('Error from server (NotFound): namespaces "twin" not found', "Make it with `twin cluster apply`"),
        ('Error from server (NotFound): secrets "twin-notify" not found', "secrets: twin-notify"),
        ('Error from server (Forbidden): pods is forbidden: User "x" cannot list', "administrator"),
        ('error: … unknown field "spec.canary"', "spec.canary. The installed version"),
        ('error: Apply failed with 1 conflict: conflict with "kubectl" using apps/v1: .spec.replicas\nPlease review',
         ".spec.replicas, by kubectl. `twin cluster apply OVERLAY --force`"),
        ("The connection to the server 127.0.0.1:9 was refused", "kubectl config use-context"),
        ("something else", "kubectl failed: something else"),
    ],
)  # fmt: skip
def test_kubectl_s_complaints_become_what_is_missing(said: str, words: str) -> None:
    assert words in str(kubectl.explained(said))


def test_logs_know_their_parts(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cluster", "logs", "nothing"]) == 2
    assert "Known are transformer, predictor" in capsys.readouterr().err


@pytest.mark.slow
def test_submit_starts_the_compiled_pipeline_with_the_author_s_params(
    project: Path, server: tuple[str, list[Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["cluster", "submit", "inference", "--author", "juno-marsh", "--host", server[0]]
    assert cli.main(given) == 0
    assert capsys.readouterr().out == "run r-1\n"
    path, body = server[1][-1]
    assert path.startswith("/apis/v2beta1/runs") and body["service_account"] == "twin-pipelines"
    parameters = body["runtime_config"]["parameters"]
    assert parameters["params"] == (ROOT / "params.yaml").read_text(encoding="utf-8")
    assert parameters["author"] == "juno-marsh"


@pytest.mark.slow
def test_a_server_that_is_away_says_how_to_reach_it(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cluster", "submit", "inference", "--host", "http://127.0.0.1:9"]) == 2
    assert "port-forward svc/ml-pipeline 8888" in capsys.readouterr().err


def test_an_unknown_author_is_told_where_to_write_params(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cluster", "submit", "training", "--author", "ada"]) == 2
    assert "write params/ada.yaml" in capsys.readouterr().err


@pytest.mark.slow
def test_promote_and_rollback_move_the_champion_and_deploy_it(
    project: Path, server: tuple[str, list[Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from twin import registry

    settings, author = load(), load_params(project / "params.yaml").author.id
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter.gguf").write_bytes(b"GGUF")
    with registry.client(settings) as mlflow:
        for promoted in (True, False):
            with registry.run(mlflow, settings, author, {}, {}) as run_id:
                registry.add_version(mlflow, author, run_id, tmp_path / "adapter", {}, promoted)

    assert cli.main(["cluster", "promote", "2", "--host", server[0]]) == 0
    assert "champion: version 2, before 1" in capsys.readouterr().out
    assert cli.main(["cluster", "rollback", "--host", server[0]]) == 0
    assert "champion: version 1, before 2" in capsys.readouterr().out
    found = registry.champion(settings, author)
    assert found is not None and found[0] == "1"
    assert [path.partition("?")[0] for path, _ in server[1]].count("/apis/v2beta1/runs") == 2
