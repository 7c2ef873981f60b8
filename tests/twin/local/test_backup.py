"""Backup and restore: what a person owns comes back from one file, hash by hash, and a damaged file changes nothing."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from twin.errors import DataError
from twin.files import read_json, write_bytes, write_json, write_text
from twin.local import archive, postgres
from twin.local import restore as restoring
from twin.local.backup import backup
from twin.local.restore import restore
from twin.monitoring import payload
from twin.records import Draft
from twin.settings import Settings

pytestmark = pytest.mark.slow
SHA = hashlib.sha256(b"weights").hexdigest()


@pytest.fixture
def place(settings: Settings) -> Iterator[Settings]:
    """A project and its home in a short folder that the server's user may enter, with a little of everything owned."""
    folder = Path(tempfile.mkdtemp(prefix="twin-back-"))
    own = dataclasses.replace(settings, root=folder / "p", home=folder / "p" / ".twin", mlflow_uri="")
    try:
        fill(own)
        yield own
    finally:
        postgres.stop(own)
        shutil.rmtree(folder, ignore_errors=True)


def fill(own: Settings) -> None:
    root, home = own.root, own.home
    write_text(root / "params.yaml", "author: {id: hesk, name: Hesk}\n")
    write_text(root / "data" / "hesk" / "inbox" / "a.md", "The tide came in late. 🌊\n")
    write_bytes(root / "data" / "hesk" / "raw" / "documents.parquet", os.urandom(5000))
    write_json(root / "data" / "hesk" / "raw" / "sources.json", {"a": {"consent": "own archive"}})
    write_text(root / "data" / "hesk" / "edits" / "pairs.jsonl", '{"chosen": "kettle"}\n')
    write_bytes(root / "models" / "hesk" / "adapter" / "adapter_model.safetensors", b"weights")
    write_text(root / "authors" / "bo" / "params.yaml", "author: {id: bo, name: Bo}\n")
    (root / "authors" / "bo" / "twin").symlink_to("../../twin")
    write_json(home / "drafts" / "hesk" / "d1.json", {"verdict": "accepted", "text": "A kettle."})
    kept = home / "serving" / "adapters" / "hesk" / SHA[:16]
    write_bytes(kept / "adapter_model.safetensors", b"weights")
    pointer = {"author": "hesk", "version": "3", "adapter_dir": str(kept), "gguf": str(kept / "a.gguf"), "sha256": SHA}
    write_json(home / "serving" / "hesk.json", pointer)
    write_json(home / "accounts.json", {"ann": "hash"})
    write_text(home / "tokens.json", "sealed")
    write_text(home / "vault.key", "key")
    write_text(home / "logs" / "noise.log", "noise")
    (home / "mlflow").mkdir()
    with closing(sqlite3.connect(home / "mlflow" / "mlflow.db")) as opened, opened:
        opened.execute("CREATE TABLE runs (artifact_uri TEXT)")
        opened.execute("CREATE TABLE experiments (artifact_location TEXT)")
        opened.execute("CREATE TABLE model_versions (source TEXT, storage_location TEXT)")
        opened.execute("INSERT INTO runs VALUES (?)", [f"file://{home}/mlflow/artifacts/1"])


