"""Personal data and secrets masked where pattern recognisers (presidio) and detect-secrets find them, with counts."""

from __future__ import annotations

import ipaddress
import re
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from twin.text.masks import KINDS

Span = tuple[int, int, str]

# The recognisers are slow and the regexes are not: a line is looked at only where one of these says it is worth it.
_WORTH = {
    "email": re.compile(r"\S@[\w\-]+\.\w"),
    "phone": re.compile(r"(?<![\w.,/])(?:\+|00|\()?\(?\d[\d \u00a0().\-/]{6,}\d(?![\w%])"),
    "iban": re.compile(r"\b[A-Z]{2}\d{2}[ ]?[A-Z0-9]{4}[ ]?[A-Z0-9]{4}"),
    "credit_card": re.compile(r"\b(?:\d[ -]?){12,18}\d\b"),
    "ip": re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){3,}"),
    "secret": re.compile(
        r"(?<![A-Za-z0-9_\-])[A-Za-z0-9_\-]{18}|://[^\s/:@]+:[^\s/@]+@|(?:[Pp]ass|PASS|[Pp]wd|PWD|[Ss]ecret|SECRET|[Kk]ey|KEY|ontrase)[^\n=:]{0,20}[=:]"
    ),
}
# What each of them can't be without, found ten times as fast: most texts are asked for no more.
_HINT = {
    "email": re.compile(r"@"),
    "phone": re.compile(r"\d[\d \u00a0().\-/]{6,}\d"),
    "iban": re.compile(r"[A-Z]{2}\d{2}"),
    "credit_card": re.compile(r"\d[ -]?\d[ -]?\d[ -]?\d[ -]?\d[ -]?\d"),
    "ip": re.compile(r"\d\.\d|:[^:\n]{0,4}:"),
}
_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_URL = re.compile(r"(?:https?://|www\.)\S+|\]\([^)\s]*\)")
_PHONE_WORD = re.compile(
    r"\b(?:tel|phone|mobile|cell|call|my number|fax|whatsapp|telefon|handy|tél|móvil|ring)\b", re.IGNORECASE
)
_DATE = re.compile(r"(?:19|20)\d\d[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ](?:19|20)\d\d")
_ADDRESS = re.compile(r"[^\W_][\w.%+\-]*@[\w\-]+(?:\.[\w\-]+)*\.[^\W\d_]{2,}")
# Keys with a shape of their own that detect-secrets does not know (Anthropic, Google, Hugging Face, npm, GitHub).
_MORE_SECRETS = re.compile(
    r"\bsk-ant-[\w\-]{20,}|\bAIza[\w\-]{35,}|\bhf_[A-Za-z]{30,}|\bnpm_[A-Za-z0-9]{36}|\bgithub_pat_\w{40,}|\bya29\.[\w\-]{30,}"
)
_NAMED = re.compile(r"(?:pass|pwd|secret|key|contrase)\w*[\]'\"]*\s*[=:]", re.IGNORECASE)
# Letters among figures or signs; neither a path, a call, a variable nor a placeholder.
_VALUE = re.compile(
    r"(?![./~$%<{\[(]|https?:)(?=\S*[A-Za-z])(?=\S*[\d!#%^&*+@?])[^\s\[\](){}<>$\"'`,;]{4,}(?=$|[\s\"'`,;])"
)
_TOKEN = re.compile(r"[\w\-]*")
# What stands before a handle of the fediverse (`@jo@example.social`) and before a machine's name.
_HANDLE = re.compile(r"(?<![\w@])@$|\b(?:ssh|scp|sftp|mosh) $")
_NOT_PEOPLE = re.compile(
    r"(?:^git@|@(?:\d+x\.|example\.(?:com|org|net)$|users\.noreply\.github\.com$)|\.(?:png|jpe?g|gif|svg)$)",
    re.IGNORECASE,
)


