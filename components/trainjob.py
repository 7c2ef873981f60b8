"""Training as a Kubeflow TrainJob: the stage's arguments and entry point, on as many nodes as params say."""

import dataclasses
import secrets
import shutil
import sys
from pathlib import Path
from typing import Any

from twin.errors import TrainingError
from twin.params import Params
from twin.progress import Progress
from twin.settings import Settings

# The volume that the pipeline's pod and every node of the job mount (manifests/base/training).
SHARED = Path("/shared")
_FINISHED = {"Complete", "Failed"}


def train(
    dataset: Path, out: Path, params: Params, settings: Settings, progress: Progress, shared: Path = SHARED
) -> dict[str, float | int | str]:
    """As twin.stages.train.train, on the cluster: stage in, submit, follow, convert, copy out.

    Checkpoints stay on the shared volume, so a node that dies resumes. Raises TrainingError, ModelError.
    """
    from twin.basemodel import local_path
    from twin.files import read_json, replacing
    from twin.serving.gguf import adapter_to_gguf
    from twin.stages.preferences import prefer
    from twin.training.sft import SftConfig, write_config

    with progress.step(f"prepare the base model {params.train.base_model}"):
        base = local_path(params.train.base_model, shared / "models")
    work = shared / "jobs" / params.author.id / job_key(dataset, params)
    with replacing(work / "dataset") as fresh:
        shutil.copytree(dataset, fresh)
    config = SftConfig(
        base=str(base.folder), dataset=str(work / "dataset"), out=str(work / "adapter"),
        checkpoints=str(work / "checkpoints"), progress=str(work / "progress"),
        max_tokens=params.dataset.max_tokens, train=params.train.model_dump(mode="json"),
    )  # fmt: skip
    made = work / "adapter"
    if not (made / "adapter.gguf").exists():
        submit(f"twin-{work.name}", write_config(config, work / "config.json"), params)
        with progress.step("convert the adapter for the local predictor"):
            adapter_to_gguf(made, base.folder, made / "adapter.gguf")
    if params.train.preference.epochs:
        # Samples are written in this pod; only the training is a job of its own.
        config = dataclasses.replace(config, out=str(work / "preferring"))
        prefer(config, base, made, params, settings, progress, lambda job: submit(f"twin-p-{work.name}", job, params))
        made = work / "preferring"
    with replacing(out) as fresh:
        shutil.copytree(made, fresh, ignore=shutil.ignore_patterns("README.md"))
    shutil.rmtree(work, ignore_errors=True)
    found: dict[str, float | int | str] = read_json(out / "train.json")
    return found


def job_key(dataset: Path, params: Params) -> str:
    """One work folder and job name for one set of examples and choices: a second try finds the first's checkpoints."""
    import hashlib

    from twin import tables

    digest = hashlib.sha256((dataset / tables.EXAMPLES).read_bytes())
    digest.update(params.train.model_dump_json().encode())
    digest.update(str(params.dataset.max_tokens).encode())
    return digest.hexdigest()[:16]


def command(params: Params) -> list[str]:
    """Every node's command. The count of processes is said here: Trainer would else take one for each core."""
    from twin.training.launch import workers

    return ["torchrun", *workers(params.train.processes)]


def trainer(image: str, params: Params) -> Any:
    """The SDK's description of one node; `image` is the runtime's own, so that every node runs our code."""
    from kubeflow.trainer import CustomTrainerContainer

    resources = {"gpu": str(params.cluster.gpus)} if params.cluster.gpus else None
    return CustomTrainerContainer(image=image, num_nodes=params.cluster.nodes, resources_per_node=resources)


def labels(params: Params) -> dict[str, str]:
    """The job's labels; with a queue, Kueue admits the job when all its nodes fit and not before."""
    queue = {"kueue.x-k8s.io/queue-name": params.cluster.queue} if params.cluster.queue else {}
    return {"app.kubernetes.io/part-of": "twin", "twin/author": params.author.id, **queue}


def submit(job: str, config: Path, params: Params, client: Any = None) -> None:
    """Run the job to its end, its first node's log on stderr. Raises TrainingError with the last lines on failure.

    A pipeline's second try follows the first try's job if that still runs: two must not write the same checkpoints.
    """
    from kubeflow.common.types import KubernetesBackendConfig
    from kubeflow.trainer import TrainerClient

    client = client or TrainerClient(KubernetesBackendConfig(namespace=params.cluster.namespace))
    seconds = params.cluster.timeout_minutes * 60
    running = [j.name for j in client.list_jobs() if j.name.startswith(job) and j.status not in _FINISHED]
    name = running[0] if running else _create(client, job, config, params)
    print(f"TrainJob {params.cluster.namespace}/{name}", file=sys.stderr, flush=True)
    client.wait_for_job_status(name, status={"Running", *_FINISHED}, timeout=seconds)
    tail: list[str] = []
    for line in client.get_job_logs(name, follow=True):
        print(line, file=sys.stderr, flush=True)
        tail = [*tail[-5:], line]
    # The default waits for Complete alone and would sit out the timeout of a failed job.
    ended = client.wait_for_job_status(name, status=_FINISHED, timeout=seconds)
    if ended.status != "Complete":
        hint = f"`kubectl -n {params.cluster.namespace} describe trainjob {name}` says more."
        raise TrainingError(f"TrainJob {name} ended as {ended.status}", " / ".join(tail)[-800:], hint)


def _create(client: Any, job: str, config: Path, params: Params) -> str:
    from kubeflow.trainer.options import ActiveDeadlineSeconds, Labels, Name, TrainerArgs, TrainerCommand

    runtime = client.get_runtime(params.cluster.runtime)
    options = [
        Name(f"{job}-{secrets.token_hex(3)}"),
        Labels(labels(params)),
        TrainerCommand(command(params)),
        TrainerArgs(["--config", str(config)]),
        ActiveDeadlineSeconds(params.cluster.timeout_minutes * 60),
    ]
    return str(client.train(runtime=runtime, trainer=trainer(runtime.trainer.image, params), options=options))
