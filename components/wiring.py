"""What every component shares: the image's name, and how text parameters and the environment become arguments."""

from typing import Any

# A short name without a tag: `pipelines.compile` resolves it with manifests/images, the one place of names and tags.
IMAGE = "twin-cpu"
OPTIONS: dict[str, Any] = {"base_image": IMAGE, "install_kfp_package": False}


def context(stage: str, params: str) -> tuple[Any, Any, Any]:
    """The last three arguments of a stage: Params from YAML text, Settings from the environment, Progress."""
    from twin import params as parameters
    from twin import settings
    from twin.progress import Progress

    loaded = settings.load()
    return parameters.loads(params), loaded, Progress(stage, loaded.progress)


def log(metrics: Any, found: dict[str, float | int | str]) -> None:
    """Numbers become metrics of the run; words become the artifact's metadata."""
    for name, value in found.items():
        if isinstance(value, str):
            metrics.metadata[name] = value
        else:
            metrics.log_metric(name, float(value))
