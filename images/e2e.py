"""`python images/e2e.py`: our images as a cluster runs them. Prints a Markdown table; the first failure ends it.

ENGINE is podman with its options, TAG the images' tag. Every container has a read-only root, no capabilities, no way to
more rights, user 1000 and a memory limit. images/e2e.sh builds what this runs.
"""

from __future__ import annotations

import base64
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
ENGINE = shlex.split(os.environ.get("ENGINE", "podman"))
TAG = os.environ.get("TAG", "e2e")
NET = "twin-e2e"
LOCKED = [
    "--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--user=1000:1000", "--network", NET,
    "--tmpfs=/tmp:rw,size=2g,mode=1777", "--shm-size=512m",
]  # fmt: skip
PARAMS = """
author: {id: ada, name: Ada}
sources: [{kind: files, path: ".", register_as: post}]
validate: {min_words: 200, max_rejected: 0.5}
prepare: {near_duplicate: 0.95, min_words: 5}
dataset: {max_tokens: 128}
train: {token_budget: 1200, rank: 4, alpha: 8, processes: 1, batch_size: 4, micro_batch_size: 2, evals_per_epoch: 1}
serve: {max_new_tokens: 48}
"""
Row = tuple[str, str, float, str]


def engine(*arguments: str, check: bool = True) -> str:
    """Run the container engine; what it printed. Ends the program with its last words on failure."""
    done = subprocess.run([*ENGINE, *arguments], capture_output=True, text=True)
    if check and done.returncode:
        sys.exit(f"{' '.join(arguments[:3])} … failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout.strip()


def started(name: str, image: str, command: list[str], *options: str, memory: str = "3g") -> str:
    """Start a container and leave it running; its address."""
    engine("run", "-d", "--name", name, *LOCKED, "--memory", memory, *options, f"localhost/{image}:{TAG}", *command)
    template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    return engine("inspect", "--format", template, name)


def ran(image: str, command: list[str], *options: str, memory: str = "4g") -> str:
    """Run a container to its end; its standard output."""
    return engine("run", "--rm", *LOCKED, "--memory", memory, *options, f"localhost/{image}:{TAG}", *command)


def used(name: str) -> str:
    """The memory a container uses now."""
    return engine("stats", "--no-stream", "--format", "{{.MemUsage}}", name).partition("/")[0].strip()


def until(what: str, ready: Callable[[], bool], seconds: float = 300) -> float:
    """Seconds until `ready`; ends the program when it takes longer than `seconds`."""
    began = time.monotonic()
    while not ready():
        if time.monotonic() - began > seconds:
            logs = [engine("logs", "--tail", "15", name, check=False) for name in names()]
            sys.exit(f"{what} was not ready within {seconds:.0f} s\n" + "\n".join(logs))
        time.sleep(0.3)
    return time.monotonic() - began


def demand(held: bool, found: object) -> None:
    """End the program with what was found when something does not hold."""
    if not held:
        sys.exit(f"not as it should be: {found}")


def names() -> list[str]:
    """Our running containers."""
    return engine("ps", "-a", "--format", "{{.Names}}", "--filter", "name=e2e-").split()


def answers(url: str) -> bool:
    """Whether the URL answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def component(pipeline: str, name: str, work: Path, parameters: dict[str, Any], inputs: dict[str, str]) -> list[str]:
    """The compiled executor's own command and arguments, with what KFP's launcher would put for `{{$}}`."""
    spec = next(yaml.safe_load_all((ROOT / "pipelines" / "ir" / f"{pipeline}.yaml").read_text(encoding="utf-8")))
    container = spec["deploymentSpec"]["executors"][f"exec-{name}"]["container"]
    defined = spec["components"][f"comp-{name}"]

    def artifacts(kind: str, places: Callable[[str], str]) -> dict[str, Any]:
        found = defined.get(kind, {}).get("artifacts", {})
        return {
            key: {"artifacts": [{"name": key, "type": value["artifactType"], "uri": places(key), "metadata": {}}]}
            for key, value in found.items()
        }

    executor = {
        "inputs": {
            "parameterValues": parameters,
            "artifacts": artifacts("inputDefinitions", lambda key: f"/work/{inputs[key]}"),
        },
        "outputs": {
            "artifacts": artifacts("outputDefinitions", lambda key: f"/work/{name}/{key}"),
            "parameters": {
                key: {"outputFile": f"/work/{name}/{key}"}
                for key in defined.get("outputDefinitions", {}).get("parameters", {})
            },
            "outputFile": f"/work/{name}/executor_output.json",
        },
    }
    (work / name).mkdir(exist_ok=True)
    (work / name).chmod(0o777)
    return [*container["command"], *[a.replace("{{$}}", json.dumps(executor)) for a in container["args"]]]


def database() -> str:
    """PostgreSQL with pgvector from the environment of twin-cpu, reachable over TCP as the cluster's is; its address."""
    script = """
set -eu
bin=$(python -c 'from twin.local.pg_programs import programs; print(programs())')
"$bin/initdb" -D /tmp/data -A trust -U twin --encoding=UTF8 --locale=C.UTF-8 >/dev/null
echo 'host all all all trust' >> /tmp/data/pg_hba.conf
"$bin/pg_ctl" -D /tmp/data -w -o "-k /tmp -c listen_addresses=*" start >/dev/null
for name in twin mlflow; do "$bin/createdb" -h /tmp -U twin $name; done
"$bin/psql" -h /tmp -U twin -d twin -c 'CREATE EXTENSION vector'
exec sleep infinity
"""
    address = started("e2e-db", "twin-cpu", ["sh", "-c", script])
    until("the database", lambda: "CREATE EXTENSION" in engine("logs", "e2e-db", check=False))
    return address


def pipeline(work: Path, url: str) -> Row:
    """Components of the feature and training pipelines in their image, up to the examples."""
    volume = ["-v", f"{work}:/work", "-v", f"{work}/workspace:/workspace", "-e", f"DATABASE_URL={url}"]
    whole = {"params": PARAMS, "workspace": "/workspace"}
    began = time.monotonic()
    steps: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
        ("feature", "choose", {"params": PARAMS}, {}),
        ("feature", "collect", whole, {}),
        ("feature", "prepare", whole, {"raw": "collect/raw"}),
        ("feature", "features", {"params": "features"}, {"documents": "prepare/documents"}),
        ("training", "dataset", {"params": "dataset"},
         {"documents": "prepare/documents", "features": "features/features"}),
    ]  # fmt: skip
    for name, step, parameters, inputs in steps:
        # A cached stage's parameters are what `choose` wrote.
        if parameters["params"] in ("features", "dataset"):
            chosen = json.loads((work / "choose" / "executor_output.json").read_text(encoding="utf-8"))
            parameters = {"params": chosen["parameterValues"][parameters["params"]]}
        ran("twin-cpu", component(name, step, work, parameters, inputs), *volume)
    seconds = time.monotonic() - began
    metadata = json.loads((work / "features" / "executor_output.json").read_text(encoding="utf-8"))
    lineage = metadata["artifacts"]["features"]["artifacts"][0]["metadata"]
    return ("KFP components: " + ", ".join(step[1] for step in steps), "twin-cpu", seconds,
            f"features {lineage['dvc_md5'][:8]}, code {lineage['git_sha']}")  # fmt: skip


