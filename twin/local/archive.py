"""The backup's file: a tar of what a person owns, ended by a manifest with the SHA-256 of every member."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from twin.errors import DataError

MANIFEST = "MANIFEST.json"
_SEAL = "MANIFEST.sha256"
_FORM = 1
_CHUNK = 2**20
_MEND = "Take another backup; nothing here was changed."


class Writer:
    """Adds files one by one, hashing what is really written: a file that grows meanwhile can't spoil its own sum."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.entries: dict[str, dict[str, Any]] = {}

    def file(self, path: Path, name: str) -> None:
        """Add a file under a name; one that vanished meanwhile is passed over."""
        try:
            file = open(path, "rb")  # noqa: SIM115
        except FileNotFoundError:
            return
        with file:
            info = self._tar.gettarinfo(arcname=name, fileobj=file)
            counted = _Hashing(file, info.size)
            self._tar.addfile(info, counted)  # type: ignore[arg-type]
        self.entries[name] = {"sha256": counted.sha.hexdigest(), "size": info.size}

    def link(self, path: Path, name: str) -> None:
        """Add a relative symbolic link."""
        info = tarfile.TarInfo(name)
        info.type, info.linkname = tarfile.SYMTYPE, str(path.readlink())
        self._tar.addfile(info)
        self.entries[name] = {"link": info.linkname}

    def seal(self, about: dict[str, Any]) -> None:
        """Write the manifest and its own sum."""
        manifest = json.dumps({"form": _FORM, **about, "entries": self.entries}, sort_keys=True).encode()
        for name, data in ((MANIFEST, manifest), (_SEAL, hashlib.sha256(manifest).hexdigest().encode())):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            self._tar.addfile(info, io.BytesIO(data))


def verified(path: Path) -> dict[str, Any]:
    """The manifest of an archive of which every byte was looked at. Raises DataError for the first thing that is wrong."""
    found: dict[str, dict[str, Any]] = {}
    special: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:") as tar:
            for info in tar:
                if info.name in (MANIFEST, _SEAL):
                    special[info.name] = _opened(tar, info).read()
                elif info.issym():
                    found[info.name] = {"link": info.linkname}
                elif info.isfile():
                    found[info.name] = {"sha256": _sum(_opened(tar, info)), "size": info.size}
                else:
                    raise DataError("the backup holds what is no file", f"{path}: {info.name}", _MEND)
    except FileNotFoundError:
        raise DataError("there is no such backup", path, "Name a file that `twin backup` wrote.") from None
    except (tarfile.TarError, OSError, EOFError) as error:
        raise DataError("the backup is damaged", f"{path} ({error})", _MEND) from error
    return _manifest(path, special, found)


def unpack(path: Path, place: Callable[[str], Path | None]) -> None:
    """Write every member to where `place` says (None: nowhere). Only for archives that `verified` took."""
    with tarfile.open(path, "r:") as tar:
        for info in tar:
            target = None if info.name in (MANIFEST, _SEAL) else place(info.name)
            if target is None:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if info.issym():
                target.symlink_to(info.linkname)
                continue
            handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, info.mode & 0o777)
            with open(handle, "wb") as file:
                for piece in _pieces(_opened(tar, info)):
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())


def _manifest(path: Path, special: dict[str, bytes], found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    text = special.get(MANIFEST, b"")
    if not text or hashlib.sha256(text).hexdigest().encode() != special.get(_SEAL):
        raise DataError("the backup is cut off or damaged", f"{path}: its manifest is not whole", _MEND)
    manifest: dict[str, Any] = json.loads(text)
    if manifest.get("form") != _FORM:
        raise DataError("the backup is of another form", manifest.get("form"), f"This version reads form {_FORM}.")
    entries: dict[str, dict[str, Any]] = manifest["entries"]
    for name in sorted({*entries, *found}):
        if entries.get(name) != found.get(name):
            what = "is missing" if name not in found else "was added" if name not in entries else "has another hash"
            raise DataError("the backup is damaged", f"{path}: {name} {what}", _MEND)
        if not _harmless(name, found[name].get("link", "")):
            raise DataError("the backup would write outside its folders", f"{path}: {name}", _MEND)
    return manifest


def _harmless(name: str, link: str) -> bool:
    """Below root/ or home/ (or the dump), and a link that stays below the project as well."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or (parts[0] not in ("root", "home", "database")):
        return False
    if not link:
        return True
    steps = len(parts) - 2
    for part in PurePosixPath(link).parts:
        steps += -1 if part == ".." else 1
        if steps < 0:
            return False
    return not link.startswith("/")


def _opened(tar: tarfile.TarFile, info: tarfile.TarInfo) -> BinaryIO:
    file = tar.extractfile(info)
    if file is None:
        raise tarfile.ReadError(f"{info.name} can't be read")
    return file  # type: ignore[return-value]


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_CHUNK):
        yield piece


def _sum(file: BinaryIO) -> str:
    sha = hashlib.sha256()
    for piece in _pieces(file):
        sha.update(piece)
    return sha.hexdigest()


class _Hashing:
    """What is read of a file, hashed on the way, `size` bytes at most."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._left, self.sha = file, size, hashlib.sha256()

    def read(self, count: int = -1) -> bytes:
        piece = self._file.read(min(self._left, count if count >= 0 else self._left))
        self._left -= len(piece)
        self.sha.update(piece)
        return piece
