"""Platform tokens at rest: encrypted with a key that lies beside them, readable by its owner alone.

What it is good for: a backup, a synchronised folder or a screen share of one file gives no token away. Whoever can read
the whole home as its owner can read the tokens, as with every program that must use them unattended.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.errors import AccountError
from twin.files import read_json, write_json
from twin.redact import learn
from twin.settings import Settings

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

# Name of a token → the setting that it fills where the environment is silent.
TOKENS = {
    "github": "github_token", "linkedin": "linkedin_token", "linkedin_post": "linkedin_post_token", "endpoint": "api_key",
}  # fmt: skip
_OF_THE_HOUSE = "endpoint"


def keep(settings: Settings, name: str, token: str) -> None:
    """Keep one token of the settings' author, encrypted; an empty one is forgotten."""
    known = _read(settings)
    known.pop(name, None)
    learn(token.strip())
    if token.strip():
        known[name] = _cipher(settings).encrypt(token.strip().encode()).decode()
    write_json(_file(settings), known, private=True)


def token(settings: Settings, name: str) -> str:
    """One token, "" when none is kept; raises AccountError when it was encrypted with another key."""
    from cryptography.fernet import InvalidToken

    sealed = _read(settings).get(name, "")
    if not sealed:
        return ""
    try:
        found = _cipher(settings).decrypt(sealed.encode()).decode()
        learn(found)
        return found
    except InvalidToken:
        raise AccountError(
            "a token was kept with another key", name, "Give it again on the Settings page: the old one is lost."
        ) from None


def kept(settings: Settings) -> tuple[str, ...]:
    """The names of the tokens that are kept."""
    return tuple(name for name in TOKENS if name in _read(settings))


def forget(settings: Settings) -> bool:
    """Remove every platform token of the settings' author; the key of the house's endpoint stays. Says whether any was kept."""
    known = _read(settings)
    stay = {name: sealed for name, sealed in known.items() if name == _OF_THE_HOUSE}
    if stay:
        write_json(_file(settings), stay, private=True)
    else:
        _file(settings).unlink(missing_ok=True)
    return stay != known


def fill(settings: Settings) -> Settings:
    """The settings with the author's kept tokens where the environment names none."""
    found: dict[str, Any] = {
        TOKENS[name]: token(settings, name) for name in kept(settings) if not getattr(settings, TOKENS[name])
    }
    return replace(settings, **found) if found else settings


def _file(settings: Settings) -> Path:
    return settings.private / "tokens.json"


def _read(settings: Settings) -> dict[str, str]:
    try:
        return {str(key): str(value) for key, value in read_json(_file(settings)).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError) as error:
        raise AccountError(
            "the kept tokens can't be read", f"{_file(settings)} ({error})", "Remove the file and give them again."
        ) from error


def _cipher(settings: Settings) -> Fernet:
    from cryptography.fernet import Fernet

    file = settings.home / "vault.key"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass  # Another process was faster: its key is the one.
        else:
            with open(handle, "wb") as out:
                out.write(Fernet.generate_key())
    return Fernet(file.read_bytes())
