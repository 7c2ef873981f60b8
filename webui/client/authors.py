"""The authors of this house: the one of the root, and others with a project folder of their own below `authors/`."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import yaml

from twin import params as twin_params
from twin.errors import SourceError, TwinError
from twin.settings import Settings
from webui.client import sources

FOLDER = "authors"
# What a further author's project shares with the house: the pipeline and the code that its stages depend on.
_SHARED = ("dvc.yaml", ".dvcignore", "twin", "feature_repo", "examples")
_DVC = "[core]\n    no_scm = true\n    analytics = false\n    check_update = false\n"


def settings_of(house: Settings) -> dict[str, Settings]:
    """Each author's settings by id, the root's own first (its id is empty while there is no params.yaml)."""
    found = {_id(house.root): house}
    for file in sorted((house.root / FOLDER).glob("[!.]*/params.yaml")):
        name = _id(file.parent)
        if name and name not in found:
            found[name] = replace(house, root=file.parent, author_home=house.home / FOLDER / name)
    return found


def name_of(settings: Settings) -> str:
    """The author's name for people."""
    try:
        return twin_params.load(settings.root / "params.yaml").author.name
    except TwinError:
        return _id(settings.root) or "New twin"


def add(house: Settings, name: str) -> str:
    """Make a project folder for one more author, with the house's choices and no sources; returns the id.

    Raises SourceError for an empty name and for one that is here already.
    """
    folder = house.root / FOLDER
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as spare:
        project = Path(spare) / "project"
        (project / ".dvc").mkdir(parents=True)
        (project / ".dvc" / "config").write_text(_DVC, encoding="utf-8")
        if (house.root / "params.yaml").exists():
            (project / "params.yaml").write_bytes((house.root / "params.yaml").read_bytes())
        author = sources.begin(project / "params.yaml", name).author.id
        (project / "params.previous.yaml").unlink(missing_ok=True)
        if author in settings_of(house) or (folder / author).exists():
            raise SourceError("There is an author of this name", author, "Open it, or give this one another name.")
        for shared in filter(lambda name: (house.root / name).exists(), _SHARED):
            (project / shared).symlink_to(Path("..") / ".." / shared)
        project.rename(folder / author)
    return author


def _id(root: Path) -> str:
    """The author's id, without the strict check: a mistake elsewhere in the file must not hide whose it is."""
    file = root / "params.yaml"
    try:
        stat = file.stat()
    except OSError:
        return ""
    return _read_id(file, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=256)
def _read_id(file: Path, changed: int, size: int) -> str:
    try:
        return str(yaml.safe_load(file.read_text(encoding="utf-8"))["author"]["id"])
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        return ""
