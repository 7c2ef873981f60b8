"""A tar, packed or not: its files are copied under numbers into a temporary folder, as it can only be read once through."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from twin.errors import SourceError
from twin.files import Spool
from twin.sources.containers import (
    BROKEN,
    MAX_ENTRIES,
    MAX_RATIO,
    PIECE,
    RATIO_FREE_BYTES,
    damaged,
    hidden,
    safe_name,
    swollen,
    too_large,
)  # fmt: skip

_PACKERS: tuple[tuple[bytes, Callable[..., Any]], ...] = (
    (b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ", lzma.open),
)  # fmt: skip
_ENDINGS = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
# Pictures, films and sounds are most of an archive's bytes and hold no text.
_MEDIA = (
    ".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif", ".heic", ".mp4", ".mov", ".webm", ".mp3", ".ogg", ".wav", ".m4a",
    ".flac",
)  # fmt: skip


@dataclass(slots=True)
class Tar:
    """A tar's files by name, each lying under a number in `spool`."""

    path: Path
    spool: Spool
    places: dict[str, Path] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    passed: list[tuple[str, str]] = field(default_factory=list)

    def stream(self, name: str) -> IO[bytes]:
        if name not in self.places:
            raise SourceError("a picture, film or sound holds no text", f"{self.path} ({name})", "Leave it out.")
        return open(self.places[name], "rb")

    def packed(self, name: str) -> int:
        return 0

    def close(self) -> None:
        self.spool.cleanup()


def is_tar(path: Path) -> bool:
    """Whether the file begins as a tar does, or is called one and is packed."""
    with open(path, "rb") as file:
        head = file.read(512)
    if head[257:262] == b"ustar":
        return True
    return path.name.lower().endswith(_ENDINGS) and any(head.startswith(mark) for mark, _ in _PACKERS)


def untarred(path: Path, max_bytes: int) -> Tar:
    """Copy a tar's files aside; raises SourceError for one that is damaged, too large or points outside."""
    found = Tar(path, Spool())
    try:
        with open(path, "rb") as file:
            head = file.read(8)
        unpack = next((unpack for mark, unpack in _PACKERS if head.startswith(mark)), open)
        with unpack(path, "rb") as raw, tarfile.open(fileobj=_Bounded(raw, path), mode="r|") as tar:
            _copy(tar, found, max_bytes)
    except BROKEN as error:
        found.close()
        raise damaged(path, error) from error
    except BaseException:
        found.close()
        raise
    found.names = sorted(set(found.names))
    return found


def _copy(tar: tarfile.TarFile, found: Tar, max_bytes: int) -> None:
    copied = 0
    for number, member in enumerate(tar):
        if number > MAX_ENTRIES:
            raise too_large(found.path, f"more than {MAX_ENTRIES:,} entries")
        name = safe_name(found.path, member.name)
        if member.isdir() or hidden(name):
            continue
        if not member.isreg() or member.issparse():
            found.passed.append((str(name), "a link or a device"))
            continue
        found.names.append(str(name))
        if name.suffix.lower() in _MEDIA:
            continue
        copied += member.size
        if copied > max_bytes:
            raise too_large(found.path, f"more than {max_bytes // 2**20:,} MB of files")
        if str(name) in found.places:
            found.passed.append((str(name), "an earlier entry of the same name in the archive"))
        place = Path(found.spool.name) / str(number)
        found.places[str(name)] = place
        source = tar.extractfile(member)
        with open(place, "wb") as target:
            while source is not None and (piece := source.read(PIECE)):
                target.write(piece)


class _Bounded(io.RawIOBase):
    """Unpacked bytes, refused where they become far more than the archive has."""

    def __init__(self, raw: IO[bytes], path: Path) -> None:
        super().__init__()
        self.raw, self.path, self.packed, self.given = raw, path, path.stat().st_size, 0

    def read(self, size: int = -1) -> bytes:
        # Headers may claim any size: no more is held than a file of an export has.
        piece = self.raw.read(size if 0 <= size <= PIECE else PIECE)
        self.given += len(piece)
        if self.given > RATIO_FREE_BYTES and self.given > MAX_RATIO * self.packed:
            raise swollen(self.path, "all of it")
        return piece

    def readable(self) -> bool:
        return True