def training(work: Path) -> Row:
    """A job of two nodes, one process each, DeepSpeed between two containers."""
    prepare = """
from pathlib import Path
from twin import params
from twin.basemodel import local_path
from twin.training.sft import SftConfig, write_config
chosen = params.loads(Path("/work/params.yaml").read_text())
base = local_path("bundled", Path("/work/models"))
write_config(SftConfig(base=str(base.folder), dataset="/work/dataset/examples", out="/work/job/adapter",
    checkpoints="/work/job/checkpoints", progress="/work/job/progress", max_tokens=128,
    train=chosen.train.model_dump(mode="json")), Path("/work/job/config.json"))
"""
    (work / "params.yaml").write_text(PARAMS, encoding="utf-8")
    options = ["-v", f"{work}:/work", "-e", "TORCH_EXTENSIONS_DIR=/work/extensions", "-e", "OMP_NUM_THREADS=1"]
    ran("twin-cpu", ["python", "-c", prepare], *options)
    run = ["torchrun", "--nnodes=2", "--nproc-per-node=1", "--master-port=29500"]
    script = ["-m", "twin.training.sft", "--config", "/work/job/config.json"]
    began = time.monotonic()
    # The first learns its own address only once it runs.
    own = f"exec {' '.join(run)} --node-rank=0 --master-addr=$(hostname -i) {' '.join(script)}"
    address = started("e2e-node-0", "twin-cpu", ["sh", "-c", own], *options, memory="5g")
    second = [*run, "--node-rank=1", f"--master-addr={address}", *script]
    started("e2e-node-1", "twin-cpu", second, *options, memory="5g")
    codes = [engine("wait", f"e2e-node-{rank}") for rank in (0, 1)]
    seconds = time.monotonic() - began
    if codes != ["0", "0"]:
        sys.exit("\n".join(engine("logs", "--tail", "40", f"e2e-node-{rank}", check=False) for rank in (0, 1)))
    done = json.loads((work / "job" / "adapter" / "train.json").read_text(encoding="utf-8"))
    demand(done["processes"] == 2, done)
    words = (
        f"{done['steps']} steps, validation loss {done['first_validation_loss']:.3f} → {done['validation_loss']:.3f}"
    )
    return "training: two containers, DeepSpeed ZeRO-2 over gloo", "twin-cpu", seconds, words


