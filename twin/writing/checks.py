"""What a reader should look at twice: numbers and names from nowhere, and long copies of old texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from twin.records import Chunk
from twin.writing.sentences import content_words, words

COPY_TOKENS = 12
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_NAME = re.compile(r"[A-ZÀ-ÖØ-Þ][\w'’-]*(?: [A-ZÀ-ÖØ-Þ][\w'’-]*)*")
_NO_NAMES = frozenset({"I", "I'm", "I'd", "I'll", "I've", "I’m", "I’d", "I’ll", "I’ve", "OK"})


# I or we, at most two small words, then a verb of the past: the draft says that something happened to its author.
_EVENT = re.compile(
    r"\b(?:I|[Ww]e)\b(?:['’](?:d|ve))?(?: (?:have|had|just|once|then|also|never|only|finally|recently|even|first)){0,2} "
    r"(?:\w{2,}ed|was|were|went|saw|met|got|made|took|built|wrote|ran|gave|spoke|told|found|left|began|bought|sold|won|"
    r"lost|led|heard|read|came|did|kept|knew|learnt|put|said|sat|sent|spent|stood|taught|thought|woke)\b"
)
_EVENT_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One doubt about `text`: `kind` is number, name, event or copy; `source` is the copied document (URL or id)."""

    kind: str
    sentence: int
    text: str
    source: str = ""


def unsupported(draft: Sequence[str], sources: Sequence[str]) -> list[Flag]:
    """Numbers and names in the draft's sentences that no source (brief, facts, links) holds, once each.

    A name is a capitalised run inside a sentence, or one of several words at its start; case does not matter in the
    sources. Numbers are compared without thousands' commas: 1,200 and 1200 are one.
    """
    told = "\n".join(sources)
    numbers = {_plain(number) for number in _NUMBER.findall(told)}
    known = set(words(told))
    seen: set[str] = set()
    flags = []
    for index, sentence in enumerate(draft):
        found = [("number", n) for n in _NUMBER.findall(sentence) if _plain(n) not in numbers]
        found += [("name", n) for n in _names(sentence) if not set(words(n)) <= known]
        for kind, text in found:
            if text not in seen:
                seen.add(text)
                flags.append(Flag(kind=kind, sentence=index, text=text))
    return flags


def events(draft: Sequence[str], sources: Sequence[str]) -> list[Flag]:
    """Sentences in which the author did or met something that no source tells: less than half of their words are there.

    Whose life it is can't be read off a text: these are for a person to confirm.
    """
    known = content_words("\n".join(sources))
    flags = []
    for index, sentence in enumerate(draft):
        own = content_words(sentence)
        if _EVENT.search(sentence) and len(own & known) < _EVENT_SHARE * len(own):
            flags.append(Flag(kind="event", sentence=index, text=sentence))
    return flags


def copies(draft: Sequence[str], chunks: Sequence[Chunk], tokens: int = COPY_TOKENS) -> list[Flag]:
    """Runs of at least `tokens` words that stand in the same order in a chunk, longest first, none inside another."""
    text = [(word, index) for index, sentence in enumerate(draft) for word in words(sentence)]
    taken: set[int] = set()
    flags = []
    for length, start, chunk in sorted(_runs([w for w, _ in text], chunks, tokens), key=lambda run: -run[0]):
        span = set(range(start, start + length))
        if span & taken:
            continue
        taken |= span
        copied = " ".join(word for word, _ in text[start : start + length])
        flags.append(Flag(kind="copy", sentence=text[start][1], text=copied, source=chunk.url or chunk.document_id))
    return flags


def _runs(text: list[str], chunks: Sequence[Chunk], tokens: int) -> list[tuple[int, int, Chunk]]:
    found = []
    for chunk in chunks:
        old = words(chunk.text)
        places: dict[tuple[str, ...], int] = {}
        for i in range(len(old) - tokens + 1):
            places.setdefault(tuple(old[i : i + tokens]), i)
        start = 0
        while start + tokens <= len(text):
            at = places.get(tuple(text[start : start + tokens]))
            if at is None:
                start += 1
                continue
            length = tokens
            while start + length < len(text) and at + length < len(old) and text[start + length] == old[at + length]:
                length += 1
            found.append((length, start, chunk))
            start += length
    return found


def _names(sentence: str) -> list[str]:
    found = []
    for match in _NAME.finditer(sentence):
        name = match.group().rstrip("'’-")
        opening = not re.search(r"\w", sentence[: match.start()])
        if opening:
            # A capital at the start says nothing by itself: only what follows it may be a name.
            name = name.partition(" ")[2]
        kept = [word for word in name.split() if word not in _NO_NAMES]
        # A word all in capitals is mostly emphasis or an abbreviation, a heading is all capitalised.
        if kept and not all(word.isupper() for word in kept):
            found.append(" ".join(kept))
    return found


def _plain(number: str) -> str:
    return re.sub(r",(?=\d{3})", "", number).strip(".,:")
