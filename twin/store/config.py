"""Feast's configuration from feature_repo/feature_store.yaml with this run's database filled in."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

from twin.errors import StoreError


def feature_store(database_url: str, root: Path) -> Any:
    """A Feast FeatureStore; `root` is where relative offline paths begin."""
    import yaml
    from feast import FeatureStore, RepoConfig

    values = {"DATABASE_URL": database_url, "FEAST_REGISTRY": registry_url(database_url)}
    config = _filled(yaml.safe_load(_template().read_text(encoding="utf-8")), values)
    return FeatureStore(config=RepoConfig(**config, repo_path=root))


def _filled(node: Any, values: dict[str, str]) -> Any:
    """The template's nodes with ${NAME} replaced, after parsing: a URL may hold any sign of YAML's."""
    if isinstance(node, dict):
        return {key: _filled(value, values) for key, value in node.items()}
    return Template(node).substitute(values) if isinstance(node, str) else node


def registry_url(database_url: str) -> str:
    """The same database for SQLAlchemy and psycopg 3, with Feast's own tables kept in the schema `feast`."""
    _, _, rest = database_url.partition("://")
    joint = "&" if "?" in rest else "?"
    return f"postgresql+psycopg://{rest}{joint}options={quote('-csearch_path=feast')}"


def _template() -> Path:
    spec = find_spec("feature_repo")
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(place) / "feature_store.yaml").is_file():
            return path
    raise StoreError("Feast's configuration is not installed", "feature_repo/feature_store.yaml", "Run `make setup`.")