def serving(work: Path, url: str) -> list[Row]:
    """Predictor and transformer from the serving image; one draft over HTTP."""
    options = ["-v", f"{work}/workspace:/workspace:ro", "-e", "TWIN_ROOT=/workspace", "-e", f"DATABASE_URL={url}"]
    shutil.copyfile(work / "params.yaml", work / "workspace" / "params.yaml")
    rows: list[Row] = []
    command = ["python", "-m", "twin.serving.predictor", "--host", "0.0.0.0", "--port", "8082"]
    predictor = started("e2e-predictor", "twin-serving", command, *options)
    seconds = until("the predictor", lambda: answers(f"http://{predictor}:8082/health"))
    rows.append(("predictor, start to ready", "twin-serving", seconds, f"{used('e2e-predictor')} in use"))
    command = ["python", "-m", "twin.serving.transformer", "--host", "0.0.0.0", "--http_port", "8080",
               "--predictor_host", f"{predictor}:8082"]  # fmt: skip
    transformer = started("e2e-transformer", "twin-serving", command, *options)
    seconds = until("the transformer", lambda: answers(f"http://{transformer}:8080/v2/health/ready"))
    rows.append(("transformer, start to ready", "twin-serving", seconds, f"{used('e2e-transformer')} in use"))
    body = {"instances": [{"author": "ada", "register": "post", "brief": "A post about the kettle.", "links": []}]}
    request = urllib.request.Request(
        f"http://{transformer}:8080/v1/models/twin:predict",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    began = time.monotonic()
    with urllib.request.urlopen(request, timeout=180) as answer:
        draft = json.load(answer)["predictions"][0]
    demand(bool(draft["text"].strip()), draft)
    words = f"{len(draft['text'].split())} words, {len(draft['citations'])} citations"
    rows.append(("a draft over HTTP", "twin-serving", time.monotonic() - began, words))
    return rows


def deployments(database_address: str) -> list[Row]:
    """The Deployments of the rendered `kind` overlay, by `kube play`."""
    text = subprocess.run(
        ["kubectl", "kustomize", str(ROOT / "manifests" / "overlays" / "kind")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    objects = [found for found in yaml.safe_load_all(text) if found]
    values = {
        "host": database_address, "username": "twin", "password": "unused",
        "uri": f"postgresql://twin:unused@{database_address}:5432/twin",
    }  # fmt: skip
    # podman 4.3 reads a pod's secrets from its own store, as JSON of base64.
    coded = json.dumps({key: base64.b64encode(value.encode()).decode() for key, value in values.items()})
    engine("secret", "rm", "twin-postgres-app", check=False)
    create = [*ENGINE, "secret", "create", "twin-postgres-app", "-"]
    subprocess.run(create, input=coded, text=True, check=True, stdout=subprocess.DEVNULL)
    params = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "twin-params"},
        "data": {"params.yaml": PARAMS},
    }
    rows = []
    for name, port, path in (("mlflow", 5000, "/health"), ("twin-webui", 8080, "/healthz")):
        (found,) = [o for o in objects if o["kind"] == "Deployment" and o["metadata"]["name"] == name]
        settings = [o for o in objects if o["kind"] == "ConfigMap" and o["metadata"]["name"] == "twin-settings"]
        claims = {
            v["persistentVolumeClaim"]["claimName"]
            for v in found["spec"]["template"]["spec"]["volumes"] if "persistentVolumeClaim" in v
        }  # fmt: skip
        for container in found["spec"]["template"]["spec"]["containers"]:
            container["image"] = f"localhost/{container['image'].rpartition(':')[0]}:{TAG}"
            for entry in container.get("env", []):
                # podman 4.3 leaves $(NAME) as it is, where Kubernetes puts the value.
                for key, word in (("host", "HOST"), ("username", "USER"), ("password", "PASSWORD")):
                    if "value" in entry:
                        entry["value"] = entry["value"].replace(f"$(DB_{word})", values[key])
            # podman 4.3 mounts a ConfigMap whole or not at all.
            container["volumeMounts"] = [m for m in container["volumeMounts"] if m["name"] != "params"]
        found["spec"]["template"]["spec"]["volumes"] = [
            v for v in found["spec"]["template"]["spec"]["volumes"] if v["name"] != "params"
        ]
        for claim in claims:
            engine("volume", "rm", "-f", claim, check=False)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump_all([params, *settings, found], file)
            file.flush()
            began = time.monotonic()
            engine("kube", "play", "--network", NET, file.name)
            pod = f"{name}-pod-0"
            container = f"{pod}-{found['spec']['template']['spec']['containers'][0]['name']}"
            ask = f"import urllib.request as u; u.urlopen('http://127.0.0.1:{port}{path}', timeout=3)"
            until(name, lambda c=container, a=ask: subprocess.run(  # type: ignore[misc]
                [*ENGINE, "exec", c, "python", "-c", a], capture_output=True).returncode == 0)  # fmt: skip
            seconds = time.monotonic() - began
            identity = engine("exec", container, "sh", "-c", "id -u; touch /app/x 2>&1 || true").replace("\n", ", ")
            demand(identity.startswith("1000") and "Read-only" in identity, identity)
            rows.append(
                (f"kube play Deployment/{name}, start to ready", "kind overlay", seconds, f"{used(container)} in use")
            )
            engine("kube", "down", file.name, check=False)
    return rows


def clean() -> None:
    """Take away whatever an earlier run left."""
    for name in names():
        engine("rm", "-f", "-t", "2", name, check=False)
    for pod in ("mlflow-pod-0", "twin-webui-pod-0"):
        engine("pod", "rm", "-f", pod, check=False)
    engine("network", "rm", "-f", NET, check=False)
    engine("secret", "rm", "twin-postgres-app", check=False)


def main() -> None:
    """All of it, then the table."""
    clean()
    engine("network", "create", NET)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="twin-e2e-", ignore_cleanup_errors=True) as folder:
        work = Path(folder)
        inbox = work / "workspace" / "data" / "ada" / "inbox"
        inbox.mkdir(parents=True)
        (work / "job").mkdir()
        (work / "models").mkdir()
        for number in range(24):
            words = f"The kettle taught me patience {number} times. Our deploy forgot the fog again, as ever it does. "
            (inbox / f"2024-{number % 12 + 1:02d}-{number // 12 + 10}-note-{number}.md").write_text(
                f"# Note {number}\n\n{words}\n\nI waited for tide {number * 7}, and the night bus broke at {number}:40.\n"
            )
        for path in (work, *work.rglob("*")):
            path.chmod(0o777 if path.is_dir() else 0o666)
        try:
            address = database()
            url = f"postgresql://twin@{address}:5432/twin"
            for part in (lambda: [pipeline(work, url)], lambda: [training(work)], lambda: serving(work, url),
                         lambda: deployments(address)):  # fmt: skip
                for row in part():
                    rows.append(row)
                    print(f"✓ {row[0]}: {row[2]:.0f} s, {row[3]}", file=sys.stderr, flush=True)
        finally:
            clean()
            engine("unshare", "rm", "-rf", str(work / "job"), check=False)
    print("| image | size |\n|---|---|")
    for name in ("cpu", "serving", "webui"):
        size = engine("image", "inspect", "--format", "{{.Size}}", f"localhost/twin-{name}:{TAG}")
        print(f"| twin-{name} | {int(size) / 1e9:.2f} GB |")
    print("\n| what ran | image | seconds | |\n|---|---|---|---|")
    for what, image, seconds, words in rows:
        print(f"| {what} | {image} | {seconds:.0f} | {words} |")


if __name__ == "__main__":
    main()
