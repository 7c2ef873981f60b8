"""How a task runs on the cluster: secrets by reference, settings, resources, time, retries. Local runs ignore it."""

from typing import Any

from kfp import dsl, kubernetes

from components.notify import notify

# CloudNativePG writes this secret for its application user.
DATABASE = ("twin-postgres-app", {"uri": "DATABASE_URL"})
# A webhook's address, for clusters that want to be told; optional.
NOTIFY = ("twin-notify", {"url": "TWIN_NOTIFY_URL"})
SETTINGS = (
    "twin-settings",
    {
        name: name
        for name in ("TWIN_ROOT", "TWIN_HOME", "MLFLOW_TRACKING_URI", "TWIN_PREDICTOR_URL", "TWIN_ENDPOINT_URL")
    },
)
WORKSPACE, MODELS, SHARED = ("twin-workspace", "/workspace"), ("twin-models", "/models"), ("twin-training", "/shared")
# Authors of a fleet that are worked on at once.
PARALLEL = 4


def placed(
    task: Any, *, cpu: str, memory: str, minutes: int = 60, cached: bool = True, volume: tuple[str, str] | None = None
) -> Any:
    """The task with its limits, secrets, settings, time, two retries and, where it needs one, a volume.

    `minutes` bounds one try. `cached` False is for what reads the world outside its inputs: sources, the registry,
    logged requests.
    """
    kubernetes.use_secret_as_env(task, secret_name=DATABASE[0], secret_key_to_env=DATABASE[1])
    kubernetes.use_config_map_as_env(task, config_map_name=SETTINGS[0], config_map_key_to_env=SETTINGS[1])
    if volume:
        kubernetes.mount_pvc(task, pvc_name=volume[0], mount_path=volume[1])
    return _bounded(task, cpu, memory, minutes).set_caching_options(cached)


def watched(pipeline: str, author: Any = "") -> dsl.ExitHandler:
    """A block whose end, good or bad, is told to the webhook of the secret twin-notify."""
    task = notify(pipeline=pipeline, author=author)
    kubernetes.use_secret_as_env(task, secret_name=NOTIFY[0], secret_key_to_env=NOTIFY[1], optional=True)
    _bounded(task, "200m", "512Mi", 5).set_caching_options(False)
    return dsl.ExitHandler(task, name=f"{pipeline}-ended")


def _bounded(task: Any, cpu: str, memory: str, minutes: int) -> Any:
    kubernetes.set_security_context(task, run_as_user=1000, run_as_group=1000, run_as_non_root=True)
    kubernetes.set_timeout(task, seconds=minutes * 60)
    task.set_cpu_request(cpu).set_cpu_limit(cpu).set_memory_request(memory).set_memory_limit(memory)
    return task.set_retry(2, backoff_duration="30s", backoff_factor=2.0)
