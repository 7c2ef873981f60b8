"""What an archive can be: a folder, a ZIP or a tar; nothing is unpacked into the file system, no link is followed."""

from __future__ import annotations

import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from twin.errors import SourceError

MAX_ENTRIES = 200_000
MAX_RATIO = 300
RATIO_FREE_BYTES = 4 * 2**20
PIECE = 2**20
# What the standard library raises for bytes that are no archive or no longer one.
BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError, NotImplementedError,
    OSError, ValueError, RuntimeError, IndexError, OverflowError,
)  # fmt: skip


class Container(Protocol):
    """Files by their POSIX names; `passed` names what is in there and is never read, with the reason."""

    names: list[str]
    passed: list[tuple[str, str]]

    def stream(self, name: str) -> IO[bytes]:
        """The file's bytes; raises what BROKEN lists, or SourceError."""

    def packed(self, name: str) -> int:
        """Bytes that the file takes in the archive; 0 where it is not packed."""

    def close(self) -> None:
        """Let go of the archive's file."""


@dataclass(slots=True)
class Folder:
    """The files below a folder, or one file alone."""

    path: Path
    names: list[str] = field(default_factory=list)
    passed: list[tuple[str, str]] = field(default_factory=list)

    def stream(self, name: str) -> IO[bytes]:
        return open(self.path / name if self.path.is_dir() else self.path, "rb")

    def packed(self, name: str) -> int:
        return 0

    def close(self) -> None:
        pass


def folder(path: Path) -> Folder:
    """The files below `path`; raises SourceError for too many."""
    found = Folder(path)
    # Links are not followed: a folder from an archive must not reach what lies outside it.
    for place, folders, files in os.walk(path, followlinks=False):
        folders.sort()
        for name in files:
            whole = Path(place) / name
            relative = PurePosixPath(whole.relative_to(path).as_posix())
            if hidden(relative):
                continue
            if whole.is_symlink() or not whole.is_file():
                found.passed.append((str(relative), "a link or a device"))
            else:
                found.names.append(str(relative))
            if len(found.names) > MAX_ENTRIES:
                raise too_large(path, f"more than {MAX_ENTRIES:,} files")
    found.names.sort()
    return found


@dataclass(slots=True)
class Zip:
    """A ZIP's entries by name."""

    path: Path
    zip: zipfile.ZipFile
    infos: dict[str, zipfile.ZipInfo] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    passed: list[tuple[str, str]] = field(default_factory=list)

    def stream(self, name: str) -> IO[bytes]:
        info = self.infos[name]
        if info.flag_bits & 0x1:
            raise SourceError(
                "an archive is encrypted", f"{self.path} ({name})", "Unpack it with its password and name the folder."
            )
        return self.zip.open(info)

    def packed(self, name: str) -> int:
        return max(1, self.infos[name].compress_size)

    def close(self) -> None:
        self.zip.close()


def unzipped(path: Path) -> Zip:
    """Open a ZIP; raises SourceError for a damaged one and for names that point outside."""
    try:
        found = Zip(path, zipfile.ZipFile(path))
    except BROKEN as error:
        raise damaged(path, error) from error
    infos = found.zip.infolist()
    if len(infos) > MAX_ENTRIES:
        raise too_large(path, f"{len(infos):,} entries")
    for info in infos:
        name = safe_name(path, _true_name(info))
        if info.is_dir() or hidden(name):
            continue
        if stat.S_ISLNK(info.external_attr >> 16):
            found.passed.append((str(name), "a link or a device"))
            continue
        if str(name) in found.infos:
            found.passed.append((str(name), "an earlier entry of the same name in the archive"))
        found.infos[str(name)] = info
    found.names = sorted(found.infos)
    return found


def _true_name(info: zipfile.ZipInfo) -> str:
    """The entry's name; several packers write UTF-8 without saying so."""
    if not info.flag_bits & 0x800:
        try:
            return info.filename.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    return info.filename


def safe_name(path: Path, name: str) -> PurePosixPath:
    """An entry's name with slashes; raises SourceError for one that points outside of its archive."""
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or (parts.parts and parts.parts[0].endswith(":")):
        raise SourceError(
            "an archive has an entry that points outside of it",
            f"{path} ({name[:200]})",
            "It is no export: use the file as the site gave it.",
        )
    return parts


def hidden(name: PurePosixPath) -> bool:
    """Whether a file is one that systems leave behind unseen."""
    return any(part.startswith(".") or part == "__MACOSX" for part in name.parts)


def damaged(path: Path, why: object) -> SourceError:
    """The error for an archive whose bytes are no longer whole."""
    return SourceError("an archive is damaged or cut short", f"{path} ({why})", "Download the export again.")


def too_large(path: Path, what: str) -> SourceError:
    """The error for an archive beyond a limit."""
    return SourceError(
        "an archive is larger than allowed",
        f"{path} ({what})",
        "Raise collect.max_archive_mb in params.yaml if you trust it.",
    )


def swollen(path: Path, name: str) -> SourceError:
    """The error for a file that unpacks to far more than any text does."""
    return SourceError(
        "an archive unpacks to far more than its size",
        f"{path} ({name}, over {MAX_RATIO} times)",
        "No export does: unpack it yourself and name the folder if you trust it.",
    )
