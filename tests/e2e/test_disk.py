"""A disk that is full or read-only: said with its mend, nothing torn, and the same command goes on afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

REPOSITORY = Path(__file__).parents[2]
PARAMS = "author: {id: ann, name: Ann Lee}\nsources: [{kind: files, path: texts}]\n"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own where this machine lets us have one, else a folder."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True)
    yield place
    if mounted.returncode == 0:
        subprocess.run(["umount", "-l", str(place)], check=True)


def collect(root: Path, limit: int = 0) -> subprocess.CompletedProcess[str]:
    """Run `twin collect`; no file may grow beyond `limit` bytes, where one is given."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("TWIN_", "DATABASE_URL"))}
    env |= {"TWIN_ROOT": str(root), "TWIN_HOME": str(root / ".twin"), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "twin", "collect"]
    if limit:
        command = ["prlimit", f"--fsize={limit}", *command]
    return subprocess.run(command, env=env, cwd=REPOSITORY, capture_output=True, text=True, timeout=300)


def posts(root: Path, first: int, count: int) -> None:
    """So many texts to collect, that do not pack well."""
    folder = root / "data" / "ann" / "inbox" / "texts"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        (folder / f"{number}.md").write_text(f"# Day {number}\n\n{os.urandom(1500).hex()}\n")


@pytest.mark.slow
def test_a_full_disk_and_a_read_only_one_take_nothing_away(disk: Path) -> None:
    (disk / "params.yaml").write_text(PARAMS)
    posts(disk, 0, 3)
    assert collect(disk).returncode == 0
    kept = disk / "data" / "ann" / "raw" / "documents.parquet"
    before = kept.read_bytes()
    posts(disk, 3, 30)

    own = os.path.ismount(disk)
    if own:
        filler = disk / "filler"
        with pytest.raises(OSError, match="No space"), open(filler, "wb") as file:
            while True:
                file.write(os.urandom(65536))
                file.flush()
        with open(filler, "r+b") as file:
            file.truncate(filler.stat().st_size - 48 * 1024)
    full = collect(disk, limit=0 if own else 16 * 1024)
    assert full.returncode == 2, full.stderr
    assert "Nothing was left half-written. Free some space" in full.stderr and "Traceback" not in full.stderr
    assert kept.read_bytes() == before
    if own:
        filler.unlink()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        refused = collect(disk)
        assert refused.returncode == 2
        assert "Read-only file system" in refused.stderr and "Traceback" not in refused.stderr
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    assert collect(disk).returncode == 0
    assert len(pd.read_parquet(kept)) == 33
    assert not [path for path in disk.rglob(".*.????????") if path.is_dir()], "and no halves are left"
    shutil.rmtree(disk / "data")
