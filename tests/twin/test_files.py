"""Writes are whole or not at all."""

from pathlib import Path

import pytest

from twin.files import replacing, write_json, write_text


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


def test_text_keeps_its_newlines(tmp_path: Path) -> None:
    path = write_text(tmp_path / "deep" / "text", "a\r\nb\n🫠")
    assert path.read_bytes() == "a\r\nb\n🫠".encode()


def test_equal_values_give_equal_files(tmp_path: Path) -> None:
    one = write_json(tmp_path / "1", {"b": 1, "a": 2}).read_bytes()
    assert one == write_json(tmp_path / "2", {"a": 2, "b": 1}).read_bytes()
