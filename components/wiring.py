"""What every component shares: the image's name, and how text parameters and the environment become arguments."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

# A short name without a tag: `pipelines.compile` resolves it with manifests/images, the one place of names and tags.
IMAGE = "twin-cpu"
OPTIONS: dict[str, Any] = {"base_image": IMAGE, "install_kfp_package": False}
DVC = Path(__file__).resolve().parent.parent / "dvc.yaml"
# Where a job runs, which dvc.yaml has no word for: a TrainJob needs it, and it decides how batches are laid out.
JOB = ("namespace", "nodes", "gpus", "runtime", "queue", "timeout_minutes")
_MARK = "# what one stage reads\n"


class Chosen(NamedTuple):
    """The parts of params.yaml that the cached stages read, one YAML text each."""

    features: str
    dataset: str
    train: str
    evaluate: str


def context(stage: str, params: str) -> tuple[Any, Any, Any]:
    """The last three arguments of a stage: Params from YAML text, Settings from the environment, Progress.

    Of a text that `sections` made, only what it holds can be read; anything else raises ParamsError: a stage that
    read a default there would compute with a value that nobody chose.
    """
    from twin import params as parameters
    from twin import settings
    from twin.progress import Progress

    loaded, chosen = settings.load(), parameters.loads(params)
    given: Any = Only(chosen, stage) if params.startswith(_MARK) else chosen
    return given, loaded, Progress(stage, loaded.progress)


def sections(params: str) -> Chosen:
    """Cut params.yaml's text to what dvc.yaml says each cached stage reads: a cache key must not hold the rest."""
    import yaml

    from twin import params as parameters

    whole = parameters.loads(params).as_dict()
    stages = yaml.safe_load(DVC.read_text(encoding="utf-8"))["stages"]
    extra = {"train": [f"cluster.{name}" for name in JOB]}
    return Chosen(*(_cut(whole, [*stages[name]["params"], *extra.get(name, [])]) for name in Chosen._fields))


def _cut(whole: dict[str, Any], names: list[str]) -> str:
    import yaml

    kept: dict[str, Any] = {}
    for name in names:
        section, _, key = name.partition(".")
        if key:
            kept.setdefault(section, {})[key] = whole[section][key]
        else:
            kept[section] = whole[section]
    return _MARK + yaml.safe_dump(kept, sort_keys=True, allow_unicode=True)


class Only:
    """A section of params that lets nothing be read but what was given."""

    def __init__(self, model: Any, path: str) -> None:
        self._model, self._path = model, path

    def __getattr__(self, name: str) -> Any:
        from pydantic import BaseModel

        from twin.errors import ParamsError

        value = getattr(self._model, name)
        fields = type(self._model).model_fields
        if name in fields and name not in self._model.model_fields_set:
            mend = "Add it to the stage's params in dvc.yaml."
            raise ParamsError(
                "a stage reads a choice that dvc.yaml does not name for it", f"{self._path}: {name}", mend
            )
        partial = isinstance(value, BaseModel) and set(type(value).model_fields) != value.model_fields_set
        return Only(value, f"{self._path}.{name}") if partial else value


def log(metrics: Any, found: Mapping[str, float | int | str | None]) -> None:
    """Numbers become metrics of the run; words become the artifact's metadata; what was not measured is left out."""
    for name, value in found.items():
        if isinstance(value, str):
            metrics.metadata[name] = value
        elif value is not None:
            metrics.log_metric(name, float(value))


def trace(artifact: Any, params: Any, **more: str) -> None:
    """Give an artifact its lineage: DVC's hash of its content, the choices and the code that made it."""
    from twin.cluster import lineage

    artifact.metadata.update({**lineage.of(Path(artifact.path), params), **more})
