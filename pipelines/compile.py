"""`python -m pipelines.compile`: every pipeline's IR into pipelines/ir, images named as in manifests/images."""

import argparse
import tempfile
from pathlib import Path

import yaml

NAMES = ("feature", "training", "inference", "monitoring", "fleet")
ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "pipelines" / "ir"
IMAGES = ROOT / "manifests" / "images" / "kustomization.yaml"


def definition(name: str) -> object:
    """The pipeline called `name`."""
    from importlib import import_module

    return getattr(import_module(f"pipelines.{name}"), name)


def image(name: str) -> str:
    """The whole name of one of our images, by kustomize's rules: newName, then digest or newTag."""
    for entry in yaml.safe_load(IMAGES.read_text(encoding="utf-8"))["images"]:
        if entry["name"] == name:
            whole = entry.get("newName", name)
            return f"{whole}@{entry['digest']}" if "digest" in entry else f"{whole}:{entry['newTag']}"
    raise KeyError(f"{name} is not in {IMAGES}")


def compiled(name: str) -> str:
    """The IR YAML of a pipeline, its platform part after it."""
    from kfp.compiler import Compiler

    from components.wiring import IMAGE

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.yaml"
        Compiler().compile(definition(name), str(path))
        return path.read_text(encoding="utf-8").replace(f"image: {IMAGE}\n", f"image: {image(IMAGE)}\n")


def main() -> None:
    """Write all files, or with --check name those that differ from their source and exit with 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a file is stale")
    check = parser.parse_args().check
    FOLDER.mkdir(exist_ok=True)
    stale = [
        n
        for n in NAMES
        if not (path := FOLDER / f"{n}.yaml").exists() or path.read_text(encoding="utf-8") != compiled(n)
    ]
    if check and stale:
        raise SystemExit(f"stale: {', '.join(stale)}. Run `python -m pipelines.compile`.")
    for name in stale:
        (FOLDER / f"{name}.yaml").write_text(compiled(name), encoding="utf-8")
    print(f"{FOLDER.relative_to(ROOT)}: {len(NAMES)} pipelines, {len(stale)} rewritten")


if __name__ == "__main__":
    main()
