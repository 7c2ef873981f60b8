"""Progress says what, how far and how long, on the terminal and in a file."""

from pathlib import Path

import pytest

from twin import progress
from twin.progress import Progress, read


def test_steps_are_followed_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("train", tmp_path).step("learn", 4) as step:
        step.advance(2, "loss 3.1")
        (running,) = read(tmp_path)
        assert (running["state"], running["done"], running["total"]) == ("running", 0, 4) or running["done"] == 2
        step.show("running")
        (running,) = read(tmp_path)
        assert running["done"] == 2 and running["eta_seconds"] is not None
    (done,) = read(tmp_path)
    assert done["state"] == "done" and done["detail"] == "loss 3.1"
    assert "train: learn 2/4 · loss 3.1" in capsys.readouterr().err


def test_a_clock_that_is_set_back_stops_no_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_EVERY_SECONDS", 0.0)
    with Progress("train", tmp_path).step("learn", 4) as step:
        now = step.started
        monkeypatch.setattr(progress.time, "time", lambda: now - 86400)
        step.advance(2)
        (running,) = read(tmp_path)
        assert running["done"] == 2 and 0 <= running["eta_seconds"] < 3600


def test_a_failure_is_shown_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(ValueError), Progress("train", tmp_path).step("learn"):
        raise ValueError("the disk is full")
    (failed,) = read(tmp_path)
    assert (failed["state"], failed["error"]) == ("failed", "the disk is full")


def test_a_half_written_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "train.json").write_text("{")
    assert read(tmp_path) == []
