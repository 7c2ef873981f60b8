"""`python images/e2e.py`: our images as a cluster runs them. Prints a Markdown table; the first failure ends it.

images/e2e.sh builds what this runs.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import imports
import yaml
from containers import (
    NET,
    PREFIX,
    answers,
    asked,
    demand,
    engine,
    image,
    locked_down,
    megabytes,
    names,
    ran,
    resident,
    said,
    started,
    until,
)  # fmt: skip
from kube_play import deployments

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ("twin-cpu", "twin-serving", "twin-webui", "twin-training")
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


def contents(images: Iterable[str]) -> Iterator[Row]:
    """Each image holds nothing a cluster would not want, and the smaller ones all that their entry points import."""
    looks = {
        "files that raise rights": "find / -xdev -type f -perm /6000",
        "files anybody may change": "find / -xdev -type f -perm -2 ! -path '/tmp/*' ! -path '/proc/*'",
        "code the user may change": "find /app /opt/venv -xdev -user 1000",
        "leftovers": "find /root/.cache /var/lib/apt/lists /var/cache/apt/archives -type f -size +0 ! -name lock",
        "keys": "grep -rlE -e '-----BEGIN ([A-Z]+ )?PRIVATE KEY' /app /etc /root /src 2>/dev/null",
    }
    for name in images:
        began = time.monotonic()
        for what, look in looks.items():
            found = engine("run", "--rm", "--network=none", "--user=0:0", image(name), "sh", "-c", f"{look}; true")
            demand(
                not [line for line in found.splitlines() if not line.startswith("find:")], f"{name}: {what}: {found}"
            )
        words = "no set-user-id files, nothing anybody may change, no leftovers, no keys"
        if entries := imports.ENTRIES.get(name.removeprefix("twin-")):
            modules = set(imports.foreign(*entries, finders=("import_module",)))
            # A wheel that holds a model is asked for its place alone: its own code wants an engine that is not ours.
            sought = {f"?{one}" for one in set(imports.foreign(*entries)) - modules}
            loading = (
                "import importlib.util, sys\n"
                "for name in sys.argv[1:]:\n"
                "    if not name.startswith('?'): importlib.import_module(name)\n"
                "    elif importlib.util.find_spec(name[1:]) is None: sys.exit(name + ' is not here')\n"
            )
            ran(name, ["python", "-c", loading, *sorted(modules | sought)])
            words += f"; {len(modules)} modules of its entry points load"
        yield ("contents", name, time.monotonic() - began, words)


def component(pipeline: str, name: str, work: Path, parameters: dict[str, Any], inputs: dict[str, str]) -> list[str]:
    """The compiled executor's own command and arguments, with what KFP's launcher would put for `{{$}}`."""
    spec = next(yaml.safe_load_all((ROOT / "pipelines" / "ir" / f"{pipeline}.yaml").read_text(encoding="utf-8")))
    container = spec["deploymentSpec"]["executors"][f"exec-{name}"]["container"]
    defined = spec["components"][f"comp-{name}"]

    def artifacts(kind: str, places: dict[str, str]) -> dict[str, Any]:
        return {
            key: {"artifacts": [{"name": key, "type": value["artifactType"], "uri": places[key], "metadata": {}}]}
            for key, value in defined.get(kind, {}).get("artifacts", {}).items()
        }

    outputs = defined.get("outputDefinitions", {})
    executor = {
        "inputs": {
            "parameterValues": parameters,
            "artifacts": artifacts("inputDefinitions", {key: f"/work/{place}" for key, place in inputs.items()}),
        },
        "outputs": {
            "artifacts": artifacts(
                "outputDefinitions", {key: f"/work/{name}/{key}" for key in outputs.get("artifacts", {})}
            ),
            "parameters": {key: {"outputFile": f"/work/{name}/{key}"} for key in outputs.get("parameters", {})},
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
trap '"$bin/pg_ctl" -D /tmp/data -m fast stop; exit 0' TERM
while :; do sleep 1; done
"""
    address = started("db", "twin-cpu", ["sh", "-c", script])
    until("the database", lambda: "CREATE EXTENSION" in said(f"{PREFIX}-db", 50))
    return address


