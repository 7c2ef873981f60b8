"""A ZIP or a folder read alike, with limits: nothing is unpacked to disk and nothing outside is ever opened."""

from __future__ import annotations

import hashlib
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from twin.errors import SourceError

MAX_ENTRIES = 200_000
MAX_ENTRY_BYTES = 256 * 2**20
MAX_RATIO = 300
_RATIO_FREE_BYTES = 4 * 2**20
_PIECE = 2**20
# What the standard library raises for bytes that are no ZIP or no longer one.
_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError, OSError, ValueError,
    RuntimeError, IndexError,
)  # fmt: skip


@dataclass(slots=True)
class Archive:
    """The files below one place by their POSIX names; `read` counts what it gives against the size limit."""

    path: Path
    names: list[str]
    max_bytes: int
    zip: zipfile.ZipFile | None = None
    given: int = 0
    digests: dict[str, str] = field(default_factory=dict)

    def read(self, name: str) -> bytes:
        """The whole file; raises SourceError past a limit, for an encrypted entry or a damaged one."""
        data = self._from_zip(name) if self.zip else self._from_folder(name)
        self.given += len(data)
        if self.given > self.max_bytes:
            raise _too_large(self.path, f"more than {self.max_bytes // 2**20:,} MB of files")
        self.digests[name] = hashlib.sha256(data).hexdigest()
        return data

    def sha256(self) -> str:
        """Of the ZIP itself; of a folder, over the names and contents of the files that were read from it."""
        if self.zip:
            return file_hash(self.path)
        lines = "\n".join(f"{name} {digest}" for name, digest in sorted(self.digests.items()))
        return hashlib.sha256(lines.encode()).hexdigest()

    def _from_folder(self, name: str) -> bytes:
        target = self.path / name if self.path.is_dir() else self.path
        if target.stat().st_size > min(MAX_ENTRY_BYTES, self.max_bytes):
            raise _too_large(target, f"{target.stat().st_size // 2**20:,} MB")
        return target.read_bytes()

    def _from_zip(self, name: str) -> bytes:
        assert self.zip is not None
        info = self.zip.getinfo(name)
        if info.flag_bits & 0x1:
            raise SourceError(
                "an archive is encrypted", f"{self.path} ({name})", "Unpack it with its password and name the folder."
            )
        limit = min(MAX_ENTRY_BYTES, self.max_bytes - self.given)
        pieces: list[bytes] = []
        size = 0
        try:
            with self.zip.open(info) as entry:
                # The header's size is a claim: what counts is what comes out.
                while piece := entry.read(_PIECE):
                    size += len(piece)
                    if size > limit:
                        raise _too_large(self.path, f"{name} is larger than {limit // 2**20:,} MB")
                    if size > _RATIO_FREE_BYTES and size > MAX_RATIO * max(1, info.compress_size):
                        raise SourceError(
                            "an archive unpacks to far more than its size",
                            f"{self.path} ({name}, over {MAX_RATIO} times)",
                            "No export does: unpack it yourself and name the folder if you trust it.",
                        )
                    pieces.append(piece)
        except _BROKEN as error:
            raise _damaged(self.path, f"{name}: {error}") from error
        return b"".join(pieces)


@contextmanager
def opened(path: Path, max_mb: int) -> Iterator[Archive]:
    """Open a ZIP, a folder or a single file; raises SourceError for a missing, damaged or unsafe one."""
    max_bytes = max_mb * 2**20
    if not path.exists():
        raise SourceError(
            "there is no such file or folder",
            path,
            "Put it into the inbox, or correct the source's path in params.yaml.",
        )
    if path.is_dir():
        yield Archive(path, _walk(path), max_bytes)
        return
    if not zipfile.is_zipfile(path):
        if path.suffix.lower() == ".zip":
            raise _damaged(path, "it has no ZIP directory")
        yield Archive(path, [path.name], max_bytes)
        return
    try:
        opened_zip = zipfile.ZipFile(path)
    except _BROKEN as error:
        raise _damaged(path, error) from error
    with opened_zip:
        yield Archive(path, _checked(path, opened_zip), max_bytes, opened_zip)


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, read in pieces."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _checked(path: Path, archive: zipfile.ZipFile) -> list[str]:
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise _too_large(path, f"{len(infos):,} entries")
    names = []
    for info in infos:
        parts = PurePosixPath(info.filename.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or (parts.parts and parts.parts[0].endswith(":")):
            raise SourceError(
                "an archive has an entry that points outside of it",
                f"{path} ({info.filename})",
                "It is no export: use the file as the site gave it.",
            )
        if not info.is_dir() and not _hidden(parts):
            names.append(info.filename)
    return sorted(set(names))


def _walk(folder: Path) -> list[str]:
    found = []
    # Links are not followed: a folder from an archive must not reach what lies outside it.
    for place, folders, files in os.walk(folder, followlinks=False):
        folders.sort()
        for name in files:
            whole = Path(place) / name
            relative = PurePosixPath(whole.relative_to(folder).as_posix())
            if not whole.is_symlink() and whole.is_file() and not _hidden(relative):
                found.append(str(relative))
            if len(found) > MAX_ENTRIES:
                raise _too_large(folder, f"more than {MAX_ENTRIES:,} files")
    return sorted(found)


def _hidden(name: PurePosixPath) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.parts)


def _damaged(path: Path, why: object) -> SourceError:
    return SourceError("an archive is damaged or cut short", f"{path} ({why})", "Download the export again.")


def _too_large(path: Path, what: str) -> SourceError:
    return SourceError(
        "an archive is larger than allowed",
        f"{path} ({what})",
        "Raise collect.max_archive_mb in params.yaml if you trust it.",
    )
