"""The embedded PostgreSQL 18 with pgvector: one server per home folder, started by whoever asks first.

It listens on a Unix socket inside the home folder, so there is no port to collide with and no password to keep: the
folder's mode lets in only its owner. Started as root, the server runs as `nobody`, because PostgreSQL refuses root.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from twin.errors import StackError
from twin.local.pg_programs import no_disk, open_way, programs, run, runner
from twin.settings import Settings

_USER = "postgres"
_FREE_BYTES = 256 * 1024 * 1024
_SOCKET = ".s.PGSQL.5432"
_LONGEST_SOCKET = 100  # the kernel's limit is 107 bytes, with the lock file's suffix
_NO_PROCESS = 4_194_304  # Linux numbers its processes below this
_LONGEST_LOG = 8 * 1024 * 1024
_START_SECONDS = 60
_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "128MB",
    "maintenance_work_mem": "256MB",
    "max_connections": "100",
    "log_checkpoints": "off",
    "jit": "off",  # compiling costs more than any query of this size
}


@contextmanager
def running(settings: Settings) -> Iterator[str]:
    """Yield a database URL; the server stops with its last user, unless `ensure` asked for it to stay."""
    if settings.database_url:
        yield settings.database_url
        return
    folder = _folder(settings)
    # Users hold a shared lock, which the kernel drops even on kill -9: the last one out finds the folder free.
    with open(folder / "users.lock", "w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        url = _start(settings, folder)
        try:
            yield url
        finally:
            fcntl.flock(users, fcntl.LOCK_UN)
            _leave(folder)


def ensure(settings: Settings) -> str:
    """The database URL: of DATABASE_URL when set, else of the embedded server, started if need be and left running.

    Raises StackError when it can't start: the disk is full or read-only, or the wheel is missing.
    """
    if settings.database_url:
        return settings.database_url
    folder = _folder(settings)
    (folder / "stay").touch()
    return _start(settings, folder)


def stop(settings: Settings) -> bool:
    """Stop the embedded server; False when none ran. Clients' transactions are rolled back."""
    folder = settings.home / "postgres"
    if not folder.is_dir():
        return False
    with _locked(folder):
        (folder / "stay").unlink(missing_ok=True)
        return _stop(folder)


