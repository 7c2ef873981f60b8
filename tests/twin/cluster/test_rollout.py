"""Publishing a version, trying it beside the one that serves, taking it over and going back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from twin import params as parameters
from twin.cluster import rollout, serving
from twin.errors import ServingError
from twin.params import Params

PATH = "/apis/serving.kserve.io/v1beta1/namespaces/twin/inferenceservices"
SERVICE, CANARY = f"{PATH}/twin", f"{PATH}/twin-canary"
ROUTE = "/apis/gateway.networking.k8s.io/v1/namespaces/twin/httproutes/twin-writing"


@dataclass
class Base:
    """Of twin.basemodel.BasePaths, what publishing reads."""

    name: str
    folder: Path


@pytest.fixture
def chosen() -> Params:
    return parameters.loads("author: {id: ada, name: Ada}")


@pytest.fixture
def trying() -> Params:
    return parameters.loads("author: {id: ada, name: Ada}\ncluster: {canary_percent: 20}")


@pytest.fixture
def base(tmp_path: Path) -> Base:
    return Base("someone/a-model", folder(tmp_path / "base", "config.json"))


def folder(path: Path, name: str) -> Path:
    path.mkdir(parents=True)
    (path / name).write_text(path.name)
    return path


def service() -> dict[str, Any]:
    """As the API server gives it: our spec and what the server and its controllers added."""
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": "twin", "namespace": "twin", "uid": "1", "resourceVersion": "7", "managedFields": [],
            "annotations": {
                "serving.kserve.io/deploymentMode": "Standard", "serving.kserve.io/autoscalerClass": "keda",
                "kubectl.kubernetes.io/last-applied-configuration": "{}",
            },
        },
        "spec": {
            "predictor": {
                "minReplicas": 2, "maxReplicas": 6, "autoScaling": {"metrics": []},
                "annotations": {"twin/adapter": "1"},
                "storageUris": [
                    {"uri": "pvc://twin-models/base/current", "mountPath": "/mnt/models"},
                    {"uri": "pvc://twin-models/adapters", "mountPath": "/mnt/adapters"},
                ],
                "model": {"args": ["--lora-modules", "ada=/mnt/adapters/ada/current", "bo=/mnt/adapters/bo/current"]},
            },
            "transformer": {
                "minReplicas": 2, "maxReplicas": 8,
                "containers": [{"args": ["--predictor_host", "twin-generation:8080", "--model_name", "twin"]}],
            },
        },
        "status": {"url": "http://twin"},
    }  # fmt: skip


def route() -> dict[str, Any]:
    backends = [{"name": "twin-writing", "port": 8080, "weight": 100}]
    backends.append({"name": "twin-writing-canary", "port": 8080, "weight": 0})
    return {"metadata": {"name": "twin-writing"}, "spec": {"rules": [{"backendRefs": backends}]}}


def weights(api: Any) -> list[int]:
    return [backend["weight"] for backend in api.objects[ROUTE]["spec"]["rules"][0]["backendRefs"]]


def test_a_deployed_adapter_is_what_the_predictor_mounts_and_its_pods_start_anew(
    api: Any, chosen: Params, base: Base, tmp_path: Path
) -> None:
    api.objects[SERVICE] = service()
    models = tmp_path / "models"

    before = rollout.deploy(chosen, models, base, folder(tmp_path / "one", "adapter_config.json"), "1")

    assert before == {"base": "", "adapter": ""}
    assert (models / "adapters" / "ada" / "current" / "adapter_config.json").read_text() == "one"
    assert (models / "base" / "current" / "config.json").exists()
    assert not (models / "adapters" / "ada" / "current").readlink().is_absolute()
    assert api.patched == [(SERVICE, {"spec": {"predictor": {"annotations": {"twin/adapter": "1"}}}})]
    assert api.posted == []


def test_going_back_restores_files_and_stamp(api: Any, chosen: Params, base: Base, tmp_path: Path) -> None:
    api.objects[SERVICE] = service()
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
    api.objects[SERVICE] = service()
    before = rollout.deploy(chosen, tmp_path / "models", base, folder(tmp_path / "one", "a"), "1")
    rollout.roll_back(chosen, tmp_path / "models", before)
    assert not (tmp_path / "models" / "adapters" / "ada" / "current").is_symlink()
    assert api.patched[-1][1] == {"spec": {"predictor": {"annotations": {"twin/adapter": None}}}}


def test_a_canary_has_its_own_transformer_and_only_this_author_s_new_adapter() -> None:
    made = serving.canary_of(service(), "ada", "2")

    assert made["metadata"]["name"] == "twin-canary" and "resourceVersion" not in made["metadata"]
    assert made["metadata"]["annotations"] == {
        "serving.kserve.io/deploymentMode": "Standard",
        "serving.kserve.io/autoscalerClass": "none",
    }
    predictor, transformer = made["spec"]["predictor"], made["spec"]["transformer"]
    assert predictor["storageUris"][0]["uri"] == "pvc://twin-models/base/canary"
    assert predictor["model"]["args"][1:] == ["ada=/mnt/adapters/ada/canary", "bo=/mnt/adapters/bo/current"]
    assert transformer["containers"][0]["args"][1] == "twin-generation-canary:8080"
    assert predictor["annotations"] == {"twin/adapter": "2"} and "autoScaling" not in predictor
    assert {part["maxReplicas"] for part in (predictor, transformer)} == {1} and "status" not in made


def test_a_canary_is_tried_while_the_old_version_serves_and_then_takes_its_place(
    api: Any, chosen: Params, trying: Params, base: Base, tmp_path: Path
) -> None:
    api.objects |= {SERVICE: service(), ROUTE: route()}
    models = tmp_path / "models"
    adapters = models / "adapters" / "ada"
    rollout.deploy(chosen, models, base, folder(tmp_path / "one", "a"), "1")

    before = rollout.deploy(trying, models, base, folder(tmp_path / "two", "a"), "2")

    assert before == {"base": "someone--a-model", "adapter": "1"}
    assert ((adapters / "current" / "a").read_text(), (adapters / "canary" / "a").read_text()) == ("one", "two")
    assert api.objects[SERVICE]["spec"]["predictor"]["annotations"] == {"twin/adapter": "1"}, "it was not touched"
    assert CANARY in api.objects
    assert serving.weigh(trying, 20) and weights(api) == [80, 20]

    rollout.promote(trying, models, "2")
    assert (adapters / "current" / "a").read_text() == "two"
    assert api.objects[SERVICE]["spec"]["predictor"]["annotations"] == {"twin/adapter": "2"}
    assert weights(api) == [80, 20], "the canary answers while the service starts anew"

    rollout.settle(trying, models)
    assert weights(api) == [100, 0] and CANARY not in api.objects and not (adapters / "canary").is_symlink()


def test_a_canary_that_fails_goes_without_the_service_having_noticed(
    api: Any, chosen: Params, trying: Params, base: Base, tmp_path: Path
) -> None:
    api.objects |= {SERVICE: service(), ROUTE: route()}
    models = tmp_path / "models"
    rollout.deploy(chosen, models, base, folder(tmp_path / "one", "a"), "1")
    before = rollout.deploy(trying, models, base, folder(tmp_path / "two", "a"), "2")
    serving.weigh(trying, 20)
    stamped = [path for path, _ in api.patched].count(SERVICE)

    rollout.roll_back(trying, models, before)

    assert [path for path, _ in api.patched].count(SERVICE) == stamped, "no restart of what never changed"
    assert weights(api) == [100, 0] and api.deleted == [CANARY]
    assert (models / "adapters" / "ada" / "current" / "a").read_text() == "one"


def test_a_canary_left_by_a_run_that_died_is_replaced(api: Any, trying: Params, base: Base, tmp_path: Path) -> None:
    api.objects |= {SERVICE: service(), CANARY: serving.canary_of(service(), "ada", "2")}
    rollout.deploy(trying, tmp_path / "models", base, folder(tmp_path / "three", "a"), "3")
    assert api.objects[CANARY]["spec"]["predictor"]["annotations"] == {"twin/adapter": "3"}


def test_without_a_route_a_canary_gets_probes_and_no_traffic(api: Any, trying: Params) -> None:
    assert serving.weigh(trying, 20) is False


def test_a_cluster_without_the_service_says_what_to_apply(api: Any, chosen: Params) -> None:
    with pytest.raises(ServingError, match=r"twin/twin \(404 .*twin cluster apply"):
        serving.restart(chosen, "1")


def test_where_no_service_is_named_nobody_is_asked(base: Base, tmp_path: Path) -> None:
    alone = parameters.loads("author: {id: ada, name: Ada}\ncluster: {service: '', canary_percent: 20}")
    before = rollout.deploy(alone, tmp_path / "models", base, folder(tmp_path / "one", "a"), "1")
    rollout.promote(alone, tmp_path / "models", "1")
    rollout.settle(alone, tmp_path / "models")
    assert (tmp_path / "models" / "adapters" / "ada" / "current" / "a").exists()
    rollout.roll_back(alone, tmp_path / "models", before)
    assert serving.address(alone, "http://127.0.0.1:8081", canary=True) == "http://127.0.0.1:8081"
