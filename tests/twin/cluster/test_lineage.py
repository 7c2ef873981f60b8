"""The hash of an artifact is the one DVC writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from twin import params as parameters
from twin.cluster import lineage


def test_a_folder_and_a_file_hash_as_dvc_hashes_them(tmp_path: Path) -> None:
    (tmp_path / "out" / "sub").mkdir(parents=True)
    (tmp_path / "out" / "b.txt").write_text("two")
    (tmp_path / "out" / "sub" / "a.txt").write_text("one")
    (tmp_path / "file.bin").write_bytes(b"\x00\x01")
    for arguments in (["init", "--no-scm", "-q"], ["add", "-q", "out", "file.bin"]):
        subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=tmp_path, check=True)
    for name in ("out", "file.bin"):
        written = yaml.safe_load((tmp_path / f"{name}.dvc").read_text())["outs"][0]["md5"]
        assert lineage.dvc_hash(tmp_path / name) == written


def test_metadata_names_content_choices_author_and_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIN_GIT_SHA", "abc1234")
    chosen = parameters.loads("author: {id: ada, name: Ada}")
    (tmp_path / "x").write_text("x")
    found = lineage.of(tmp_path / "x", chosen)
    assert found["git_sha"] == "abc1234" and found["author"] == "ada"
    assert found["params_fingerprint"] == chosen.fingerprint() and len(found["dvc_md5"]) == 32
