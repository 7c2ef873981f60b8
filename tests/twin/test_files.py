"""Writes are whole or not at all."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from twin import files
from twin.files import Spool, heal, replacing, write_json, write_text


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


def test_a_folder_is_never_missing_while_another_takes_its_place(tmp_path: Path) -> None:
    target, missed, stop = tmp_path / "out", [], threading.Event()
    target.mkdir()

    def look() -> None:
        while not stop.is_set():
            missed.append(not target.exists())

    looking = threading.Thread(target=look)
    looking.start()
    for number in range(200):
        with replacing(target) as fresh:
            fresh.mkdir()
            (fresh / str(number)).touch()
    stop.set()
    looking.join()
    assert missed and not any(missed)


def test_where_two_folders_cannot_trade_places_a_cut_exchange_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_SWAP", 1 << 30)  # a disk that knows no such thing
    target = tmp_path / "data" / "out"
    for name in ("first", "second"):
        with replacing(target) as fresh:
            fresh.mkdir()
            (fresh / name).touch()
    assert [p.name for p in target.iterdir()] == ["second"]

    left = target.parent / ".out.ab12cd_9"  # killed when the old one had stepped aside
    (left / "out").mkdir(parents=True)
    (left / "out" / "third").touch()
    target.replace(left / "old")
    assert heal(tmp_path) == [left]
    assert [p.name for p in target.iterdir()] == ["third"]
    assert [p.name for p in target.parent.iterdir()] == ["out"]


def test_the_halves_of_killed_writers_go_and_everything_else_stays(tmp_path: Path) -> None:
    half, own, inbox = (tmp_path / "drafts" / ".d1.json.abcdefgh", tmp_path / ".my.folders00", tmp_path / "inbox")
    for folder in (half, own, inbox / ".x.abcdefgh"):
        folder.mkdir(parents=True)
    (half / "d1.json").write_text("{")
    (own / "notes").touch()
    (tmp_path / "drafts" / "d1.json").write_text("{}")
    with replacing(tmp_path / "drafts" / "d2.json") as fresh:
        fresh.write_text("{}")
        assert heal(tmp_path, leave=["inbox"]) == [half]
    assert sorted(p.name for p in (tmp_path / "drafts").iterdir()) == ["d1.json", "d2.json"]
    assert (own / "notes").exists() and (inbox / ".x.abcdefgh").exists()


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