def components(work: Path, url: str) -> Iterator[Row]:
    """Components of the feature and training pipelines in their image, up to an adapter trained in one pod."""
    volume = ["-v", f"{work}:/work", "-v", f"{work}/workspace:/workspace", "-e", f"DATABASE_URL={url}",
              "-e", "TORCH_EXTENSIONS_DIR=/work/job/extensions-twin-cpu"]  # fmt: skip
    whole = {"params": PARAMS, "workspace": "/workspace"}
    steps: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
        ("feature", "choose", {"params": PARAMS}, {}),
        ("feature", "collect", whole, {}),
        ("feature", "prepare", whole, {"raw": "collect/raw"}),
        ("feature", "features", {}, {"documents": "prepare/documents"}),
        ("training", "dataset", {}, {"documents": "prepare/documents", "features": "features/features"}),
        ("training", "train", {}, {"examples": "dataset/examples"}),
    ]  # fmt: skip
    for pipeline, step, parameters, inputs in steps:
        # A cached stage's parameters are what `choose` wrote.
        if not parameters:
            chosen = json.loads((work / "choose" / "executor_output.json").read_text(encoding="utf-8"))
            parameters = {"params": chosen["parameterValues"][step]}
        began = time.monotonic()
        ran("twin-cpu", component(pipeline, step, work, parameters, inputs), *volume)
        seconds = time.monotonic() - began
        output = json.loads((work / step / "executor_output.json").read_text(encoding="utf-8"))
        made = [one["metadata"] for a in output.get("artifacts", {}).values() for one in a["artifacts"]]
        words = ", ".join(
            f"data {found['dvc_md5'][:8]}, code {found['git_sha']}" for found in made if "dvc_md5" in found
        )
        yield (f"KFP component {step}", "twin-cpu", seconds, words or "parameters of each stage")


def training(work: Path, of: str) -> Row:
    """A job of two nodes in image `of`, one process each, DeepSpeed between two containers."""
    prepare = """
import sys
from pathlib import Path
from twin import params
from twin.basemodel import local_path
from twin.training.sft import SftConfig, write_config
job = Path("/work/job", sys.argv[1])
chosen = params.loads(Path("/work/params.yaml").read_text())
base = local_path("bundled", Path("/work/models"))
write_config(SftConfig(base=str(base.folder), dataset="/work/dataset/examples", out=str(job / "adapter"),
    checkpoints=str(job / "checkpoints"), progress=str(job / "progress"), max_tokens=128,
    train=chosen.train.model_dump(mode="json")), job / "config.json")
"""
    place = f"/work/job/{of}"
    compiled = f"TORCH_EXTENSIONS_DIR=/work/job/extensions-{of}"
    options = ["-v", f"{work}:/work", "-e", compiled, "-e", "OMP_NUM_THREADS=1"]
    ran("twin-cpu", ["sh", "-c", f"mkdir {place} && exec python -c '{prepare}' {of}"], *options)
    run = ["torchrun", "--nnodes=2", "--nproc-per-node=1", "--master-port=29500"]
    script = ["-m", "twin.training.sft", "--config", f"{place}/config.json"]
    began = time.monotonic()
    # The first learns its own address only once it runs.
    own = f"exec {' '.join(run)} --node-rank=0 --master-addr=$(hostname -i) {' '.join(script)}"
    address = started(f"{of}-0", of, ["sh", "-c", own], *options, memory="5g")
    started(f"{of}-1", of, [*run, "--node-rank=1", f"--master-addr={address}", *script], *options, memory="5g")
    nodes = [f"{PREFIX}-{of}-{rank}" for rank in (0, 1)]
    for node in nodes:
        locked_down(node)
    most = 0

    def ended() -> bool:
        nonlocal most
        states = [
            engine("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", node).split() for node in nodes
        ]
        if any(status == "exited" and code != "0" for status, code in states):
            sys.exit("\n".join(said(node, 40) for node in nodes))
        most = max(most, *(resident(node) for node in nodes))
        return all(status == "exited" for status, _ in states)

    until("the training job", ended, 900)
    seconds = time.monotonic() - began
    done = json.loads((work / "job" / of / "adapter" / "train.json").read_text(encoding="utf-8"))
    demand(done["processes"] == 2, done)
    losses = f"validation loss {done['first_validation_loss']:.3f} → {done['validation_loss']:.3f}"
    words = f"{done['steps']} steps, {losses}; up to {megabytes(most)} a node"
    return "training: two containers, DeepSpeed ZeRO-2 over gloo", of, seconds, words


