"""Accounts: who is let in, what is refused, and what lies on the disk."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from twin import accounts
from twin.cli import main
from twin.errors import AccountError

PASSWORD = "a kettle and a queue"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An accounts file with an owner."""
    path = tmp_path / "accounts.json"
    accounts.add(path, "ada", "owner", PASSWORD)
    return path


def test_a_password_lets_in_and_is_not_kept(file: Path) -> None:
    account = accounts.check(file, "ADA", PASSWORD)
    assert account is not None and account.role == "owner" and account.may("anybody")
    assert accounts.check(file, "ada", PASSWORD + "x") is None
    assert accounts.check(file, "nobody", PASSWORD) is None
    assert PASSWORD not in file.read_text() and "$argon2id$" in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_what_is_refused_says_how_to_mend_it(file: Path, tmp_path: Path) -> None:
    with pytest.raises(AccountError, match="first account must be an owner's"):
        accounts.add(tmp_path / "none.json", "bob", "viewer", PASSWORD)
    with pytest.raises(AccountError, match="too easy to guess"):
        accounts.add(file, "bob", "viewer", "short")
    with pytest.raises(AccountError, match="there is an account"):
        accounts.add(file, "Ada", "viewer", PASSWORD)
    with pytest.raises(AccountError, match="a way in"):
        accounts.add(file, "bob", "viewer")
    with pytest.raises(AccountError, match="letters, digits"):
        accounts.add(file, "../bob", "viewer", PASSWORD)
    with pytest.raises(AccountError, match="last owner"):
        accounts.change(file, "ada", role="viewer")


def test_the_last_owner_stays_while_others_do(file: Path) -> None:
    accounts.add(file, "bob", "viewer", PASSWORD, ["ada-reed"])
    with pytest.raises(AccountError, match="last owner"):
        accounts.remove(file, "ada")
    assert not accounts.read(file)["bob"].may("ben-cole")
    accounts.remove(file, "bob")
    accounts.remove(file, "ada")
    assert not file.exists()


def test_an_account_of_single_sign_on_has_no_password(file: Path) -> None:
    accounts.add(file, "bob", "editor", email="Bob@Example.com")
    found = accounts.by_email(file, "bob@example.COM")
    assert found is not None and found.name == "bob"
    assert accounts.check(file, "bob", "") is None
    assert accounts.by_email(file, "") is None


def test_a_broken_file_is_no_empty_one(file: Path) -> None:
    file.write_text("{")
    with pytest.raises(AccountError, match="can't be read"):
        accounts.read(file)


def test_the_command_makes_lists_and_removes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TWIN_HOME", str(tmp_path))
    for line in (["add", "ada", "--role", "owner"], ["add", "bob", "--author", "ada-reed"]):
        monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
        assert main(["user", *line]) == 0
    capsys.readouterr()
    assert main(["user", "list"]) == 0
    assert capsys.readouterr().out == "ada: owner, every author\nbob: editor, ada-reed\n"
    monkeypatch.setattr("sys.stdin", io.StringIO("another long one\n"))
    assert main(["user", "password", "bob"]) == 0
    assert accounts.check(tmp_path / "accounts.json", "bob", "another long one") is not None
    assert main(["user", "remove", "bob"]) == 0
    assert main(["user", "remove", "bob"]) == 2
    assert "no such account" in capsys.readouterr().err
