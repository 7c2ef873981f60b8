"""Platform tokens at rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from twin import settings as environment
from twin import vault
from twin.errors import AccountError
from twin.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of an empty home, with no token in the environment."""
    for name in ("GITHUB_TOKEN", "LINKEDIN_TOKEN", "LINKEDIN_POST_TOKEN", "TWIN_API_KEY", "TWIN_AUTHOR_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TWIN_HOME", str(tmp_path / "home"))
    return environment.load()


def test_a_token_comes_back_and_is_unreadable_on_disk(settings: Settings) -> None:
    vault.keep(settings, "github", " ghp_secret ")
    assert vault.token(settings, "github") == "ghp_secret" and vault.kept(settings) == ("github",)
    for file in (settings.home / "tokens.json", settings.home / "vault.key"):
        assert file.stat().st_mode & 0o077 == 0 and b"ghp_secret" not in file.read_bytes()
    assert vault.fill(settings).github_token == "ghp_secret"
    assert vault.fill(replace(settings, github_token="of the environment")).github_token == "of the environment"
    vault.keep(settings, "github", "")
    assert vault.token(settings, "github") == "" and vault.fill(settings) == settings


def test_each_author_has_their_own(settings: Settings) -> None:
    other = replace(settings, author_home=settings.home / "authors" / "ben-cole")
    vault.keep(settings, "github", "ada's")
    assert vault.token(other, "github") == ""
    vault.keep(other, "github", "ben's")
    assert (vault.token(settings, "github"), vault.token(other, "github")) == ("ada's", "ben's")


def test_another_key_is_said(settings: Settings) -> None:
    from cryptography.fernet import Fernet

    vault.keep(settings, "linkedin", "token")
    (settings.home / "vault.key").write_bytes(Fernet.generate_key())
    with pytest.raises(AccountError, match="another key"):
        vault.token(settings, "linkedin")