def mask(text: str, kinds: Iterable[str], own: Collection[str] = ()) -> tuple[str, Counter[str]]:
    """The text with each finding replaced by its kind in brackets (`[email]`), and how many of each there were.

    `kinds` are of email, phone, iban, credit_card, ip, secret. `own` are contacts that stay: e-mail addresses,
    `@domain` for every address of it, telephone numbers in any spelling. Phone numbers and IP addresses are left alone in code
    and in links, where such digits are seldom anybody's. Deterministic; nothing is asked of the network.
    """
    wanted = [kind for kind in KINDS if kind in set(kinds)]
    spans = _spans(text, wanted)
    counts: Counter[str] = Counter()
    pieces: list[str] = []
    place = 0
    for start, end, kind in spans:
        if start < place or (own and _is_own(text[start:end], kind, own)):
            continue
        pieces += [text[place:start], f"[{kind}]"]
        place = end
        counts[kind] += 1
    return ("".join([*pieces, text[place:]]), counts) if counts else (text, counts)


def _is_own(found: str, kind: str, own: Collection[str]) -> bool:
    if kind == "email":
        address = found.casefold()
        return any(address == o.casefold() or (o[:1] == "@" and address.endswith(o.casefold())) for o in own)
    if kind != "phone":
        return False
    digits = re.sub(r"\D", "", found).lstrip("0")
    return any(len(known := re.sub(r"\D", "", o).lstrip("0")) >= 7 and _ends_alike(digits, known) for o in own)


def _ends_alike(one: str, other: str) -> bool:
    """Whether two numbers are one with and without its country's prefix: the nine last digits (or all) agree."""
    length = min(len(one), len(other), 9)
    return length >= 7 and one[-length:] == other[-length:]


def _spans(text: str, kinds: list[str]) -> list[Span]:
    found: list[Span] = []
    if "secret" in kinds:
        found += [(m.start(), m.end(), "secret") for m in _KEY_BLOCK.finditer(text)]
    # Most texts hold nothing of the kind: one look at the whole says so before any line is looked at.
    kinds = [kind for kind in kinds if kind not in _HINT or _HINT[kind].search(text)]
    kinds = [kind for kind in kinds if _WORTH[kind].search(text)]
    offset, fenced = 0, False
    for line in text.split("\n") if kinds else ():
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        for kind in kinds:
            if _WORTH[kind].search(line) and not (fenced and kind in ("phone", "ip")):
                found += [(offset + start, offset + end, kind) for start, end in _FINDERS[kind](line)]
        offset += len(line) + 1
    # Of overlapping findings the earliest and longest is masked; a password before a host is no address.
    return sorted(found, key=lambda span: (span[0], span[2] != "secret", -span[1]))


def _presidio(entity: str, line: str) -> Iterator[tuple[int, int]]:
    for result in _recogniser(entity).analyze(line, [entity], None):
        yield result.start, result.end


def _emails(line: str) -> Iterator[tuple[int, int]]:
    for start, _ in _presidio("EMAIL_ADDRESS", line):
        # presidio's pattern also takes `user=` before an address and versions such as `ruby@3.3.4`.
        found = _ADDRESS.search(line, start)
        if found and not _NOT_PEOPLE.search(found[0]) and not _HANDLE.search(line[: found.start()]):
            yield found.span()


def _cards(line: str) -> Iterator[tuple[int, int]]:
    for start, end in _presidio("CREDIT_CARD", line):
        # One number in ten passes the checksum by chance: decimals are not cards.
        if not re.search(r"\d[.,]$", line[:start]) and not re.match(r"[.,]\d", line[end:]):
            yield start, end


def _ips(line: str) -> Iterator[tuple[int, int]]:
    for start, end in _presidio("IP_ADDRESS", line):
        try:
            if ipaddress.ip_address(line[start:end].strip()).is_global:
                yield start, end
        except ValueError:
            continue


def _phones(line: str) -> Iterator[tuple[int, int]]:
    links = [m.span() for m in _URL.finditer(line)]
    said = _PHONE_WORD.search(line) is not None
    for start, end in _presidio("PHONE_NUMBER", line):
        number = line[start:end]
        if re.search(r"[\w\-.]$", line[:start]) or re.fullmatch(r"\d{1,3}(?:\.\d{1,3}){3}", number):
            continue
        linked = any(a <= start < b for a, b in links)
        # A bare run of digits is an id or a count unless the line speaks of telephones.
        if (
            not linked
            and not _DATE.search(number)
            and (said or number.startswith(("+", "(", "00")) or _is_grouped(number))
        ):
            yield start, end


def _is_grouped(number: str) -> bool:
    groups = re.split(r"[ .\-/\u00a0]+", number)
    return (
        len(groups) >= 3
        and len({c for c in number if c in " .-/\u00a0"}) == 1
        and all(2 <= len(g) <= 4 for g in groups)
    )


