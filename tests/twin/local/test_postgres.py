"""The embedded PostgreSQL: started by anyone, shared by all, and alive again after a kill."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from twin.errors import StackError
from twin.local import postgres
from twin.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture
def home(settings: Settings) -> Iterator[Settings]:
    folder = Path(tempfile.mkdtemp(prefix="twin-pg-"))
    own = dataclasses.replace(settings, home=folder)
    yield own
    postgres.stop(own)
    shutil.rmtree(folder, ignore_errors=True)


def ask(url: str, query: str = "SELECT 1") -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def pid_of(settings: Settings) -> int:
    return int((settings.home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])


def test_a_killed_server_comes_back_within_two_seconds_with_what_was_committed(home: Settings) -> None:
    url = postgres.ensure(home)
    assert ask(url, "SELECT extversion FROM pg_extension WHERE extname = 'vector'")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 'still here' AS word")
    assert postgres.lives(home)
    os.kill(pid_of(home), signal.SIGKILL)
    while postgres.lives(home):
        time.sleep(0.01)
    started = time.monotonic()
    assert postgres.ensure(home) == url
    assert time.monotonic() - started < 2
    assert ask(url, "SELECT word FROM kept") == "still here"


def test_it_starts_although_another_program_has_its_old_process_number(home: Settings) -> None:
    url = postgres.ensure(home)
    postgres.stop(home)
    stale = home.home / "postgres" / "data" / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{stale.parent}\n0\n5432\n{stale.parent}\n\n  1 1\nready\n")
    assert ask(postgres.ensure(home)) == 1
    assert url == postgres.url_of(home)


def test_running_stops_with_its_last_user_but_not_before(home: Settings) -> None:
    with postgres.running(home) as url:
        with postgres.running(home):
            pass
        assert ask(url) == 1
    with pytest.raises(psycopg.OperationalError):
        ask(url)


def test_a_server_that_was_ensured_stays_after_a_user_leaves_until_it_is_stopped(home: Settings) -> None:
    url = postgres.ensure(home)
    with postgres.running(home):
        pass
    assert ask(url) == 1
    assert postgres.stop(home)
    assert not postgres.stop(home)


def test_several_processes_asking_at_once_share_one_server(home: Settings) -> None:
    program = (
        "import dataclasses, sys, pathlib, psycopg\n"
        "from twin.settings import load\nfrom twin.local import postgres\n"
        "home = dataclasses.replace(load(), home=pathlib.Path(sys.argv[1]), database_url='')\n"
        "print(psycopg.connect(postgres.ensure(home)).execute('SELECT pg_postmaster_start_time()').fetchone()[0])\n"
    )
    asking = [
        subprocess.Popen([sys.executable, "-c", program, str(home.home)], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    answers = {process.communicate(timeout=60)[0] for process in asking}
    assert len(answers) == 1
    assert answers != {""}


def test_a_path_too_long_for_a_socket_works(home: Settings) -> None:
    deep = dataclasses.replace(home, home=home.home / ("long-name-" * 9) / "home")
    with postgres.running(deep) as url:
        assert ask(url) == 1


def test_another_servers_url_is_used_as_it_is(settings: Settings) -> None:
    given = dataclasses.replace(settings, database_url="postgresql://u@db.example/twin")
    assert postgres.ensure(given) == "postgresql://u@db.example/twin"
    with postgres.running(given) as url:
        assert url == "postgresql://u@db.example/twin"
    assert not (given.home / "postgres").exists()


def test_a_full_disk_is_named_with_its_mend(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_FREE_BYTES", 2**60)
    with pytest.raises(StackError, match=r"MB free.*Free space, or set TWIN_HOME"):
        postgres.ensure(home)


def test_a_place_that_takes_no_folder_is_named(home: Settings) -> None:
    blocked = home.home / "file"
    blocked.write_text("not a folder")
    with pytest.raises(StackError, match="can't write its folder"):
        postgres.ensure(dataclasses.replace(home, home=blocked))
