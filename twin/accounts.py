"""Who may open the web interface: local accounts with a role, their passwords kept as argon2 hashes."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from twin.errors import AccountError
from twin.files import read_json, write_json

Role = Literal["owner", "editor", "viewer"]
ROLES: tuple[Role, ...] = get_args(Role)
MIN_PASSWORD = 10
_MAX_PASSWORD = 1000  # argon2 reads what it is given: a request must not be able to hand it megabytes

# Of a password nobody has: an unknown name takes as long to be refused as a wrong password.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$qLMBouQAApz3dcn8/ZDYgw$vhz6vS9SFafin+lbR88msffMQ/BA4sKFFbu93Orx+yE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One person. No `authors` means all; `email` is what an OpenID provider vouches for; `changed` is Unix time."""

    name: str
    role: Role
    authors: tuple[str, ...] = ()
    email: str = ""
    password: str = ""
    changed: float = 0.0

    def may(self, author: str) -> bool:
        """Whether this author's twin is theirs to see."""
        return not self.authors or author in self.authors


def read(path: Path) -> dict[str, Account]:
    """All accounts by name; empty where no file is. Raises AccountError for a file that can't be read."""
    try:
        found = read_json(path)["accounts"]
        return {a["name"]: Account(**{**a, "authors": tuple(a["authors"])}) for a in found}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AccountError("the accounts can't be read", f"{path} ({error})", "Mend the file or remove it.") from error


def add(path: Path, name: str, role: Role, password: str = "", authors: Sequence[str] = (), email: str = "") -> Account:
    """Make an account; raises AccountError for a name in use, a weak password, or a first one that is no owner."""
    known = read(path)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", name):
        raise AccountError("this is no name for an account", name, "Use letters, digits, dots and dashes.")
    if name.lower() in {other.lower() for other in known}:
        raise AccountError("there is an account of this name", name, "Choose another, or remove it first.")
    if not known and role != "owner":
        raise AccountError("the first account must be an owner's", role, "Make one with --role owner.")
    if not password and not email:
        raise AccountError("an account needs a way in", name, "Give a password, or the address of a single sign-on.")
    hashed = _hash(name, password) if password else ""
    account = Account(name=name, role=_role(role), authors=tuple(authors), email=email.lower(), password=hashed,
                      changed=time.time())  # fmt: skip
    _write(path, {**known, name: account})
    return account


def remove(path: Path, name: str) -> None:
    """Take an account away; raises AccountError for an unknown one, and for the last owner while others stay."""
    known = read(path)
    _known(known, name)
    _write(path, _with_an_owner({key: value for key, value in known.items() if key != name}, name))


def change(path: Path, name: str, *, password: str = "", role: Role | None = None) -> None:
    """Give an account another password or role; its sessions end with it."""
    known = read(path)
    account = replace(_known(known, name), changed=time.time())
    if password:
        account = replace(account, password=_hash(name, password))
    if role:
        account = replace(account, role=_role(role))
    _write(path, _with_an_owner({**known, name: account}, name))


def check(path: Path, name: str, password: str) -> Account | None:
    """The account when name and password are right, else None; takes as long (some 50 ms of a core) either way."""
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    account = next((a for key, a in read(path).items() if key.lower() == name.lower()), None)
    try:
        PasswordHasher().verify((account and account.password) or _NOBODY, password[:_MAX_PASSWORD])
    except (VerificationError, InvalidHashError):
        return None
    return account


def by_email(path: Path, email: str) -> Account | None:
    """The account of an address that an OpenID provider has verified."""
    return next((a for a in read(path).values() if a.email and a.email == email.lower()), None)


def _hash(name: str, password: str) -> str:
    from argon2 import PasswordHasher

    if not MIN_PASSWORD <= len(password) <= _MAX_PASSWORD or password.lower() == name.lower():
        raise AccountError(
            "this password is too easy to guess", f"{len(password)} characters",
            f"Take at least {MIN_PASSWORD}, and not the name: a short sentence is easy to keep in mind.",
        )  # fmt: skip
    return PasswordHasher().hash(password)


def _role(role: str) -> Role:
    if role not in ROLES:
        raise AccountError("there is no such role", role, f"Roles are {', '.join(ROLES)}.")
    return role


def _known(known: dict[str, Account], name: str) -> Account:
    if name not in known:
        raise AccountError("there is no such account", name, f"There are: {', '.join(known) or 'none'}.")
    return known[name]


def _with_an_owner(accounts: dict[str, Account], name: str) -> dict[str, Account]:
    if accounts and not any(account.role == "owner" for account in accounts.values()):
        raise AccountError("the last owner must stay one", name, "Make another account an owner's first.")
    return accounts


def _write(path: Path, accounts: dict[str, Account]) -> None:
    if not accounts:
        path.unlink(missing_ok=True)  # Nobody is left: on this machine alone no login is asked again.
        return
    write_json(path, {"accounts": [asdict(account) for account in accounts.values()]}, private=True)