def lives(settings: Settings) -> bool:
    """Whether the embedded server's process is there; it need not answer yet. Costs a look at one file."""
    try:
        pid = int((settings.home / "postgres" / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return False
    return _serves(pid, settings.home / "postgres")


def url_of(settings: Settings) -> str:
    """The URL under which the embedded server is or would be reached; starts nothing."""
    return settings.database_url or _url(_socket_folder(settings.home / "postgres"))


def _start(settings: Settings, folder: Path) -> str:
    url = _url(_socket_folder(folder))
    if _answers(url):
        return url
    with _locked(folder):
        if _answers(url):
            return url
        _room(settings.home)
        if not (folder / "data" / "PG_VERSION").exists():
            _initialise(folder)
        _launch(folder)
        _extension(url)
    return url


def _folder(settings: Settings) -> Path:
    folder = settings.home / "postgres"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "start.lock").touch()
    except OSError as error:
        raise no_disk(folder, error.strerror or str(error)) from error
    user = runner()
    if user is not None:
        open_way(folder)
        open_way(programs())
        (folder / "log").touch()
        for path in (folder, folder / "log"):
            os.chown(path, user.pw_uid, user.pw_gid)
    folder.chmod(0o700)
    return folder


def _socket_folder(folder: Path) -> Path:
    """The data's own folder, or a short one by its hash where the path is too long for a socket."""
    if len(str(folder / _SOCKET).encode()) <= _LONGEST_SOCKET:
        return folder
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"twin-{os.geteuid()}-{name}"


def _url(socket: Path) -> str:
    return f"postgresql://{_USER}@/{_USER}?host={quote(str(socket), safe='')}"


def _answers(url: str) -> bool:
    """Whether a server answers there now; a server that is starting or stopping does not count."""
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with open(folder / "start.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _leave(folder: Path) -> None:
    """Stop the server when nobody else uses it and nobody asked for it to stay."""
    with _locked(folder), open(folder / "users.lock", "w") as users:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if not (folder / "stay").exists():
            _stop(folder)


def _initialise(folder: Path) -> None:
    """Make the data folder beside its place and rename it in: a killed initdb leaves no half database."""
    fresh = folder / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(folder / "data", ignore_errors=True)
    run(
        folder, "initdb", "-D", str(fresh), "-U", _USER, "--auth=trust", "--encoding=UTF8",
        "--locale-provider=builtin", "--locale=C.UTF-8", f"--sync-method={_sync_method()}",
    )  # fmt: skip
    fresh.rename(folder / "data")


def _sync_method() -> str:
    return "syncfs" if sys.platform == "linux" else "fsync"


def _launch(folder: Path) -> None:
    socket = _socket_folder(folder)
    if socket != folder:
        _private(socket)
    log = folder / "log"
    if log.exists() and log.stat().st_size > _LONGEST_LOG:
        log.write_bytes(b"")
    # After a kill the server syncs its folder first: one call on Linux, elsewhere one for each of a thousand files.
    given = {**_OPTIONS, "recovery_init_sync_method": _sync_method()}
    options = " ".join(f"-c {key}='{value}'" for key, value in given.items())
    command = (
        "pg_ctl", "-D", str(folder / "data"), "-l", str(log), "-w", "-t", str(_START_SECONDS),
        "-o", f"{options} -k '{socket}'", "start",
    )  # fmt: skip
    _forget_the_dead(folder, socket)
    for patience in (0.2, 1, 3, 0):
        try:
            run(folder, *command)
            return
        except StackError as error:
            # After kill -9 the last backends may need a moment to let go of the shared memory.
            if not patience or "shared memory" not in str(error):
                raise
        time.sleep(patience)


def _private(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    user = runner()
    owner = user.pw_uid if user else os.geteuid()
    if folder.is_symlink() or folder.stat().st_uid not in (owner, os.geteuid()):
        raise StackError(
            "the database's socket folder belongs to someone else", folder, "Set TWIN_HOME to a shorter path."
        )
    if user:
        os.chown(folder, user.pw_uid, user.pw_gid)


def _forget_the_dead(folder: Path, socket: Path) -> None:
    """Free the lock files of a killed server whose process number is a zombie's or someone else's by now.

    Only the number is replaced in postmaster.pid: its shared memory key still guards against orphaned backends.
    """
    lock = folder / "data" / "postmaster.pid"
    try:
        pid, rest = lock.read_text().split("\n", 1)
    except (OSError, ValueError):
        return
    if pid.strip().isdigit() and _serves(int(pid), folder):
        return
    with open(lock, "r+") as file:
        file.write(f"{_NO_PROCESS}\n{rest}")
        file.truncate()
    (socket / f"{_SOCKET}.lock").unlink(missing_ok=True)


def _serves(pid: int, folder: Path) -> bool:
    """Whether this process is a live server of this folder."""
    import psutil  # type: ignore[import-untyped]

    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and str(folder / "data") in " ".join(process.cmdline())
    except psutil.Error:
        return False


def _stop(folder: Path) -> bool:
    if not (folder / "data" / "postmaster.pid").exists():
        return False
    run(folder, "pg_ctl", "-D", str(folder / "data"), "-w", "-m", "fast", "stop", check=False)
    return True


def _extension(url: str) -> None:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")


def _room(home: Path) -> None:
    free = shutil.disk_usage(home).free
    if free < _FREE_BYTES:
        raise no_disk(home, f"{free // 2**20} MB free, {_FREE_BYTES // 2**20} MB needed")
