"""`twin user`: the accounts of the web interface, made and taken back on a terminal."""

from __future__ import annotations

import argparse
import getpass
import sys

from twin import accounts
from twin import settings as environment
from twin.errors import AccountError


def options(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    add = actions.add_parser("add", help="make an account; the password is asked for, or read from standard input")
    add.add_argument("name")
    add.add_argument("--role", choices=accounts.ROLES, default="editor", help="what it may do (default: editor)")
    add.add_argument("--author", action="append", default=[], help="whose twin it may open (repeat it; default: all)")
    add.add_argument("--email", default="", help="the address by which single sign-on knows this person")
    add.add_argument("--no-password", action="store_true", help="single sign-on only")
    actions.add_parser("list", help="who has an account")
    for name, words in (("remove", "take an account away"), ("password", "give an account another password")):
        actions.add_parser(name, help=words).add_argument("name")


def run(options: argparse.Namespace) -> int:
    """Do what was asked; raises AccountError."""
    file = environment.load().accounts
    if options.action == "list":
        for account in accounts.read(file).values():
            whose = ", ".join(account.authors) or "every author"
            print(f"{account.name}: {account.role}, {whose}{f', {account.email}' if account.email else ''}")
    elif options.action == "remove":
        accounts.remove(file, options.name)
        print(f"{options.name}: removed; every session of it has ended")
    elif options.action == "password":
        accounts.change(file, options.name, password=_password())
        print(f"{options.name}: the password is changed; every session of it has ended")
    else:
        password = "" if options.no_password else _password()
        accounts.add(file, options.name, options.role, password, options.author, options.email)
        print(f"{options.name}: {options.role}. The web interface asks for a login from now on.")
    return 0


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass(f"Password (at least {accounts.MIN_PASSWORD} characters): ")
    if getpass.getpass("Once more: ") != password:
        raise AccountError("the two passwords differ", None, "Type the same one twice.")
    return password