def serving(work: Path, url: str) -> Iterator[Row]:
    """Predictor and transformer from the serving image; one draft over HTTP; both end when they are told to."""
    options = ["-v", f"{work}/workspace:/workspace:ro", "-e", "TWIN_ROOT=/workspace", "-e", f"DATABASE_URL={url}"]
    (work / "workspace" / "params.yaml").write_text(PARAMS, encoding="utf-8")
    module = ["python", "-m", "twin.serving.predictor", "--host", "0.0.0.0", "--port", "8082"]
    predictor = started("predictor", "twin-serving", module, *options)
    module = ["python", "-m", "twin.serving.transformer", "--host", "0.0.0.0", "--http_port", "8080",
              "--predictor_host", f"{predictor}:8082"]  # fmt: skip
    pages = {"predictor": "http://127.0.0.1:8082/health", "transformer": "http://127.0.0.1:8080/v2/health/ready"}
    for name, page in pages.items():
        if name == "transformer":
            transformer = started(name, "twin-serving", module, *options)
        seconds = until(name, lambda: answers(f"{PREFIX}-{name}", page))  # noqa: B023
        locked_down(f"{PREFIX}-{name}")
        yield (f"{name}, start to ready", "twin-serving", seconds, megabytes(resident(f"{PREFIX}-{name}")))
    body = {"instances": [{"author": "ada", "register": "post", "brief": "A post about the kettle.", "links": []}]}
    began = time.monotonic()
    # Asked from the other container: the request crosses the network, as the gateway's does.
    answer = asked(f"{PREFIX}-predictor", f"http://{transformer}:8080/v1/models/twin:predict", json.dumps(body))
    seconds = time.monotonic() - began
    draft = json.loads(answer)["predictions"][0]
    demand(bool(draft["text"].strip()), draft)
    words = f"{len(draft['text'].split())} words, {len(draft['citations'])} citations"
    yield ("a draft over HTTP", "twin-serving", seconds, words)
    for name in reversed(pages):
        held = megabytes(resident(f"{PREFIX}-{name}"))
        began = time.monotonic()
        engine("stop", "-t", "30", f"{PREFIX}-{name}")
        seconds = time.monotonic() - began
        code = engine("inspect", "--format", "{{.State.ExitCode}}", f"{PREFIX}-{name}")
        demand(code in ("0", "143"), f"{name} ended with {code}")
        yield (f"{name}, told to stop after the draft", "twin-serving", seconds, f"{held}, exit code {code}")


def clean() -> None:
    """Take away whatever an earlier run left."""
    for pod in engine("pod", "ps", "--format", "{{.Name}}", "--filter", f"name={PREFIX}-", check=False).split():
        engine("pod", "rm", "-f", pod, check=False)
    for name in names():
        engine("rm", "-f", "-t", "2", name, check=False)
    for volume in engine("volume", "ls", "-q", "--filter", f"name={PREFIX}-", check=False).split():
        engine("volume", "rm", "-f", volume, check=False)
    engine("network", "rm", "-f", NET, check=False)
    engine("secret", "rm", f"{PREFIX}-twin-postgres-app", check=False)


def inbox(work: Path) -> None:
    """An author's handed-in posts, in folders that user 1000 may write to."""
    folder = work / "workspace" / "data" / "ada" / "inbox"
    folder.mkdir(parents=True)
    (work / "params.yaml").write_text(PARAMS, encoding="utf-8")
    for number in range(24):
        words = f"The kettle taught me patience {number} times. Our deploy forgot the fog again, as ever it does. "
        (folder / f"2024-{number % 12 + 1:02d}-{number // 12 + 10}-note-{number}.md").write_text(
            f"# Note {number}\n\n{words}\n\nI waited for tide {number * 7}, and the night bus broke at {number}:40.\n"
        )
    for name in ("job", "models"):
        (work / name).mkdir()
    for path in (work, *work.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)


def trial(work: Path) -> Iterator[Row]:
    """Everything, in the order in which a twin is made."""
    yield from contents(IMAGES)
    address = database()
    url = f"postgresql://twin@{address}:5432/twin"
    yield from components(work, url)
    for of in ("twin-training", "twin-cpu"):
        yield training(work, of)
    yield from serving(work, url)
    yield from deployments(address, PARAMS)


def main() -> None:
    """All of it, then the tables."""
    clean()
    engine("network", "create", NET)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="twin-e2e-", ignore_cleanup_errors=True) as folder:
        work = Path(folder)
        inbox(work)
        try:
            for row in trial(work):
                rows.append(row)
                print(f"✓ {row[1]}: {row[0]}: {row[2]:.1f} s, {row[3]}", file=sys.stderr, flush=True)
        finally:
            clean()
            if os.geteuid():
                engine("unshare", "rm", "-rf", str(work / "job"), check=False)
    print("| image | size |\n|---|---|")
    for name in IMAGES:
        print(f"| {name} | {int(engine('image', 'inspect', '--format', '{{.Size}}', image(name))) / 1e9:.2f} GB |")
    print("\n| what ran | image | seconds | |\n|---|---|---|---|")
    for what, of, seconds, words in rows:
        print(f"| {what} | {of} | {seconds:.1f} | {words} |")


if __name__ == "__main__":
    main()
