"""`twin runs`: the trained versions of the author in params.yaml, for people or for programs."""

from __future__ import annotations

import json
import time
from typing import Any

from twin import params as params_file
from twin import registry
from twin.settings import Settings


def runs(settings: Settings, as_json: bool) -> str:
    """The versions, newest first, as a table or as JSON; raises RegistryError."""
    author = params_file.load(settings.root / "params.yaml").author.id
    new = settings.mlflow_uri.startswith("sqlite:") and not (settings.home / "mlflow").exists()
    found = [] if new else registry.history(settings, author)  # Only to look must not make a database.
    if as_json:
        return json.dumps(found)
    return "\n".join(map(_line, found)) or "No version yet."


def _line(run: dict[str, Any]) -> str:
    said = [f"version {run['version']}", time.strftime("%Y-%m-%d %H:%M", time.localtime(run["at"])), run["gate"] or "?"]
    if run["champion"]:
        said.append("writes now")
    return " · ".join([*said, *(f"{key} {value:.4g}" for key, value in run["figures"].items())])
