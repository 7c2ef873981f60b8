"""A hostile or broken archive ends in one clear error and opens nothing outside itself."""

from __future__ import annotations

import zipfile

import pytest

from twin.errors import SourceError
from twin.sources import archive


def read_all(path, max_mb=100):
    with archive.opened(path, max_mb) as opened:
        return {name: opened.read(name) for name in opened.names}


def test_zip_folder_and_single_file_read_alike(tmp_path, pack):
    folder = tmp_path / "folder"
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "a.txt").write_bytes(b"one")
    assert read_all(folder) == read_all(pack({"in/a.txt": "one", "__MACOSX/in/._a.txt": "x"})) == {"in/a.txt": b"one"}
    assert read_all(folder / "in" / "a.txt") == {"a.txt": b"one"}


def test_a_missing_archive_names_its_path_and_the_mend(tmp_path):
    with pytest.raises(SourceError, match=r"no such file or folder: .*gone\.zip\. Put it into the inbox"):
        read_all(tmp_path / "gone.zip")


@pytest.mark.parametrize("name", ["../evil.txt", "a/../../evil.txt", "/etc/evil", "..\\evil.txt", "C:\\evil.txt"])
def test_an_entry_that_points_outside_is_refused(name, pack):
    with pytest.raises(SourceError, match="points outside"):
        read_all(pack({name: "x"}))


def test_a_truncated_zip_is_called_damaged(pack):
    path = pack({"a.txt": "hello " * 1000})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(SourceError, match="damaged or cut short"):
        read_all(path)


def test_flipped_bytes_are_called_damaged(pack):
    path = pack({"a.txt": "hello, this is a longer text that is compressed " * 50})
    data = bytearray(path.read_bytes())
    data[40:60] = bytes(20)
    path.write_bytes(bytes(data))
    with pytest.raises(SourceError, match="damaged or cut short"):
        read_all(path)


def test_an_encrypted_entry_is_named(pack):
    path = pack({"a.txt": "hello"})
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + offset] |= 1
    path.write_bytes(bytes(data))
    with pytest.raises(SourceError, match="encrypted"):
        read_all(path)


def test_a_bomb_is_stopped_by_its_ratio_before_it_is_unpacked(pack):
    with pytest.raises(SourceError, match=r"unpacks to far more.*300 times"):
        read_all(pack({"a.txt": b"\0" * (64 * 2**20)}), max_mb=1000)


def test_size_limit_counts_all_that_is_read(pack):
    import os

    with pytest.raises(SourceError, match="max_archive_mb"):
        read_all(pack({f"{n}.bin": os.urandom(2**19) for n in range(5)}), max_mb=2)


def test_links_out_of_a_folder_are_not_followed(tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "up").symlink_to(tmp_path)
    assert read_all(folder) == {}


def test_hash_of_a_zip_is_that_of_its_file(pack):
    path = pack({"a.txt": "x"})
    with archive.opened(path, 1) as opened:
        assert opened.sha256() == archive.file_hash(path)


def test_a_file_that_only_claims_to_be_a_zip(tmp_path):
    path = tmp_path / "export.zip"
    path.write_text("<html>please log in</html>")
    with pytest.raises(SourceError, match="Download the export again"):
        read_all(path)
    assert not zipfile.is_zipfile(path)


def test_a_version_nobody_knows_is_called_damaged(pack):
    path = pack({"a.txt": "hello"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 6] = 200
    path.write_bytes(bytes(data))
    with pytest.raises(SourceError, match="damaged or cut short"):
        read_all(path)
