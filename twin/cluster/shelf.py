"""The models' volume: base models and adapters by version, with links to what serves and what is being tried."""

from __future__ import annotations

import shutil
from pathlib import Path

from twin.files import replacing

CURRENT, CANARY = "current", "canary"


def publish(source: Path, folder: Path, version: str, link: str = CURRENT) -> str:
    """Copy `source` to `folder/<version>` once and let `link` name it; returns what `link` named before ('' if none)."""
    if not (folder / version).exists():
        with replacing(folder / version) as fresh:
            shutil.copytree(source, fresh)
    before = named(folder, link)
    point(folder, version, link)
    return before


def named(folder: Path, link: str = CURRENT) -> str:
    """The version that a link names, '' for none."""
    path = folder / link
    return path.readlink().name if path.is_symlink() else ""


def point(folder: Path, version: str, link: str = CURRENT) -> None:
    """Let `folder/<link>` name this version; '' takes the link away."""
    if not version:
        (folder / link).unlink(missing_ok=True)
        return
    # Relative, since the cluster mounts the folder elsewhere; by rename, so that no reader ever finds no link.
    fresh = folder / f".{link}.next"
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(version)
    fresh.replace(folder / link)
