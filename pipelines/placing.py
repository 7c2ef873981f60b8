"""How a task runs on the cluster: secrets by reference, settings, resources, retries. Local runs ignore it."""

from typing import Any

from kfp import kubernetes

# CloudNativePG writes this secret for its application user.
DATABASE = ("twin-postgres-app", {"uri": "DATABASE_URL"})
SETTINGS = (
    "twin-settings",
    {
        name: name
        for name in ("TWIN_ROOT", "TWIN_HOME", "MLFLOW_TRACKING_URI", "TWIN_PREDICTOR_URL", "TWIN_ENDPOINT_URL")
    },
)
WORKSPACE, MODELS, SHARED = ("twin-workspace", "/workspace"), ("twin-models", "/models"), ("twin-training", "/shared")


def placed(task: Any, *, cpu: str, memory: str, cached: bool = True, volume: tuple[str, str] | None = None) -> Any:
    """The task with its limits, secrets, settings, two retries and, where it needs one, a volume.

    `cached` False is for what reads the world outside its inputs: sources, the registry, logged requests.
    """
    kubernetes.use_secret_as_env(task, secret_name=DATABASE[0], secret_key_to_env=DATABASE[1])
    kubernetes.use_config_map_as_env(task, config_map_name=SETTINGS[0], config_map_key_to_env=SETTINGS[1])
    kubernetes.set_security_context(task, run_as_user=1000, run_as_group=1000, run_as_non_root=True)
    if volume:
        kubernetes.mount_pvc(task, pvc_name=volume[0], mount_path=volume[1])
    task.set_cpu_request(cpu).set_cpu_limit(cpu).set_memory_request(memory).set_memory_limit(memory)
    task.set_caching_options(cached)
    return task.set_retry(2, backoff_duration="30s", backoff_factor=2.0)
