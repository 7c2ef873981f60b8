"""A torn file of DVC's locks does not stop every pipeline from then on."""

from pathlib import Path

import pytest

from twin.local import pipeline_lock


def test_a_torn_lock_goes_and_a_whole_one_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline_lock, "_PAUSE", 0.0)
    assert not pipeline_lock.mend(tmp_path), "there is none"
    lock = tmp_path / ".dvc" / "tmp" / "rwlock"
    lock.parent.mkdir(parents=True)
    for torn in ("", '{"read": {"/data'):
        lock.write_text(torn)
        assert pipeline_lock.mend(tmp_path)
        assert not lock.exists()
    lock.write_text('{"read": {}, "write": {}}')
    assert not pipeline_lock.mend(tmp_path)
    assert lock.exists()
