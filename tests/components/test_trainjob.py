"""What the training component asks of Kubeflow Trainer, through the real SDK."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from components import trainjob
from twin import params as parameters
from twin.errors import TrainingError
from twin.params import Params
from twin.training.launch import workers

ROOT = Path(__file__).resolve().parents[2]
GROUP = "/apis/trainer.kubeflow.org/v1alpha1"
CHOICES = """
author: {id: ada, name: Ada}
train: {processes: 2}
cluster: {nodes: 3, gpus: 1, timeout_minutes: 5}
"""


@pytest.fixture
def chosen(api: Any) -> Params:
    """Three nodes of two processes, on the runtime as manifests/ defines it."""
    runtime = yaml.safe_load((ROOT / "manifests" / "base" / "runtime" / "runtime.yaml").read_text(encoding="utf-8"))
    api.objects[f"{GROUP}/clustertrainingruntimes/twin-torch"] = runtime
    api.lists["/api/v1/namespaces/twin/pods"] = [node_pod(runtime)]
    api.logs = "learning\nlearned\n"
    return parameters.loads(CHOICES)


def node_pod(runtime: dict[str, Any]) -> dict[str, Any]:
    template = runtime["spec"]["template"]["spec"]["replicatedJobs"][0]["template"]["spec"]["template"]
    labels = {"jobset.sigs.k8s.io/replicatedjob-name": "node", "batch.kubernetes.io/job-completion-index": "0"}
    return {
        "metadata": {"name": "job-node-0-0", "namespace": "twin", "labels": labels},
        "spec": template["spec"],
        "status": {"phase": "Running"},
    }


def test_a_job_asks_for_every_node_by_the_entry_point_that_runs_here(
    api: Any, chosen: Params, capsys: pytest.CaptureFixture[str]
) -> None:
    trainjob.submit("twin-abc", Path("/shared/jobs/ada/abc/config.json"), chosen)

    (job,) = api.posted
    assert job["metadata"]["name"].startswith("twin-abc-")
    assert job["spec"]["runtimeRef"] == {"kind": "ClusterTrainingRuntime", "name": "twin-torch"}
    trainer = job["spec"]["trainer"]
    assert trainer["numNodes"] == 3
    assert trainer["command"] == ["torchrun", *workers(2)] and "--max-restarts" in workers(2)
    assert trainer["args"] == ["--config", "/shared/jobs/ada/abc/config.json"]
    assert trainer["image"] == "twin-training"
    assert trainer["resourcesPerNode"]["limits"] == {"nvidia.com/gpu": "1"}
    assert job["spec"]["activeDeadlineSeconds"] == 300
    assert "learned" in capsys.readouterr().err


def test_a_failed_job_says_its_last_lines_and_where_to_look(api: Any, chosen: Params) -> None:
    api.verdict, api.logs = "Failed", "step 1\nCUDA out of memory\n"
    with pytest.raises(TrainingError, match=r"ended as Failed: .*CUDA out of memory.*describe trainjob twin-abc"):
        trainjob.submit("twin-abc", Path("/shared/config.json"), chosen)


def test_a_second_try_follows_the_job_that_still_runs(api: Any, chosen: Params) -> None:
    running = {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "metadata": {"name": "twin-abc-111111", "namespace": "twin", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"runtimeRef": {"name": "twin-torch", "kind": "ClusterTrainingRuntime"}},
    }
    path = f"{GROUP}/namespaces/twin/trainjobs"
    api.lists[path], api.objects[f"{path}/twin-abc-111111"] = [running], {**running, "status": finished()}

    trainjob.submit("twin-abc", Path("/shared/config.json"), chosen)

    assert api.posted == []


def finished() -> dict[str, Any]:
    when = "2026-01-01T00:00:00Z"
    return {
        "conditions": [{"type": "Complete", "status": "True", "reason": "x", "message": "", "lastTransitionTime": when}]
    }


def test_the_same_examples_and_choices_share_a_work_folder_and_others_do_not(tmp_path: Path) -> None:
    (tmp_path / "examples.parquet").write_bytes(b"rows")
    one = parameters.loads(CHOICES)
    other = parameters.loads(CHOICES.replace("processes: 2", "processes: 2, epochs: 1"))
    key = trainjob.job_key(tmp_path, one)
    assert key == trainjob.job_key(tmp_path, one) != trainjob.job_key(tmp_path, other)
    (tmp_path / "examples.parquet").write_bytes(b"other rows")
    assert trainjob.job_key(tmp_path, one) != key