def _secrets(line: str) -> Iterator[tuple[int, int]]:
    for detector in _detectors():
        # The detectors' own search gives only a pattern's groups, which for some tokens is their prefix alone.
        group = 1 if type(detector).__name__ == "BasicAuthDetector" else 0
        for pattern in detector.denylist:
            for match in pattern.finditer(line):
                start, end = match.span(group)
                # Some patterns end before their token does.
                yield start, end if group else _TOKEN.match(line, end).end()  # type: ignore[union-attr]
    for match in _MORE_SECRETS.finditer(line):
        yield match.span()
    yield from _assigned(line)


def _assigned(line: str) -> Iterator[tuple[int, int]]:
    """What is assigned to a password or key by its name, as detect-secrets tells it in settings' files.

    Its patterns would eat prose ("the secret: they ship daily"): the value must be one token that is no word, no
    reference and no placeholder, after a colon the last of its line.
    """
    if not _NAMED.search(line):
        return
    from detect_secrets.plugins.keyword import CONFIG_DENYLIST_REGEX_TO_GROUP

    for pattern, group in CONFIG_DENYLIST_REGEX_TO_GROUP.items():
        for match in pattern.finditer(line):
            value = _VALUE.match(match[group])
            alone = value and not match[group][value.end() :].strip(" ,;")
            if value and (alone or ":" not in match[0][: match.start(group) - match.start()]):
                yield match.start(group), match.start(group) + value.end()


_FINDERS: dict[str, Callable[[str], Iterator[tuple[int, int]]]] = {
    "email": _emails,
    "phone": _phones,
    "iban": lambda line: _presidio("IBAN_CODE", line),
    "credit_card": _cards,
    "ip": _ips,
    "secret": _secrets,
}


@contextmanager
def _light_import() -> Iterator[None]:
    """Hide torch and transformers while presidio is imported: it loads them (15 s) for engines not used here."""
    heavy = [name for name in ("torch", "transformers") if name not in sys.modules]
    sys.modules.update(dict.fromkeys(heavy))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in heavy:
            del sys.modules[name]


@cache
def _recogniser(entity: str) -> Any:
    with _light_import():
        from presidio_analyzer import PatternRecognizer
        from presidio_analyzer import predefined_recognizers as known

    if entity == "EMAIL_ADDRESS":
        # Its own class checks the domain with a list that it fetches from the network: the pattern alone does not.
        return PatternRecognizer(supported_entity=entity, patterns=known.EmailRecognizer.PATTERNS)
    if entity == "PHONE_NUMBER":
        return known.PhoneRecognizer(supported_regions=("US", "GB", "DE", "FR", "ES", "IT", "IN", "BR"), leniency=1)
    return {
        "IBAN_CODE": known.IbanRecognizer,
        "CREDIT_CARD": known.CreditCardRecognizer,
        "IP_ADDRESS": known.IpRecognizer,
    }[entity]()


@cache
def _detectors() -> list[Any]:
    """detect-secrets' detectors of keys with a known shape; those that guess by entropy or by a word are left out."""
    from detect_secrets.plugins import (
        aws,
        azure_storage_key,
        basic_auth,
        discord,
        github_token,
        gitlab_token,
        jwt,
        mailchimp,
        npm,
        openai,
        pypi_token,
        sendgrid,
        slack,
        square_oauth,
        stripe,
        telegram_token,
        twilio,
    )  # fmt: skip

    return [
        aws.AWSKeyDetector(), azure_storage_key.AzureStorageKeyDetector(), basic_auth.BasicAuthDetector(),
        discord.DiscordBotTokenDetector(), github_token.GitHubTokenDetector(), gitlab_token.GitLabTokenDetector(),
        jwt.JwtTokenDetector(), mailchimp.MailchimpDetector(), npm.NpmDetector(), openai.OpenAIDetector(),
        pypi_token.PypiTokenDetector(), sendgrid.SendGridDetector(), slack.SlackDetector(),
        square_oauth.SquareOAuthDetector(), stripe.StripeDetector(), telegram_token.TelegramBotTokenDetector(),
        twilio.TwilioKeyDetector(),
    ]  # fmt: skip
