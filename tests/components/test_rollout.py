"""Publishing a champion, proving it and going back."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from components import rollout
from twin import params as parameters
from twin.errors import ServingError
from twin.params import Params

SERVICE = "/apis/serving.kserve.io/v1beta1/namespaces/twin/inferenceservices/twin"


@dataclass
class Base:
    """Of twin.basemodel.BasePaths, what publishing reads."""

    name: str
    folder: Path


@pytest.fixture
def chosen() -> Params:
    return parameters.loads("author: {id: ada, name: Ada}")


@pytest.fixture
def base(tmp_path: Path) -> Base:
    return Base("someone/a-model", folder(tmp_path / "base", "config.json"))


def folder(path: Path, name: str) -> Path:
    path.mkdir(parents=True)
    (path / name).write_text(path.name)
    return path


def test_a_deployed_adapter_is_what_the_predictor_mounts_and_its_pods_start_anew(
    api: Any, chosen: Params, base: Base, tmp_path: Path
) -> None:
    api.objects[SERVICE] = {"metadata": {"name": "twin"}}
    models = tmp_path / "models"

    before = rollout.deploy(chosen, models, base, folder(tmp_path / "one", "adapter_config.json"), "1")

    assert before == {"base": "", "adapter": ""}
    assert (models / "adapters" / "ada" / "current" / "adapter_config.json").read_text() == "one"
    assert (models / "base" / "current" / "config.json").exists()
    assert not (models / "adapters" / "ada" / "current").readlink().is_absolute()
    assert api.patched == [(SERVICE, {"spec": {"predictor": {"annotations": {"twin/adapter": "1"}}}})]


def test_going_back_restores_files_and_stamp(api: Any, chosen: Params, base: Base, tmp_path: Path) -> None:
    api.objects[SERVICE] = {"metadata": {"name": "twin"}}
    models, current = tmp_path / "models", tmp_path / "models" / "adapters" / "ada" / "current"
    rollout.deploy(chosen, models, base, folder(tmp_path / "one", "adapter_config.json"), "1")
    before = rollout.deploy(chosen, models, base, folder(tmp_path / "two", "adapter_config.json"), "2")
    assert before["adapter"] == "1" and (current / "adapter_config.json").read_text() == "two"

    rollout.roll_back(chosen, models, before)

    assert (current / "adapter_config.json").read_text() == "one"
    assert api.patched[-1][1] == {"spec": {"predictor": {"annotations": {"twin/adapter": "1"}}}}


def test_going_back_from_the_first_deployment_leaves_nothing_current(
    api: Any, chosen: Params, base: Base, tmp_path: Path
) -> None:
    api.objects[SERVICE] = {"metadata": {"name": "twin"}}
    before = rollout.deploy(chosen, tmp_path / "models", base, folder(tmp_path / "one", "a"), "1")
    rollout.roll_back(chosen, tmp_path / "models", before)
    assert not (tmp_path / "models" / "adapters" / "ada" / "current").is_symlink()
    assert api.patched[-1][1] == {"spec": {"predictor": {"annotations": {"twin/adapter": None}}}}


def test_a_cluster_without_the_service_says_what_to_apply(api: Any, chosen: Params) -> None:
    with pytest.raises(ServingError, match=r"twin/twin \(404 .*Apply manifests/overlays"):
        rollout.restart(chosen, "1")


def pod(stamp: str, ready: str) -> dict[str, Any]:
    annotations = {"twin/adapter": stamp} if stamp else {}
    return {
        "metadata": {"name": f"p{stamp}", "annotations": annotations},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def test_only_ready_pods_of_the_new_version_alone_count() -> None:
    assert rollout.fresh([pod("2", "True")], "2")
    assert rollout.fresh([pod("2", "True"), pod("1", "False")], "2")
    assert not rollout.fresh([pod("2", "True"), pod("1", "True")], "2"), "an old pod still answers"
    assert not rollout.fresh([pod("2", "False")], "2")
    assert not rollout.fresh([pod("", "True")], "2")
    assert not rollout.fresh([], "2")


@pytest.fixture
def transformer() -> Iterator[tuple[str, dict[str, Any]]]:
    """An endpoint that answers with a draft: (url, the draft)."""
    draft = {"text": "It rained on the slip.", "adapter": "ada@2"}
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None: ...

        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"predictions": [draft], "asked": asked}).encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", draft
    server.shutdown()
    server.server_close()


def test_a_draft_by_the_new_adapter_is_proof(api: Any, chosen: Params, transformer: tuple[str, dict[str, Any]]) -> None:
    api.lists["/api/v1/namespaces/twin/pods"] = [pod("2", "True")]
    healthy, found = rollout.smoke(chosen, transformer[0], "2", 5)
    assert healthy and found["adapter"] == "ada@2" and found["characters"] == 22


@pytest.mark.parametrize(("text", "adapter"), [("", "ada@2"), ("Words.", "base")])
def test_no_words_or_the_base_model_s_are_no_proof(
    chosen: Params, transformer: tuple[str, dict[str, Any]], text: str, adapter: str
) -> None:
    transformer[1].update(text=text, adapter=adapter)
    healthy, found = rollout.smoke(chosen, transformer[0], "2", 0.2, lambda: [pod("2", "True")])
    assert not healthy and adapter in str(found["reason"])


def test_an_endpoint_that_is_away_is_no_proof_and_no_error(chosen: Params) -> None:
    healthy, found = rollout.smoke(chosen, "http://127.0.0.1:9", "2", 0.2, lambda: [pod("2", "True")])
    assert not healthy and "ConnectError" in str(found["reason"])
