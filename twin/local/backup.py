"""`twin backup FILE`: everything a person owns in one file: texts, choices, adapters, registry, drafts, log, accounts."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from twin.errors import DataError, StackError
from twin.files import replacing
from twin.local import postgres
from twin.local.archive import Writer
from twin.local.pg_programs import programs
from twin.progress import Progress
from twin.settings import Settings

ROOT = ("params.yaml", "params.previous.yaml", "dvc.lock", "data", "models", "reports", "authors")
"""What is owned in the project's folder; all else there is code."""

SECRETS = ("tokens.json", "vault.key", "linkedin.json")
REMADE = (
    "postgres", "torch_extensions", "logs", "progress", "jobs", "tmp", "embeddings", "evaluation", "controls",
    "checkpoints", "sessions.json", "stack.json", "stack.lock", "forget", "restore.json", "bench",
)  # fmt: skip
"""In the home: what is made again by itself, ends with a process, or is dumped through SQL."""

DUMP = "database/twin.dump"
_MODELS = "models"


def backup(settings: Settings, file: Path, with_secrets: bool) -> str:
    """Write `file` whole and for its owner alone; what was saved, in words. Raises StackError, StoreError or OSError.

    The stack may run: files are replaced whole, SQLite and PostgreSQL are read as of one moment.
    """
    progress = Progress("backup", settings.progress)
    file = file.absolute()
    if not (settings.root / "params.yaml").exists() and not settings.home.is_dir():
        raise DataError("there is nothing to back up", settings.root, "Set TWIN_ROOT to the project's folder.")
    with replacing(file) as fresh, tempfile.TemporaryDirectory(prefix="twin-backup-") as place:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "wb") as out, tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            writer = Writer(tar)
            with progress.step("texts, adapters and reports") as step:
                for path, name in _project(settings, with_secrets):
                    _add(writer, path, name, Path(place))
                    step.advance()
            with progress.step("the database"):
                dumped = _dump(settings, Path(place) / "twin.dump")
                if dumped:
                    writer.file(Path(place) / "twin.dump", DUMP)
            writer.seal(
                {
                    "at": datetime.now(UTC).isoformat(timespec="seconds"), "root": str(settings.root),
                    "home": str(settings.home), "secrets": with_secrets, "database": dumped,
                }
            )  # fmt: skip
    secrets = "with platform tokens" if with_secrets else "platform tokens left out: give them again after a restore"
    base = "" if dumped else "; no database yet"
    return f"{file}: {len(writer.entries)} files, {file.stat().st_size / 2**20:.1f} MB ({secrets}{base})"


def owned(settings: Settings) -> list[tuple[Path, str]]:
    """What is owned at the top of project and home: (path, its name in the archive), without secrets' exclusion."""
    root = [(settings.root / name, f"root/{name}") for name in ROOT]
    home = sorted(settings.home.iterdir()) if settings.home.is_dir() else []
    kept = [path for path in home if path.name not in (*REMADE, _MODELS) and not path.name.startswith(".")]
    return [pair for pair in root if os.path.lexists(pair[0])] + [(path, f"home/{path.name}") for path in kept]


def _project(settings: Settings, with_secrets: bool) -> Iterator[tuple[Path, str]]:
    for path, name in owned(settings):
        yield from _below(path, name, with_secrets, settings.home)


def _below(path: Path, name: str, with_secrets: bool, home: Path) -> Iterator[tuple[Path, str]]:
    if path.name in SECRETS and not with_secrets and name.startswith("home/"):
        return
    if path.is_symlink() or not path.is_dir():
        # Sockets and pipes are nobody's; an absolute link names a place that another machine does not have.
        if (path.is_file() and not path.is_symlink()) or (path.is_symlink() and not path.readlink().is_absolute()):
            yield path, name
        return
    if name.endswith((".dvc/cache", ".dvc/tmp")) or path == home:
        return
    for inner in sorted(path.iterdir()):
        if not inner.name.startswith(".") or inner.name in (".dvc", ".gitignore", ".dvcignore"):
            yield from _below(inner, f"{name}/{inner.name}", with_secrets, home)


def _add(writer: Writer, path: Path, name: str, place: Path) -> None:
    if path.is_symlink():
        writer.link(path, name)
    elif path.suffix in (".db", ".sqlite") and _is_sqlite(path):
        copy = place / "copy.db"
        copy.unlink(missing_ok=True)
        # SQLite's own backup: as of one moment, with what still lies in its journal.
        with (
            closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(copy)) as new,
        ):
            old.backup(new)
        writer.file(copy, name)
    elif not name.endswith(("-wal", "-shm", "-journal")):
        writer.file(path, name)


def _is_sqlite(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(15) == b"SQLite format 3"


def _dump(settings: Settings, to: Path) -> bool:
    """Dump the database; False when there is none yet."""
    if not settings.database_url and not (settings.home / "postgres" / "data" / "PG_VERSION").exists():
        return False
    with postgres.running(settings) as url:
        program("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={to}")
    return True


def program(name: str, url: str, *arguments: str) -> None:
    """One of PostgreSQL's programs on a database; raises StackError with its words."""
    done = subprocess.run(
        [str(programs() / name), *arguments, f"--dbname={url}"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StackError(
            f"PostgreSQL's {name} failed", done.stderr.strip()[-800:], "Read its words; nothing was changed."
        )
