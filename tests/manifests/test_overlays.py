"""The manifests render, meet the schemas and say the same as params.yaml, the images and the pipelines."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
OVERLAYS = ("kind", "gpu", "prod")
CORE = re.compile(
    r"^(v1|(apps|batch|policy|autoscaling|rbac\.authorization\.k8s\.io|scheduling\.k8s\.io|networking\.k8s\.io)/v\d+)$"
)

pytestmark = pytest.mark.skipif(
    not shutil.which("kubectl"), reason="kubectl is not on this machine: install it to render the overlays"
)


@cache
def rendered(overlay: str) -> tuple[dict[str, Any], ...]:
    """The objects of an overlay."""
    return built(ROOT / "manifests" / "overlays" / overlay)


def built(folder: Path) -> tuple[dict[str, Any], ...]:
    """The objects of any kustomization."""
    done = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return tuple(found for found in yaml.safe_load_all(done.stdout) if found)


def one(overlay: str, kind: str, name: str) -> dict[str, Any]:
    return next(o for o in rendered(overlay) if o["kind"] == kind and o["metadata"]["name"] == name)


def pod_specs(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every pod specification in an object, wherever its kind keeps it."""
    if isinstance(node, dict):
        if isinstance(node.get("containers"), list):
            yield path, node
        for key, value in node.items():
            yield from pod_specs(value, f"{path}.{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from pod_specs(value, f"{path}.{number}")


def containers(objects: tuple[dict[str, Any], ...]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(where, pod, container) of everything that runs, the predictor's model among them."""
    for found in objects:
        where = f"{found['kind']}/{found['metadata']['name']}"
        if found["kind"] == "InferenceService":
            yield f"{where} predictor", found["spec"]["predictor"], found["spec"]["predictor"]["model"]
        for path, pod in pod_specs(found.get("spec")):
            for container in [*pod["containers"], *pod.get("initContainers", [])]:
                yield f"{where}{path} {container['name']}", pod, container


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_core_objects_meet_the_kubernetes_schemas(overlay: str) -> None:
    import kubernetes_validate

    core = [o for o in rendered(overlay) if CORE.match(o["apiVersion"])]
    assert len(core) > 20
    for found in core:
        kubernetes_validate.validate(found, "1.35", strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_custom_resources_meet_their_definitions_unknown_fields_refused(overlay: str) -> None:
    if not os.environ.get("CRD_DIR"):
        pytest.skip("CRD_DIR names no folder of CustomResourceDefinitions")
    from jsonschema import Draft202012Validator

    schemas = definitions(Path(os.environ["CRD_DIR"]))
    custom = [o for o in rendered(overlay) if not CORE.match(o["apiVersion"])]
    wrong = [
        f"{o['kind']}/{o['metadata']['name']} {error.json_path}: {error.message}"
        for o in custom
        for error in Draft202012Validator(schemas[o["apiVersion"], o["kind"]]).iter_errors(o)
    ]
    assert len(custom) >= 7 and wrong == []


@cache
def definitions(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    found = {}
    for path in folder.rglob("*.yaml"):
        # libyaml where it is there: these are 20 MB of YAML.
        for crd in yaml.load_all(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if not crd or crd.get("kind") != "CustomResourceDefinition":
                continue
            for version in crd["spec"]["versions"]:
                schema = strict(version["schema"]["openAPIV3Schema"])
                schema.setdefault("properties", {})["metadata"] = {"type": "object"}
                found[f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"]] = schema
    return found


def strict(node: Any) -> Any:
    """An OpenAPI schema as JSON schema that refuses what it does not know, as a server's strict validation does."""
    if isinstance(node, list):
        return [strict(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    if node.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    left_out = {"format", "default", "description", "nullable", "x-kubernetes-validations"}
    out = {
        key: {name: strict(inner) for name, inner in value.items()} if key == "properties" else strict(value)
        for key, value in node.items()
        if key not in left_out
    }
    if node.get("nullable") and isinstance(out.get("type"), str):
        out["type"] = [out["type"], "null"]
    open_ended = node.get("x-kubernetes-preserve-unknown-fields") or node.get("x-kubernetes-embedded-resource")
    if "properties" in node and "additionalProperties" not in node and not open_ended:
        out["additionalProperties"] = False
    return out


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_container_is_locked_down_bounded_and_watched(overlay: str) -> None:
    found = list(containers(rendered(overlay)))
    assert len(found) >= 7
    for where, pod, container in found:
        locked(where, pod, container)


def locked(where: str, pod: dict[str, Any], container: dict[str, Any]) -> None:
    rights, whole = container["securityContext"], pod["securityContext"]
    assert whole["runAsNonRoot"] is True and whole["seccompProfile"] == {"type": "RuntimeDefault"}, where
    assert rights["readOnlyRootFilesystem"] is True and rights["allowPrivilegeEscalation"] is False, where
    assert rights["capabilities"] == {"drop": ["ALL"]}, where
    assert pod["automountServiceAccountToken"] is False, where
    for kind in ("requests", "limits"):
        assert {"cpu", "memory"} <= container["resources"][kind].keys(), where
    if not re.match(r"(Cron)?Job/|ClusterTrainingRuntime/", where) and container not in pod.get("initContainers", []):
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys(), where


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_operators_run_for_us_is_bounded_and_a_drain_goes_through(overlay: str) -> None:
    postgres = one(overlay, "Cluster", "twin-postgres")["spec"]
    feast = one(overlay, "FeatureStore", "twin")["spec"]["services"]
    for resources in (postgres["resources"], feast["registry"]["local"]["server"]["resources"]):
        for kind in ("requests", "limits"):
            assert {"cpu", "memory"} <= resources[kind].keys()
    assert feast["securityContext"]["runAsNonRoot"] is True
    assert postgres["enablePDB"] is (postgres["instances"] > 1)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_is_reachable_that_no_policy_opens(overlay: str) -> None:
    policies = [o for o in rendered(overlay) if o["kind"] == "NetworkPolicy"]
    deny = next(p for p in policies if p["metadata"]["name"] == "default-deny")
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    # The predictor has no guard of its own: the transformer alone may ask it, and Prometheus read its figures.
    (rule,) = next(p for p in policies if p["metadata"]["name"] == "predictor")["spec"]["ingress"]
    (caller,) = rule["from"]
    assert caller["podSelector"]["matchLabels"] == {"component": "transformer"}
    assert caller["podSelector"]["matchExpressions"][0]["values"] == ["twin", "twin-canary"]
    # Whoever runs is under a rule of its own as well: a pod that only the default selects could reach nothing.
    for where, template in templates(overlay):
        labels = template["metadata"]["labels"]
        assert any(selects(p["spec"]["podSelector"], labels) for p in policies if p["spec"]["podSelector"]), where


def templates(overlay: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where, pod template) of our own workloads; jobs that only touch volumes need no network."""
    for found in rendered(overlay):
        if found["kind"] in ("Deployment", "CronJob"):
            spec = found["spec"]
            spec = spec["jobTemplate"]["spec"] if found["kind"] == "CronJob" else spec
            yield f"{found['kind']}/{found['metadata']['name']}", spec["template"]


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Whether a label selector picks these labels."""
    plain = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    tests = selector.get("matchExpressions", [])
    return plain and all(labels.get(t["key"]) in t.get("values", [labels.get(t["key"]) or None]) for t in tests)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_secret_is_written_down(overlay: str) -> None:
    import base64

    for found in rendered(overlay):
        if found["kind"] == "Secret":
            text = "".join(base64.b64decode(value).decode() for value in found["data"].values())
            # The operator fills these names in from the secret that CloudNativePG writes.
            assert "${POSTGRES_username}:${POSTGRES_password}@" in text
            assert set(found["data"]) == {"sql"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_images_of_ours_have_the_pipelines_tag(overlay: str) -> None:
    from pipelines.compile import NAMES, image

    used = {c["image"] for _, _, c in containers(rendered(overlay)) if c.get("image", "").startswith("twin-")}
    assert used == {image(name.partition(":")[0]) for name in used}
    assert {"twin-cpu", "twin-webui"} <= {name.partition(":")[0] for name in used}
    for name in NAMES:
        ir = (ROOT / "pipelines" / "ir" / f"{name}.yaml").read_text(encoding="utf-8")
        assert set(re.findall(r"image: (\S+)", ir)) == {image("twin-cpu")}
    for _, _, container in containers(rendered(overlay)):
        assert "image" not in container or re.search(r"(:(?!latest)[^/:]+|@sha256:\w+)$", container["image"])


def test_every_image_of_ours_has_a_dockerfile_and_the_reverse() -> None:
    names = yaml.safe_load((ROOT / "manifests" / "images" / "kustomization.yaml").read_text(encoding="utf-8"))["images"]
    ours = {entry["name"].removeprefix("twin-") for entry in names if entry["name"].startswith("twin-")}
    assert ours == {path.name.removesuffix(".Dockerfile") for path in (ROOT / "images").glob("*.Dockerfile")}
    for path in (ROOT / "images").glob("*.Dockerfile"):
        if "FROM ${CPU}" not in path.read_text(encoding="utf-8"):
            assert "\nUSER 1000:1000\n" in path.read_text(encoding="utf-8"), path.name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_predictor_serves_the_author_and_the_lengths_of_params_yaml(overlay: str) -> None:
    from twin import params as parameters

    chosen = parameters.load(ROOT / "params.yaml")
    predictor = one(overlay, "InferenceService", chosen.cluster.service)["spec"]["predictor"]
    arguments = dict(a.removeprefix("--").partition("=")[::2] for a in predictor["model"]["args"])
    assert arguments["served-model-name"] == "base"
    assert "enable-lora" in arguments and int(arguments["max-lora-rank"]) >= chosen.train.rank
    assert int(arguments["max-model-len"]) == chosen.serve.context_tokens
    modules = predictor["model"]["args"]
    author, _, place = modules[modules.index("--lora-modules") + 1].partition("=")
    assert author == chosen.author.id and place == f"/mnt/adapters/{author}/current"
    mounts = {entry["uri"]: entry["mountPath"] for entry in predictor["storageUris"]}
    # The model's id stands in params.yaml alone: the deploy step publishes what that names as `current`.
    assert mounts == {
        "pvc://twin-models/base/current": "/mnt/models",
        "pvc://twin-models/adapters": "/mnt/adapters",
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_addresses_and_volumes_exist_under_their_names(overlay: str) -> None:
    from components.trainjob import SHARED as SHARED_FOLDER
    from pipelines import placing
    from twin import params as parameters

    config = one(overlay, "ConfigMap", placing.SETTINGS[0])["data"]
    assert set(placing.SETTINGS[1]) == set(config)
    for name in ("MLFLOW_TRACKING_URI", "TWIN_PREDICTOR_URL", "TWIN_ENDPOINT_URL"):
        host, port = config[name].removeprefix("http://").split(":")
        assert int(port) in [p["port"] for p in one(overlay, "Service", host)["spec"]["ports"]], name
    claims = {o["metadata"]["name"] for o in rendered(overlay) if o["kind"] == "PersistentVolumeClaim"}
    assert {placing.WORKSPACE[0], placing.MODELS[0], placing.SHARED[0]} <= claims
    assert placing.WORKSPACE[1] == config["TWIN_ROOT"]
    assert placing.DATABASE[0] == f"{one(overlay, 'Cluster', 'twin-postgres')['metadata']['name']}-app"
    chosen = parameters.load(ROOT / "params.yaml").cluster
    runtime = one(overlay, "ClusterTrainingRuntime", chosen.runtime)["spec"]["template"]["spec"]["replicatedJobs"]
    for job in runtime:
        pod = job["template"]["spec"]["template"]["spec"]
        volumes = {v["name"]: v.get("persistentVolumeClaim", {}).get("claimName") for v in pod["volumes"]}
        mounted = {volumes[m["name"]]: m["mountPath"] for m in pod["containers"][0]["volumeMounts"]}
        assert mounted[placing.SHARED[0]] == placing.SHARED[1] == str(SHARED_FOLDER)
    assert chosen.namespace == one(overlay, "Namespace", "twin")["metadata"]["name"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_endpoint_asks_the_database_with_its_roles_certificate_alone(overlay: str) -> None:
    from urllib.parse import parse_qs, urlsplit

    from twin.monitoring import roles

    postgres, role = one(overlay, "Cluster", "twin-postgres"), one(overlay, "DatabaseRole", "twin-serving")["spec"]
    assert (role["name"], role["login"], role["cluster"]["name"]) == (roles.SERVING, True, "twin-postgres")
    assert role["disablePassword"] and role["clientCertificate"]["enabled"] and not role.get("superuser")
    pod = one(overlay, "InferenceService", "twin")["spec"]["transformer"]
    (container,), (first,) = pod["containers"], pod["initContainers"]
    assert first["command"][-1] == roles.__name__ and first["image"] == container["image"]
    asked = urlsplit(next(e["value"] for e in container["env"] if e["name"] == "DATABASE_URL"))
    database = asked.path.removeprefix("/")
    assert (asked.username, asked.password, asked.hostname) == (roles.SERVING, None, "twin-postgres-rw")
    assert [line.split() for line in postgres["spec"]["postgresql"]["pg_hba"]] == [
        ["hostssl", database, roles.SERVING, "all", "cert"], ["host", "all", roles.SERVING, "all", "reject"]
    ]  # fmt: skip
    volume = next(v["projected"] for v in pod["volumes"] if v["name"] == "database")
    sources = {s["secret"]["name"]: {i["path"] for i in s["secret"]["items"]} for s in volume["sources"]}
    assert sources == {"twin-serving-client-cert": {"tls.crt", "tls.key"}, "twin-postgres-ca": {"ca.crt"}}
    place = next(m["mountPath"] for m in container["volumeMounts"] if m["name"] == "database")
    named = parse_qs(asked.query)
    assert named.pop("sslmode") == ["verify-full"]
    assert {path for (path,) in named.values()} == {f"{place}/{file}" for files in sources.values() for file in files}
    assert "twin-postgres-app" not in str(container), "the owner's credentials are not the endpoint's"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_trainjob_runs_the_entry_point_that_torchrun_runs_here(overlay: str) -> None:
    from twin.training.launch import workers

    job = one(overlay, "TrainJob", "twin-by-hand")["spec"]
    assert job["suspend"] is True and job["trainer"]["numNodes"] >= 1
    runtime = one(overlay, "ClusterTrainingRuntime", job["runtimeRef"]["name"])["spec"]
    commands = [
        job["trainer"]["command"],
        *(c["command"] for _, pod in pod_specs(runtime) for c in pod["containers"]),
    ]
    assert all(command == ["torchrun", *workers(1)] for command in commands)
    assert "image" not in job["trainer"], "the runtime's image reaches every node, the job's would not"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_canary_made_of_the_service_has_its_names_in_the_manifests(overlay: str) -> None:
    from twin import params as parameters
    from twin.cluster import serving

    chosen = parameters.load(ROOT / "params.yaml")
    stable = one(overlay, "InferenceService", chosen.cluster.service)
    canary = serving.canary_of(stable, chosen.author.id, "2")
    arguments = canary["spec"]["transformer"]["containers"][0]["args"]
    host, _, port = arguments[arguments.index("--predictor_host") + 1].partition(":")
    service = one(overlay, "Service", host)["spec"]
    assert service["selector"]["serving.kserve.io/inferenceservice"] == canary["metadata"]["name"]
    assert int(port) == service["ports"][0]["port"]
    assert canary["spec"]["predictor"]["model"]["args"] != stable["spec"]["predictor"]["model"]["args"]
    for is_canary in (False, True):
        name = serving.address(chosen, "", is_canary).removeprefix("http://").partition(":")[0]
        selector = one(overlay, "Service", name)["spec"]["selector"]
        expected = canary if is_canary else stable
        assert selector["serving.kserve.io/inferenceservice"] == expected["metadata"]["name"]
    if os.environ.get("CRD_DIR"):
        from jsonschema import Draft202012Validator

        schema = definitions(Path(os.environ["CRD_DIR"]))[canary["apiVersion"], canary["kind"]]
        assert list(Draft202012Validator(schema).iter_errors(canary)) == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_times_room_and_the_pipelines_address_leave_what_params_yaml_asks_for(overlay: str) -> None:
    from twin import params as parameters

    chosen = parameters.load(ROOT / "params.yaml")
    namespace = chosen.cluster.pipelines.removeprefix("http://").partition(":")[0].split(".")[1]
    for name in ("pipelines", "monitoring"):
        opened = one(overlay, "NetworkPolicy", name)["spec"]["egress"]
        spaces = [to["namespaceSelector"]["matchLabels"] for rule in opened for to in rule.get("to", [])
                  if "namespaceSelector" in to]  # fmt: skip
        assert {"kubernetes.io/metadata.name": namespace} in spaces, "the policy keeps runs from the pipelines' server"
    for route in (o for o in rendered(overlay) if o["kind"] == "HTTPRoute"):
        for rule in route["spec"]["rules"]:
            given = rule.get("timeouts", {}).get("request", "3600s")
            assert float(given.removesuffix("s")) > chosen.serve.deadline_seconds, "the route gives up before the draft"
    scaling = one(overlay, "InferenceService", "twin")["spec"]["transformer"].get("autoScaling", {"metrics": []})
    for metric in scaling["metrics"]:
        target = float(metric["external"]["target"]["averageValue"])
        assert target < chosen.serve.max_in_flight, "requests are turned away before a transformer is added"


@pytest.mark.parametrize("overlay", ("gpu", "prod"))
def test_the_route_splits_between_the_two_transformers_and_everybody_asks_it(overlay: str) -> None:
    (rule,) = one(overlay, "HTTPRoute", "twin-writing")["spec"]["rules"]
    assert {b["name"]: b["weight"] for b in rule["backendRefs"]} == {"twin-writing": 100, "twin-writing-canary": 0}
    for backend in rule["backendRefs"]:
        assert one(overlay, "Service", backend["name"])["spec"]["ports"][0]["port"] == backend["port"]
    url = one(overlay, "ConfigMap", "twin-settings")["data"]["TWIN_ENDPOINT_URL"]
    gateway = one(overlay, "Service", url.removeprefix("http://").partition(":")[0])["spec"]["selector"]
    assert gateway == {"gateway.networking.k8s.io/gateway-name": "twin-internal"}


def test_production_has_two_of_what_answers_and_trains_on_several_nodes() -> None:
    service = one("prod", "InferenceService", "twin")["spec"]
    assert min(service["predictor"]["minReplicas"], service["transformer"]["minReplicas"]) >= 2
    assert one("prod", "Cluster", "twin-postgres")["spec"]["instances"] == 3
    assert one("prod", "Deployment", "mlflow")["spec"]["replicas"] >= 2
    assert one("prod", "ClusterTrainingRuntime", "twin-torch")["spec"]["mlPolicy"]["numNodes"] >= 2
    shared = [o for o in rendered("prod") if o["kind"] == "PersistentVolumeClaim"]
    modes = {o["metadata"]["name"]: o["spec"]["accessModes"] for o in shared}
    assert modes["twin-models"] == modes["twin-training"] == modes["twin-workspace"] == ["ReadWriteMany"]
    assert "mlflow-artifacts" not in modes, "two servers share an object store, not a volume"
    mlflow = one("prod", "Deployment", "mlflow")["spec"]["template"]["spec"]["containers"][0]
    assert {"secretRef": {"name": "twin-object-store"}} in mlflow["envFrom"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_answers_has_a_disruption_budget_and_backups_are_made(overlay: str) -> None:
    budgets = [o["spec"]["selector"]["matchLabels"] for o in rendered(overlay) if o["kind"] == "PodDisruptionBudget"]
    for labels in (
        {"app.kubernetes.io/name": "mlflow"}, {"app.kubernetes.io/name": "webui"},
        {"serving.kserve.io/inferenceservice": "twin", "component": "transformer"},
        {"serving.kserve.io/inferenceservice": "twin", "component": "predictor"},
    ):  # fmt: skip
        assert labels in budgets
    job = one(overlay, "CronJob", "twin-backup")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert job["containers"][0]["image"] == one(overlay, "Cluster", "twin-postgres")["spec"]["imageName"]
    databases = {o["spec"]["name"] for o in rendered(overlay) if o["kind"] == "Database"}
    assert all(name in job["containers"][0]["args"][0] for name in databases)


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "manifests" / "addons").iterdir()))
def test_add_ons_render_and_hold_no_secret(name: str) -> None:
    found = built(ROOT / "manifests" / "addons" / name)
    assert found and not [o for o in found if o["kind"] == "Secret"]
    for where, pod, container in containers(found):
        locked(where, pod, container)


def test_a_restore_reads_what_the_backup_writes_and_reaches_the_same_database() -> None:
    (job,) = built(ROOT / "manifests" / "addons" / "restore")
    back, there = (
        job["spec"]["template"],
        one("kind", "CronJob", "twin-backup")["spec"]["jobTemplate"]["spec"]["template"],
    )
    ours, theirs = back["spec"]["containers"][0], there["spec"]["containers"][0]
    assert ours["image"] == theirs["image"] and back["spec"]["volumes"] == there["spec"]["volumes"]
    assert [e for e in ours["env"] if e["name"] != "DAY"] == theirs["env"]
    assert back["metadata"]["labels"] == there["metadata"]["labels"], "the network policies know it by its labels"
    assert (
        "for database in twin mlflow; do" in ours["args"][0] and "for database in twin mlflow; do" in theirs["args"][0]
    )
    assert '/$database-$DAY.dump"' in ours["args"][0] and '/$database-$day.dump"' in theirs["args"][0]


@pytest.mark.parametrize("name", ("scale-to-zero", "gang"))
def test_options_that_no_overlay_takes_render_on_top_of_one(name: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests")
    (tmp_path / "manifests" / "overlays" / "mine").mkdir()
    own = {"resources": ["../prod"], "components": [f"../../components/{name}"]}
    (tmp_path / "manifests" / "overlays" / "mine" / "kustomization.yaml").write_text(yaml.safe_dump(own))
    objects = {(o["kind"], o["metadata"]["name"]): o for o in built(tmp_path / "manifests" / "overlays" / "mine")}
    if name == "gang":
        assert objects["ClusterTrainingRuntime", "twin-torch"]["spec"]["podGroupPolicy"]["coscheduling"]
    else:
        predictor = objects["InferenceService", "twin"]["spec"]["predictor"]
        assert predictor["minReplicas"] == 0
        # A predictor of no pods counts nothing: the transformer's figure must call it back.
        assert "twin_" in predictor["autoScaling"]["metrics"][0]["external"]["metric"]["query"]
