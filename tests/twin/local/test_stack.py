"""The supervisor looks after what it started, and clears away what a killed one left."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from twin.local import postgres, presence, stack
from twin.settings import Settings


@pytest.fixture
def home(settings: Settings) -> Iterator[Settings]:
    folder = Path(tempfile.mkdtemp(prefix="twin-pg-"))
    own = dataclasses.replace(settings, home=folder, root=folder)
    yield own
    postgres.stop(own)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
def test_a_killed_database_is_started_again_under_the_same_address(home: Settings) -> None:
    url = postgres.ensure(home)
    stack._revive_database(home)
    os.kill(int((home.home / "postgres" / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    while postgres.lives(home):
        pass
    stack._revive_database(home)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_stack_whose_home_was_removed_ends_and_makes_no_new_one(settings: Settings) -> None:
    settings.home.mkdir(parents=True)
    with presence.held(settings.home):
        shutil.rmtree(settings.home)
        stack._watch(settings, [], None)
    assert not settings.home.exists()


def test_another_servers_database_is_left_to_its_owner(settings: Settings) -> None:
    given = dataclasses.replace(settings, database_url="postgresql://u@db.example/twin")
    stack._revive_database(given)
    assert not (given.home / "postgres").exists()


def test_the_next_start_ends_what_a_killed_one_left_and_mends_its_files(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    half = settings.home / "drafts" / "ann" / ".d1.json.abcdefgh"
    half.mkdir(parents=True)
    (half / "d1.json").write_text("{")
    torn = settings.root / ".dvc" / "tmp" / "rwlock"
    torn.parent.mkdir(parents=True)
    torn.write_text("{")
    env = {**os.environ, "TWIN_STACK": str(settings.home)}
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env=env)
    stack._tidy(settings)
    assert left.poll() is not None
    assert not half.exists() and not torn.exists()
    said = capsys.readouterr().err
    assert "ended 1 processes" in said and "cleared away 1 files" in said
