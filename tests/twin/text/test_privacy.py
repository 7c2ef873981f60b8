"""Personal data and secrets go, look-alikes stay."""

from __future__ import annotations

from collections import Counter

import pytest

from twin.text.masks import KINDS
from twin.text.privacy import mask


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("mail jane.doe@acme.io!", "mail [email]!"),
        ("To: user=bo@acme.io", "To: user=[email]"),
        ("ring +44 20 7946 0958 or (415) 555-2671", "ring [phone] or [phone]"),
        ("IBAN DE89 3704 0044 0532 0130 00 please", "IBAN [iban] please"),
        ("card 4111 1111 1111 1111.", "card [credit_card]."),
        ("server 93.184.216.34", "server [ip]"),
        ("key ghp_0123456789abcdefghijklmnopqrstuvwxyz", "key [secret]"),
        ("aws AKIAIOSFODNN7ABCDEFG", "aws [secret]"),
        ("sk-ant-api03-abcdefghijklmnopqrstuvwxyz is mine", "[secret] is mine"),
        ("AIzaSyA1234567890abcdefghijklmnopqrstuv.", "[secret]."),
        (f"github_pat_{'a1B2' * 20}", "[secret]"),
        ("sk-proj-abcdefghijklmnopqrstuvwxT3BlbkFJabcdefghijklmnopqrstuvwx!", "[secret]!"),
        ("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N", "[secret]"),
        ("see https://user:pw123456@build.acme.io/x", "see https://user:[secret]@build.acme.io/x"),
        ("my number: 0171 1234567", "my number: [phone]"),
        ("postgres://u:hunter2secret@db/x", "postgres://u:[secret]@db/x"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nafter", "[secret]\nafter"),
    ],
)
def test_found(text, masked):
    assert mask(text, KINDS)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "git@github.com:a/b", "ruby@3.3.4", "icon@2x.png", "me@example.com", "<Greeting @name={{@user.name}} />",
        "2024-05-01 12:00:00", "1,234,567,890 rows", "token 1714567890123", "ip-172-31-26-179", "0.0.0.0 and 10.1.2.3",
        "values 5272 10,2.36724248240563 11,3.11900191938578", "version 3.8.11.1x", "```\n+44 20 7946 0958\n```",
        "https://a.org/+442079460958", "ISBN 978-3-16-148410-0", "follow @jo@hachyderm.io!", "`ssh jo@build.acme.io`",
    ],
)  # fmt: skip
def test_left_alone(text):
    assert mask(text, KINDS) == (text, {})


def test_only_the_kinds_asked_for_are_masked_and_counted():
    text = "a@acme.io b@acme.io 4111 1111 1111 1111"
    assert mask(text, ["email"]) == ("[email] [email] 4111 1111 1111 1111", {"email": 2})
    assert mask(text, []) == (text, {})


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("password = hunter2", "password = [secret]"),
        ("DB_PASSWORD=s3cr3t!", "DB_PASSWORD=[secret]"),
        ("```\napi_key: 'ab12cd34'\n```", "```\napi_key: '[secret]'\n```"),
        ("export PGPASSWORD=pw12345 && psql", "export PGPASSWORD=[secret] && psql"),
        ("contraseña: perro123", "contraseña: [secret]"),
    ],
)
def test_what_is_assigned_to_a_password_is_masked(text, masked):
    assert mask(text, ["secret"]) == (masked, Counter(secret=1))


@pytest.mark.parametrize(
    "text",
    [
        "Choose a password: it matters.", "Their secret: they ship daily.", "My secret: 3x more time, and no meetings.",
        "password: 2FA is better", "password=<your-password-1>", "passwd: ${PASS1}", "secret = os.environ['X1']",
        "password = ask_for_it(1)", "pwd: /home/user1", "The key: 10x more focus", "the secret = the index",
    ],
)  # fmt: skip
def test_prose_and_code_about_passwords_stay(text):
    assert mask(text, ["secret"]) == (text, Counter())
