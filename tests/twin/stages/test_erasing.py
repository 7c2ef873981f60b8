"""A forgotten text is found in whatever it was packed into."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from twin.stages import erasing
from twin.text.traces import Traces

SAID = "the gulls had eaten my breakfast before seven"
KEPT = "nothing of that kind is in here at all"


def _zip(name: str, data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize(
    "packed",
    [
        lambda text: _zip("post.md", text.encode()),
        lambda text: _zip("inner.zip", _zip("post.md", text.encode())),
        lambda text: _zip("letter.docx", _zip("word/document.xml", f"<w:t>{text}</w:t>".encode())),
        lambda text: _zip("Shares.csv", text.encode("utf-16")),
        lambda text: text.encode("utf-16"),
    ],
    ids=["zip", "zip in zip", "docx in zip", "UTF-16 in zip", "UTF-16"],
)
def test_packed_text_is_found_and_goes(tmp_path: Path, packed: Callable[[str], bytes]) -> None:
    traces = Traces()
    traces.add(SAID)
    guilty, innocent = tmp_path / "guilty", tmp_path / "innocent"
    guilty.write_bytes(packed(f"Yesterday {SAID}, said nobody."))
    innocent.write_bytes(packed(KEPT))
    assert [erasing.holds(path, traces) for path in (guilty, innocent)] == [True, False]
    assert erasing.erase(guilty, traces) == "file removed"
    assert erasing.erase(innocent, traces) == ""
    assert (guilty.exists(), innocent.exists()) == (False, True)
