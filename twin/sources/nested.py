"""Archives that lie in a folder or in one archive and are all that is there: read as the folders that they hold."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from twin.errors import SourceError
from twin.files import Spool
from twin.sources.containers import (
    BROKEN,
    MAX_ENTRIES,
    MAX_RATIO,
    PIECE,
    RATIO_FREE_BYTES,
    Container,
    Folder,
    swollen,
    too_large,
)  # fmt: skip


@dataclass(slots=True)
class Nested:
    """The files of inner archives, each below its archive's name; copies of these lie under numbers in `spool`."""

    outer: Container
    spool: Spool
    inner: dict[str, Container] = field(default_factory=dict)
    places: dict[str, tuple[str, str]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    passed: list[tuple[str, str]] = field(default_factory=list)

    def stream(self, name: str) -> IO[bytes]:
        archive, inside = self.places[name]
        return self.inner[archive].stream(inside)

    def packed(self, name: str) -> int:
        archive, inside = self.places[name]
        return self.inner[archive].packed(inside)

    def close(self) -> None:
        for container in [*self.inner.values(), self.outer]:
            container.close()
        self.spool.cleanup()


def unfolded(
    path: Path, outer: Container, archives: list[str], max_bytes: int, opened: Callable[[Path], Container]
) -> Nested:
    """Open the inner `archives`; one that can't be read is passed over, and named.

    Raises the first SourceError when none can be read, and for more files or bytes than allowed.
    """
    found = Nested(outer, Spool(), passed=list(outer.passed))
    first: SourceError | None = None
    try:
        for number, name in enumerate(archives):
            try:
                container = opened(_copied(path, outer, name, number, Path(found.spool.name), max_bytes))
            except SourceError as error:
                first = first or error
                found.passed.append((name, f"unreadable: {error.thing}"))
                continue
            found.inner[name] = container
            found.places |= {f"{name}/{inside}": (name, inside) for inside in container.names}
            found.passed += [(f"{name}/{inside}", reason) for inside, reason in container.passed]
            if len(found.places) > MAX_ENTRIES:
                raise too_large(path, f"more than {MAX_ENTRIES:,} files")
        if first and not found.inner:
            raise first
    except BaseException:
        found.close()
        raise
    found.names = sorted(found.places)
    return found


def _copied(path: Path, outer: Container, name: str, number: int, spool: Path, max_bytes: int) -> Path:
    """The inner archive as a file of the file system; its own, where it lies in a folder."""
    if isinstance(outer, Folder):
        return outer.path / name
    # Its ending tells a tar that is packed.
    target = spool / f"{number}{''.join(Path(name).suffixes[-2:])[-12:]}"
    packed, copied = outer.packed(name), sum(file.stat().st_size for file in spool.iterdir())
    try:
        with outer.stream(name) as source, open(target, "wb") as file:
            while piece := source.read(PIECE):
                copied += len(piece)
                if copied > max_bytes or shutil.disk_usage(spool).free < 2 * PIECE:
                    raise too_large(path, f"{name} holds more than {max_bytes // 2**20:,} MB")
                if packed and file.tell() > RATIO_FREE_BYTES and file.tell() > MAX_RATIO * packed:
                    raise swollen(path, name)
                file.write(piece)
    except BROKEN as error:
        raise SourceError(
            "an archive within an archive can't be read",
            f"{path} ({name}: {error})",
            "Unpack it and hand in what is in it.",
        ) from None
    return target
