"""Which content an artifact holds, by the hash DVC gives it, and which choices and code made it."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from twin.params import Params


def dvc_hash(path: Path) -> str:
    """What dvc.lock writes for this content: the MD5 of a file, or of a folder's list of files with `.dir` after it.

    An artifact of a pipeline and an output of `dvc repro` with one hash hold the same bytes.
    """
    if path.is_file():
        return _md5(path)
    rows = [
        {"md5": _md5(file), "relpath": file.relative_to(path).as_posix()} for file in path.rglob("*") if file.is_file()
    ]
    listing = json.dumps(sorted(rows, key=lambda row: row["relpath"]), sort_keys=True)
    return hashlib.md5(listing.encode(), usedforsecurity=False).hexdigest() + ".dir"


def of(path: Path, params: Params) -> dict[str, str]:
    """An artifact's metadata: `dvc_md5`, `params_fingerprint`, `author` and, in our images, the commit as `git_sha`."""
    return {
        "dvc_md5": dvc_hash(path),
        "params_fingerprint": params.fingerprint(),
        "author": params.author.id,
        "git_sha": os.environ.get("TWIN_GIT_SHA", "unknown"),
    }


def _md5(file: Path) -> str:
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