def sums(own: Settings) -> dict[str, str]:
    """Every owned file by its hash; SQLite by its content."""
    found = {}
    for top in (
        own.root / "data",
        own.root / "models",
        own.root / "authors",
        own.home / "drafts",
        own.home / "serving",
    ):
        for path in sorted(p for p in top.rglob("*") if p.is_file() and not p.is_symlink()):
            found[str(path.relative_to(own.root))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def test_what_was_destroyed_comes_back_with_the_same_hashes_and_answers(place: Settings, tmp_path: Path) -> None:
    file = tmp_path / "twin.tar"
    with postgres.running(place) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE facts (id int PRIMARY KEY, near vector(3))")
            connection.execute("INSERT INTO facts VALUES (1, '[1,0,0]'), (2, '[0,1,0]'), (3, '[0,0,1]')")
        payload.record(url, Draft(id="d1", author="hesk", register="post", brief="tea", text="A kettle."), 1.5)
        assert payload.flush(url)
        log = payload.read(url, "hesk", 9).to_json()
        said = backup(place, file, with_secrets=False)
    payload._writers.pop(url, None)
    before = sums(place)
    assert "platform tokens left out" in said and file.stat().st_mode & 0o077 == 0
    with tarfile.open(file) as tar:
        names = tar.getnames()
    assert not [name for name in names if name.endswith(("tokens.json", "vault.key", "noise.log"))]

    shutil.rmtree(place.root)
    told = restore(place, file, over=False)
    assert "each with its hash" in told and "tokens were not in it" in told
    assert sums(place) == before
    assert (place.root / "authors" / "bo" / "twin").readlink() == Path("../../twin")
    with postgres.running(place) as url:
        assert payload.read(url, "hesk", 9).to_json() == log
        with psycopg.connect(url) as connection:
            nearest = connection.execute("SELECT id FROM facts ORDER BY near <-> '[0,0.9,0.3]' LIMIT 1").fetchone()
        assert nearest == (2,)
    assert not list(place.root.glob(".restor*")) and not list(place.home.glob(".restor*"))


def small(place: Settings, tmp_path: Path) -> Path:
    """A backup without a database: quick."""
    file = tmp_path / "small.tar"
    backup(place, file, with_secrets=False)
    return file


def test_a_damaged_backup_is_refused_before_anything_is_touched(place: Settings, tmp_path: Path) -> None:
    file = small(place, tmp_path)
    whole, before = file.read_bytes(), sums(place)
    at = whole.index(b"The tide came in late")
    for number, broken in enumerate(
        (whole[:at] + b"X" + whole[at + 1 :], whole[: len(whole) // 2], whole[:at], b"", b"no tar at all" * 100)
    ):
        damaged = write_bytes(tmp_path / f"{number}.tar", broken)
        with pytest.raises(DataError, match=r"damaged|cut off"):
            restore(place, damaged, over=True)
    with pytest.raises(DataError, match="no such backup"):
        restore(place, tmp_path / "none.tar", over=True)
    assert sums(place) == before and not list(place.root.glob("before-restore-*"))


def test_an_archive_that_would_write_elsewhere_is_refused(place: Settings, tmp_path: Path) -> None:
    for name in ("root/../../evil", "/etc/evil", "elsewhere/evil"):
        file = tmp_path / "evil.tar"
        with tarfile.open(file, "w") as tar:
            writer = archive.Writer(tar)
            info = tarfile.TarInfo(name)
            info.size = 4
            tar.addfile(info, io.BytesIO(b"evil"))
            writer.entries[name] = {"sha256": hashlib.sha256(b"evil").hexdigest(), "size": 4}
            writer.seal({"at": "", "root": "", "home": "", "secrets": False, "database": False})
        with pytest.raises(DataError, match="outside its folders"):
            restore(place, file, over=True)


def test_what_is_here_is_kept_when_it_is_replaced(place: Settings, tmp_path: Path) -> None:
    file, before = small(place, tmp_path), sums(place)
    write_text(place.root / "data" / "hesk" / "inbox" / "a.md", "changed since\n")
    write_json(place.home / "schedule" / "later.json", {"made": "since"})
    with pytest.raises(DataError, match="--replace"):
        restore(place, file, over=False)
    restore(place, file, over=True)
    assert sums(place) == before and not (place.home / "schedule").exists()
    (kept,) = place.root.glob("before-restore-*")
    assert "changed since\n" in {path.read_text() for path in kept.glob("*-data/hesk/inbox/a.md")}
    assert (place.home / "logs" / "noise.log").exists(), "what is made again by itself stays"


def test_a_restore_killed_between_two_moves_is_carried_on(
    place: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, before = small(place, tmp_path), sums(place)
    write_text(place.root / "data" / "hesk" / "inbox" / "a.md", "changed since\n")
    moved = []
    whole = restoring._swap

    def killed(new: Path | None, target: Path, old: Path) -> None:
        if len(moved) == 2:
            shutil.move(target, old) if target.exists() else None  # half of a move, then the end
            raise KeyboardInterrupt
        moved.append(target)
        whole(new, target, old)

    monkeypatch.setattr(restoring, "_swap", killed)
    with pytest.raises(KeyboardInterrupt):
        restore(place, file, over=True)
    monkeypatch.setattr(restoring, "_swap", whole)
    assert restoring.finish(place) and not restoring.finish(place)
    assert sums(place) == before


def test_a_backup_restored_elsewhere_names_the_new_place(place: Settings, tmp_path: Path) -> None:
    file = small(place, tmp_path)
    other = dataclasses.replace(place, root=tmp_path / "new", home=tmp_path / "new" / "home")
    restore(other, file, over=False)
    pointer = read_json(other.home / "serving" / "hesk.json")
    assert Path(pointer["adapter_dir"]).is_dir() and str(other.home) in pointer["gguf"]
    with closing(sqlite3.connect(other.home / "mlflow" / "mlflow.db")) as opened:
        (uri,) = opened.execute("SELECT artifact_uri FROM runs").fetchone()
    assert uri == f"file://{other.home}/mlflow/artifacts/1"
