"""An archive of any kind read alike, with limits on what it gives; nothing outside of it is ever opened."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO

from twin.errors import SourceError
from twin.recognise_files import inner_archives
from twin.sources.containers import (
    BROKEN,
    MAX_RATIO,
    PIECE,
    RATIO_FREE_BYTES,
    Container,
    Folder,
    damaged,
    folder,
    swollen,
    too_large,
    unzipped,
)  # fmt: skip
from twin.sources.nested import unfolded
from twin.sources.tars import is_tar, untarred

# A file that is read whole, and a page whose tree is some fifty times its size.
MAX_WHOLE_BYTES = 64 * 2**20
MAX_PAGE_BYTES = 8 * 2**20
_HEAD_BYTES = 2**16
# Documents that happen to be ZIPs inside.
_ZIPPED_FILES = {".docx", ".odt", ".xlsx", ".pptx", ".epub"}


@dataclass(slots=True)
class Archive:
    """The files below one place by their POSIX names; what is read counts against the size limit."""

    path: Path
    names: list[str]
    max_bytes: int
    container: Container
    given: int = 0
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def passed(self) -> list[tuple[str, str]]:
        """What is in there and never read (links, devices, earlier entries of one name), with the reason."""
        return self.container.passed

    def read(self, name: str, limit: int = MAX_WHOLE_BYTES) -> bytes:
        """The whole file; raises SourceError past a limit, for an encrypted entry or a damaged one."""
        with self.open(name, limit) as file:
            return file.read()

    def head(self, name: str) -> bytes:
        """The file's first 64 KiB, in one byte a letter for UTF-16 too; empty where it can't be read."""
        try:
            with self.container.stream(name) as file:
                return file.read(_HEAD_BYTES).replace(b"\0", b"")
        except (SourceError, *BROKEN):
            return b""

    def page(self, name: str) -> bytes:
        """The whole of a page or document that becomes a tree: its limit is far lower."""
        return self.read(name, MAX_PAGE_BYTES)

    @contextmanager
    def open(self, name: str, limit: int = 0) -> Iterator[BinaryIO]:
        """The file as a stream, for what is too long to be held; raises SourceError as it is read."""
        most = min(limit or self.max_bytes, self.max_bytes - self.given)
        try:
            raw = self.container.stream(name)
        except BROKEN as error:
            raise damaged(self.path, f"{name}: {error}") from error
        with raw, io.BufferedReader(_Counted(self, name, raw, most), PIECE) as file:
            yield file

    def sha256(self) -> str:
        """Of the file itself; of a folder, over the names and contents of the files that were read from it."""
        if not self.path.is_dir():
            return file_hash(self.path)
        lines = "\n".join(f"{name} {digest}" for name, digest in sorted(self.digests.items()))
        return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


class _Counted(io.RawIOBase):
    """A file's bytes as they come: a header's size is a claim, what counts is what comes out."""

    def __init__(self, archive: Archive, name: str, raw: IO[bytes], limit: int) -> None:
        super().__init__()
        self.archive, self.name, self.raw, self.limit = archive, name, raw, limit
        self.size, self.packed = 0, archive.container.packed(name)
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            piece = self.raw.read(min(len(buffer), PIECE))
        except BROKEN as error:
            raise damaged(self.archive.path, f"{self.name}: {error}") from error
        if not piece:
            self.archive.digests[self.name] = self.digest.hexdigest()
            return 0
        self.size += len(piece)
        self.archive.given += len(piece)
        if self.size > self.limit:
            raise too_large(self.archive.path, f"{self.name} is larger than {self.limit // 2**20:,} MB")
        if self.packed and self.size > RATIO_FREE_BYTES and self.size > MAX_RATIO * self.packed:
            raise swollen(self.archive.path, self.name)
        self.digest.update(piece)
        buffer[: len(piece)] = piece
        return len(piece)


@contextmanager
def opened(path: Path, max_mb: int) -> Iterator[Archive]:
    """Open a ZIP, a tar, a folder or a single file; raises SourceError for a missing, damaged or unsafe one."""
    container = _container(path, max_mb * 2**20)
    try:
        yield Archive(path, container.names, max_mb * 2**20, container)
    finally:
        container.close()


def _container(path: Path, max_bytes: int) -> Container:
    found = _alone(path, max_bytes)
    inner = inner_archives(found.names)
    if not inner:
        return found
    try:
        return unfolded(path, found, inner, max_bytes, partial(_alone, max_bytes=max_bytes))
    except BaseException:
        found.close()
        raise


def _alone(path: Path, max_bytes: int) -> Container:
    try:
        if not path.exists():
            raise SourceError(
                "there is no such file or folder",
                path,
                "Put it into the inbox, or correct the source's path in params.yaml.",
            )
        if path.is_dir():
            return folder(path)
        if is_tar(path):
            return untarred(path, max_bytes)
        if path.suffix.lower() not in _ZIPPED_FILES and _is_zip(path):
            return unzipped(path)
    except (OSError, ValueError) as error:
        raise SourceError("a file can't be opened", f"{path} ({error})", "Check its name and your rights.") from None
    if path.suffix.lower() in (".zip", ".tgz", ".gz", ".tar"):
        raise damaged(path, "it is neither a ZIP nor a tar")
    return Folder(path, [path.name])


def _is_zip(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(2) == b"PK" and zipfile.is_zipfile(path)


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()
