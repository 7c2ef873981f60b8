"""Writes are whole or not at all."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from twin.files import Spool, replacing, write_json, write_text


def test_a_failure_leaves_the_former_folder_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    (target / "kept").write_text("old")
    with pytest.raises(RuntimeError), replacing(target) as fresh:
        fresh.mkdir()
        (fresh / "half").write_text("new")
        raise RuntimeError
    assert (target / "kept").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "out"
    for name in ("first", "second"):
        with replacing(target) as fresh:
            fresh.mkdir()
            (fresh / name).write_text(name)
    assert [p.name for p in target.iterdir()] == ["second"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_what_a_killed_writer_left_goes_and_a_living_ones_stays(tmp_path: Path) -> None:
    target = tmp_path / "out"
    lasting = (
        "import pathlib, sys, time; from twin.files import replacing\n"
        "with replacing(pathlib.Path(sys.argv[1])) as fresh: fresh.mkdir(); (fresh / 'half').touch(); time.sleep(600)"
    )
    writers = [subprocess.Popen([sys.executable, "-c", lasting, str(target)]) for _ in range(2)]
    try:
        until = time.time() + 60
        while len(list(tmp_path.glob(".out.*/out/half"))) < 2:
            assert time.time() < until
            time.sleep(0.02)
        os.kill(writers[0].pid, signal.SIGKILL)
        writers[0].wait()
        with replacing(target) as fresh:
            fresh.mkdir()
        assert len(list(tmp_path.glob(".out.*"))) == 1, "the living one's"
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    with replacing(target) as fresh:
        fresh.mkdir()
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_text_keeps_its_newlines(tmp_path: Path) -> None:
    path = write_text(tmp_path / "deep" / "text", "a\r\nb\n🫠")
    assert path.read_bytes() == "a\r\nb\n🫠".encode()


def test_equal_values_give_equal_files(tmp_path: Path) -> None:
    one = write_json(tmp_path / "1", {"b": 1, "a": 2}).read_bytes()
    assert one == write_json(tmp_path / "2", {"a": 2, "b": 1}).read_bytes()


def test_a_spool_goes_at_its_end_and_that_of_a_killed_process_with_the_next(tmp_path: Path) -> None:
    dead = tmp_path / "twin-spool-abcdefgh"
    dead.mkdir()
    (dead / "text").write_text("somebody's words")
    first = Spool(tmp_path)
    (Path(first.name) / "text").write_text("others")
    with Spool(tmp_path) as second:
        assert not dead.exists()
        assert Path(first.name).exists() and second.exists()
    first.cleanup()
    assert list(tmp_path.iterdir()) == []
